"""What the address of the home page may ask for."""

from __future__ import annotations

from typing import Any

from django import forms


class Asked(forms.Form):
    """A worklist, whose things in it (`me`), and the row to be at; what nobody can mean counts as not asked."""

    list = forms.SlugField(required=False, max_length=20)
    who = forms.SlugField(required=False, max_length=4)
    row = forms.SlugField(required=False, max_length=24)

    def wanted(self) -> dict[str, Any]:
        """The keywords of `board_of`."""
        given = self.cleaned_data if self.is_valid() else {}
        return {"wanted": given.get("list", ""), "mine": given.get("who") == "me", "row": given.get("row", "")}
