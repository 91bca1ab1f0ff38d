"""What a form of long work asks for."""

from __future__ import annotations

from django import forms


class Anew(forms.Form):
    """Which piece of failed work."""

    job = forms.IntegerField(min_value=1, max_value=2**62)
