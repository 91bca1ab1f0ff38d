"""What people type into forms, where a kind of it is more than Django's own."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.kernel.period import in_calendar


class DayField(forms.DateField):
    """A date picked on a page, refused with a sentence where it has no neighbours, as no page could show it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": forms.DateInput({"type": "date"}, "%Y-%m-%d"), **kwargs})

    def clean(self, value: Any) -> date | None:
        """The day; none where it may be left out. Raises ValidationError."""
        day: date | None = super().clean(value)
        if day is not None and in_calendar(day) is None:
            raise forms.ValidationError(_("这一天不在日历里，请另选一天。"))
        return day


__all__ = ["DayField"]
