"""A signature is strokes and nothing else."""

import pytest
from django import forms

from kangqiao.base.signatures import LONGEST, SignatureField


class Signing(forms.Form):
    signature = SignatureField(label="签名")


@pytest.mark.parametrize("path", ["", "M40 120L80 60", "M1 1M600 200L0 0"])
def test_strokes_are_taken_as_drawn(path):
    form = Signing({"signature": path})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["signature"] == path


@pytest.mark.parametrize("path", ["x", 'M1 1"><script>', "M1 1Z", "M1,1", "M1 1" * (LONGEST // 4 + 1)])
def test_anything_else_is_refused_in_words(path):
    form = Signing({"signature": path})
    assert form.errors["signature"][0] == "签名没有传完整，请清除后重新签。"


def test_the_pad_holds_what_was_drawn():
    assert 'name="signature"' in str(Signing({"signature": "M40 120L80 60"})["signature"])
    assert "M40 120L80 60" in str(Signing({"signature": "M40 120L80 60"})["signature"])
