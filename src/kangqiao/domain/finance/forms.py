"""What finance types: a year to compute, a figure with its source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.finance import queries
from kangqiao.domain.finance.queries import InputRow
from kangqiao.kernel.money import to_fen


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


class Compute(forms.Form):
    """Which year to compute, and why again when it was computed before."""

    year = forms.TypedChoiceField(label=_("年度"), coerce=int)
    reason = forms.CharField(
        label=_("更正原因"), max_length=200, required=False, help_text=_("这一年已经测算过时要写，会留在记录里。")
    )

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data, initial={"year": today.year - 1})
        self.fields["year"].choices = [(year, str(year)) for year in queries.years(today)]  # type: ignore[attr-defined]


class Figure(forms.Form):
    """One figure: which, how much, where it comes from."""

    what = forms.ChoiceField(label=_("依据"))
    number = forms.DecimalField(
        label=_("数"), min_value=Decimal(0), max_digits=18, decimal_places=2, help_text=_("经费以元计，人口以人计。")
    )
    source = forms.CharField(label=_("来源"), max_length=200, help_text=_("文件、报表或系统的名称和日期。"))
    verified = forms.BooleanField(label=_("我已核实"), required=False)

    def __init__(self, data: Any, *, needed: list[InputRow]) -> None:
        super().__init__(data)
        self.needed = {row.key: row for row in needed}
        self.fields["what"].choices = [(row.key, row.label) for row in needed]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """People are counted whole."""
        found = super().clean() or {}
        row, number = self.needed.get(found.get("what", "")), found.get("number")
        if row and not row.is_money and number is not None and number != int(number):
            raise ValidationError({"number": _("人口要填整数。")})
        return found

    def keywords(self) -> dict[str, Any]:
        """The keywords of the action."""
        found = self.cleaned_data
        row = self.needed[found["what"]]
        number = {"amount_fen": to_fen(found["number"])} if row.is_money else {"quantity": int(found["number"])}
        return {
            "kind": row.kind,
            "place_id": row.place.pk,
            "organization_id": row.organization.pk if row.organization else None,
            "source": found["source"],
            "verified": found["verified"],
            **number,
        }
