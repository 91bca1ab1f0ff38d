"""The typed signatures of the scheduling actions a person fills in."""

from __future__ import annotations

from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.kernel.period import in_calendar


class SearchForm(forms.Form):
    """What somebody looks for: a doctor or specialty in characters or pinyin, and for whom."""

    q = forms.CharField(label=_("找专家或专科"), required=False, max_length=40)
    specialty = forms.CharField(required=False, max_length=40)
    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class BookForm(forms.Form):
    """For whom a place is taken."""

    resident = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class CancelForm(forms.Form):
    """Why a place is given back."""

    reason = forms.CharField(label=_("不去的原因"), required=False, max_length=200)


class StepForm(forms.Form):
    """What the desk does with a booking."""

    step = forms.ChoiceField(choices=[(step, step) for step in ("check_in", "miss", "cancel", "undo")])


class VisitForm(forms.Form):
    """What the visit was about, for the record."""

    diagnosis = forms.CharField(label=_("诊断"), max_length=40, help_text=_("写主要诊断，例如“高血压”。"))
    summary = forms.CharField(
        label=_("就诊小结"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5}), required=False
    )


class WithdrawForm(forms.Form):
    """Why a session is called off."""

    reason = forms.CharField(label=_("停诊原因"), min_length=2, max_length=500)


class DayForm(forms.Form):
    """Which day is shown; today when none is named."""

    day = forms.DateField(required=False)

    def clean_day(self) -> date | None:
        """A day that has neighbours, else none."""
        return in_calendar(self.cleaned_data.get("day"))
