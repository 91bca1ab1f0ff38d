"""The typed signatures of the roster's actions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.models import HalfDay
from kangqiao.domain.roster.rules import kinds_of_work
from kangqiao.kernel.period import in_calendar, week


class Week(forms.Form):
    """Which week, cell and mode a board is asked for; nonsense falls back to the present week."""

    week = forms.DateField(required=False)
    cell = forms.CharField(required=False, max_length=60)
    mode = forms.CharField(required=False, max_length=10)

    def clean_week(self) -> date | None:
        """A day of the calendar people use, else none."""
        return in_calendar(self.cleaned_data.get("week"))

    def asked(self, today: date) -> tuple[date, str, str]:
        """Day, cell and mode, each with its fallback."""
        self.is_valid()
        return (
            self.cleaned_data.get("week") or today,
            self.cleaned_data.get("cell") or "",
            self.cleaned_data.get("mode") or "",
        )


class Plan(forms.Form):
    """From which Monday and for how many weeks to plan."""

    starts_on = forms.DateField()
    weeks = forms.IntegerField(min_value=1, max_value=26)


class Place(forms.Form):
    """A place in the grid for an expert: `target` is `centre.date.half`."""

    target = forms.CharField(max_length=60)
    posting = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    practitioner = forms.IntegerField(required=False, min_value=1, max_value=2**62)

    def clean_target(self) -> dict[str, Any]:
        """The parts of the grid place."""
        centre, _dot, rest = self.cleaned_data["target"].partition(".")
        day, _dot, half = rest.partition(".")
        try:
            found = {"centre_id": int(centre), "day": date.fromisoformat(day), "half": half}
        except ValueError:
            raise forms.ValidationError(_("这个格子不在排班表里。")) from None
        if half not in HalfDay.Half.values:
            raise forms.ValidationError(_("半天只有上午和下午。"))
        return found


class Reason(forms.Form):
    """A step and, where it needs one, its reason."""

    step = forms.CharField(max_length=20)
    reason = forms.CharField(required=False, max_length=500)
    ends_on = forms.DateField(required=False)


class Nomination(forms.Form):
    """Whom to send where, and from when to when."""

    practitioner = forms.TypedChoiceField(label=_("专家"), coerce=int)
    centre = forms.TypedChoiceField(label=_("社区中心"), coerce=int)
    starts_on = forms.DateField(label=_("开始日期"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    ends_on = forms.DateField(
        label=_("结束日期"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("不填就到协议期满。"),
    )

    def __init__(self, *args: Any, seat: Seat, on: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = queries.nominees_of(seat)
        self.fields["practitioner"].choices = [  # type: ignore[attr-defined]
            (person.pk, queries.described(person)) for person in people
        ]
        self.fields["centre"].choices = [  # type: ignore[attr-defined]
            (centre.pk, queries.named(centre, short=False)) for centre in queries.centres_of(seat, on)
        ]
        self.fields["starts_on"].initial = on + timedelta(days=1)

    def clean_ends_on(self) -> date | None:
        """People name the last day; a posting holds the first day after it."""
        last: date | None = self.cleaned_data.get("ends_on")
        return last and last + timedelta(days=1)


class Work(forms.Form):
    """What was done in a half-day: kind, number of people, topic."""

    kind = forms.ChoiceField(label=_("服务类型"), choices=lambda: list(kinds_of_work().items()))
    people = forms.IntegerField(label=_("人数"), min_value=0, max_value=9999)
    topic = forms.CharField(label=_("主题"), required=False, max_length=200)


class Span(forms.Form):
    """The week of an attendance page."""

    week = forms.DateField(required=False)

    def clean_week(self) -> date | None:
        """A day of the calendar people use, else none."""
        return in_calendar(self.cleaned_data.get("week"))

    def monday(self, today: date) -> date:
        """Monday of the week asked for, else of the present one."""
        self.is_valid()
        return week(self.cleaned_data.get("week") or today).start
