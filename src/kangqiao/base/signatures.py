"""A signature drawn by hand on the screen: strokes in a box, kept as the path of an SVG drawing and nothing else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

WIDTH, HEIGHT = 600, 200
LONGEST = 12_000
# Strokes that begin somewhere and go on from point to point, in whole units of the box; a dot is a stroke too.
DRAWN = r"^(M\d{1,3} \d{1,3}(L\d{1,3} \d{1,3})*)*$"


class SignPad(forms.Widget):
    """A field to sign in with finger, pen or mouse."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The pad with what was drawn before."""
        return render_to_string("widgets/sign_pad.html", {"name": name, "path": value or "", **(attrs or {})})


class SignatureField(forms.CharField):
    """What was drawn, as a path; nothing where somebody does not sign by hand. Anything else is refused."""

    def __init__(self, **kwargs: Any) -> None:
        words = _("签名没有传完整，请清除后重新签。")
        super().__init__(
            max_length=LONGEST,
            required=False,
            widget=SignPad,
            validators=[RegexValidator(DRAWN, words)],
            error_messages={"max_length": words},
            **kwargs,
        )
