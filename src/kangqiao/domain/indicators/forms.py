"""What a reader of figures chooses."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.indicators import queries, rules


class Year(forms.Form):
    """The year to look at: the last complete one unless another is chosen."""

    year = forms.TypedChoiceField(label=_("年度"), coerce=int, required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        self.years = queries.years(today)
        self.fields["year"].choices = [(year, str(year)) for year in self.years]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> int:
        """The year asked for; anything else asked for counts as nothing asked."""
        asked = self.cleaned_data.get("year") if self.is_valid() else None
        return int(asked) if asked else self.today.year - 1


class BoardOrder(Year):
    """The year, and what the organisations stand by: all gaps together unless a column or the name is chosen."""

    by = forms.ChoiceField(required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data, today=today)
        named = [(key, key) for key in rules.cards()]
        self.fields["by"].choices = [("", ""), (queries.BY_NAME, ""), *named]  # type: ignore[attr-defined]

    @property
    def by_chosen(self) -> str:
        """The order asked for; anything else asked for counts as nothing asked."""
        self.is_valid()
        return str(self.cleaned_data.get("by", ""))
