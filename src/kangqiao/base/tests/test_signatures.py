"""A signature is strokes and nothing else."""

from zlib import decompress

import pytest
from django import forms
from docx.image.image import Image

from kangqiao.base.signatures import LONGEST, SignatureField, picture


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


def dots(png: bytes) -> list[str]:
    """The rows of the picture as noughts and ones."""
    begin = png.index(b"IDAT") + 4
    lines = decompress(png[begin : begin + int.from_bytes(png[begin - 8 : begin - 4], "big")])
    size = 1 + 1200 // 8
    return [f"{int.from_bytes(lines[at + 1 : at + size], 'big'):01200b}" for at in range(0, len(lines), size)]


def test_picture_has_ink_where_the_pen_went_and_nowhere_else():
    png = picture("M100 100L200 100M300 50")
    size = Image.from_blob(png)
    rows = dots(png)

    assert (size.px_width, size.px_height, size.content_type) == (1200, 400, "image/png")
    assert rows[200][200:401] == "1" * 201
    assert [number for number, row in enumerate(rows) if "1" in row] == [*range(96, 105), *range(196, 205)]
    assert rows[200].strip("0") == "1" * 209
    assert rows[100].strip("0") == "1" * 9
    assert rows[100].index("1") == 596


@pytest.mark.parametrize("path", ["", "x", 'M1 1"/><w:t>', "L1 1", "M1 1\n", "M601 10L700 10"])
def test_nothing_drawn_is_no_picture(path):
    assert picture(path) is None


def test_the_most_that_a_form_takes_is_drawn_within_the_box():
    path = ("M0 0" + "L999 999L0 0" * (LONGEST // 13))[:LONGEST]
    path = path[: path.rindex("L")]

    rows = dots(picture(path))

    assert len(rows) == 400
    assert {len(row) for row in rows} == {1200}
    assert len(picture(path)) < 20_000


def test_the_corner_of_the_box_is_drawn():
    rows = dots(picture("M0 0M599 199"))
    assert rows[0].startswith("11111")
    assert rows[398].endswith("11111")
