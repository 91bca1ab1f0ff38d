"""What a day counts as: what the hospital says, then its bureau, then the announced holidays; nothing is invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import chinese_calendar
from django.utils.translation import get_language
from django.utils.translation import gettext as _


class Says(StrEnum):
    """Who says what a day counts as."""

    HOUSE = "house"
    BUREAU = "bureau"
    HOLIDAY = "holiday"
    MAKE_UP = "make_up"
    NOBODY = "nobody"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Named:
    """A day as a hospital or a bureau named it: closed, or worked as a weekday (1 Monday to 7 Sunday), with why."""

    works_as: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """What a day counts as: the weekday whose clinics are held (1 Monday to 7 Sunday), or None when closed.

    `says` is whose word that is; NOBODY for a year whose holidays were not announced yet, so that only its weekday is
    known.
    """

    day: date
    works_as: int | None
    says: Says
    reason: str

    @property
    def is_closed(self) -> bool:
        """Whether no clinic is held."""
        return self.works_as is None

    @property
    def is_special(self) -> bool:
        """Whether anybody says more of it than its own weekday; a year nobody announced says nothing."""
        return self.says not in (Says.WEEK, Says.NOBODY)

    @property
    def label(self) -> str:
        """What it counts as, in a word."""
        names = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
        return _("不出诊") if self.works_as is None else _("按%s出诊") % names[self.works_as - 1]


def is_announced(year: int) -> bool:
    """Whether the library knows the State Council's arrangement of that year."""
    try:
        chinese_calendar.get_holiday_detail(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def count_day(day: date, house: Named | None = None, bureau: Named | None = None) -> DayCount:
    """What a day counts as for a hospital.

    A day made up for (调休上班) counts as its own weekday, since the announcement says no other; whose clinics are held
    on it the hospital or the bureau says.
    """
    for named, says in ((house, Says.HOUSE), (bureau, Says.BUREAU)):
        if named is not None:
            return DayCount(day, named.works_as, says, named.reason)
    try:
        is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return DayCount(day, day.isoweekday(), Says.NOBODY, _("这一年的放假安排还没有公布"))
    if name is None:
        return DayCount(day, day.isoweekday(), Says.WEEK, "")
    if is_off:
        return DayCount(day, None, Says.HOLIDAY, holiday_name(name))
    why = _("%(holiday)s调休上班") % {"holiday": holiday_name(name)}
    return DayCount(day, day.isoweekday(), Says.MAKE_UP, why)


def holiday_name(name: str) -> str:
    """A holiday in the reader's language, from its English name."""
    found = next((one for one in chinese_calendar.Holiday if one.value == name), None)
    return name if found is None or (get_language() or "").startswith("en") else str(found.chinese)
