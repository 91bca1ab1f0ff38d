"""What becomes of a template on a day: opened, or left out and why; and how its time is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from fractions import Fraction

from django.utils.translation import gettext as _

from kangqiao.domain.scheduling.parameters import WeeklyParameters
from kangqiao.domain.scheduling.rules.places import (
    Calendar,
    SlotPlan,
    plan_slots,
    reserved_positions,
)
from kangqiao.kernel.errors import RuleBroken

Times = Sequence[tuple[datetime, datetime]]


class Skip(StrEnum):
    """Why a template opens nothing on a day."""

    OPENED = "opened"
    CALLED_OFF = "called_off"
    BEGUN = "begun"
    LEFT = "left"
    CLOSED = "closed"
    UNANNOUNCED = "unannounced"
    EXCEPTION = "exception"
    ABSENCE = "absence"
    CONFLICT = "conflict"


def said_skip(skip: str, why: str) -> str:
    """Why nothing was opened, in the reader's language; what somebody wrote as the reason stays as they wrote it."""
    match skip:
        case Skip.CALLED_OFF:
            return _("这一天已停诊")
        case Skip.LEFT:
            return _("医生已不在本院，或没有在册的执业资格")
        case Skip.UNANNOUNCED:
            return _("这一年的放假安排还没有公布")
        case Skip.ABSENCE:
            return _("医生这天请假")
        case _:
            return why


@dataclass(frozen=True, slots=True)
class Weekly:
    """The plain values of a template: whose clinic, where, when, in how many places.

    `weekday` 1 Monday to 7 Sunday; `slot_minutes` of one time, `capacity` places in it; `walk_in_percent` of the times
    are kept for the day itself. `until` is the first day it no longer holds.
    """

    practitioner_id: int
    specialty: str
    room: str
    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    capacity: int
    walk_in_percent: int
    since: date
    until: date | None

    def holds_on(self, day: date, works_as: int | None) -> bool:
        """Whether the clinic is held on a day that counts as that weekday."""
        return works_as == self.weekday and self.since <= day and (self.until is None or day < self.until)

    @property
    def times(self) -> int:
        """How many times one clinic has; a rest shorter than one is left out."""
        return (_minutes(self.ends) - _minutes(self.starts)) // self.slot_minutes

    @property
    def places(self) -> int:
        """How many places one clinic has."""
        return self.times * self.capacity


def _minutes(of: time) -> int:
    return of.hour * 60 + of.minute


def check(weekly: Weekly, terms: WeeklyParameters) -> None:
    """Raises RuleBroken when the values make no clinic, each time with what to do."""
    if not 1 <= weekly.weekday <= 7:
        raise RuleBroken(_("没有这个星期几。"), next_step=_("请从周一到周日里选。"))
    if weekly.ends <= weekly.starts:
        raise RuleBroken(_("结束时间不在开始时间之后。"), next_step=_("请改开始或结束时间。"))
    if weekly.slot_minutes < 1:
        raise RuleBroken(_("每个时段至少一分钟。"), next_step=_("请写每个时段几分钟。"))
    if not 1 <= weekly.capacity <= terms.capacity_most:
        raise RuleBroken(
            _("每个时段要有1到%(most)s个号。") % {"most": terms.capacity_most},
            next_step=_("病人更多，请把时段改短，或另开一个诊室。"),
        )
    if not 0 <= weekly.walk_in_percent <= 100:
        raise RuleBroken(_("当天号的比例在0到100之间。"), next_step=_("请改比例。"))
    if weekly.times < 1:
        raise RuleBroken(
            _("这段时间放不下一个号（每号%(minutes)s分钟）。") % {"minutes": weekly.slot_minutes},
            next_step=_("请延长出诊时间，或把时段改短。"),
        )
    if weekly.until is not None and weekly.until < weekly.since:
        raise RuleBroken(_("最后一天早于第一天。"), next_step=_("请改开始或结束的日子。"))


def plan_weekly(
    times: Times, opened_at: datetime, calendar: Calendar, horizon_days: int, walk_in: Fraction
) -> list[SlotPlan]:
    """The times of a clinic with their pools; those kept for the day itself are spread evenly and open as it begins.

    Of a share kept for walk-ins no pool has a part: the other times are shared out among themselves.
    """
    kept = reserved_positions(len(times), walk_in)
    booked = iter(
        plan_slots([one for n, one in enumerate(times) if n not in kept], opened_at, calendar, horizon_days)
        if len(kept) < len(times)
        else ()
    )
    return [_same_day(*one) if n in kept else next(booked) for n, one in enumerate(times)]


def _same_day(starts_at: datetime, ends_at: datetime) -> SlotPlan:
    begins = datetime.combine(starts_at.date(), time(), starts_at.tzinfo)
    return SlotPlan(starts_at, ends_at, begins, is_same_day=True)
