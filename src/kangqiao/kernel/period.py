"""Days and terms: a half-open run of dates, and the half-days of a week."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Dates from `start` up to but not including `end`; no `end` means until further notice.

    Raises ValueError when the end does not lie after the start.
    """

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"a period must end after it starts: {self.start} to {self.end}")

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether the two share a day."""
        return (self.end is None or other.start < self.end) and (other.end is None or self.start < other.end)

    def days(self) -> Iterator[date]:
        """Every date of a closed period. Raises ValueError when it is open-ended."""
        if self.end is None:
            raise ValueError("an open-ended period has no last day")
        day = self.start
        while day < self.end:
            yield day
            day += timedelta(days=1)


def year(number: int) -> Period:
    """The calendar year as a period."""
    return Period(date(number, 1, 1), date(number + 1, 1, 1))


def quarters(until: date, count: int) -> list[Period]:
    """The last `count` calendar quarters, oldest first; the newest holds the day before `until`."""
    newest = (until - timedelta(days=1)).year * 4 + ((until - timedelta(days=1)).month - 1) // 3
    starts = [date(n // 4, n % 4 * 3 + 1, 1) for n in range(newest - count + 1, newest + 2)]
    return [Period(start, end) for start, end in pairwise(starts)]


def week(day: date) -> Period:
    """The Monday-to-Sunday week that holds the day."""
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + timedelta(days=7))


def in_calendar(day: date | None) -> date | None:
    """The day when a page can show it, else none: the first and last days a date can hold have no neighbours."""
    return day if day is not None and date.min.year < day.year < date.max.year else None


def working_week(day: date) -> Period:
    """The week a planner means by "this week": at the weekend already the coming one."""
    return week(day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day)


def last_day_of_month(year_number: int, month: int) -> date:
    """The last date of a month, leap years included."""
    return date(year_number, month, calendar.monthrange(year_number, month)[1])


def years_after(day: date, count: int) -> date:
    """The same day `count` years later; 29 February falls on 28 February where there is none."""
    try:
        return day.replace(year=day.year + count)
    except ValueError:
        return day.replace(year=day.year + count, day=28)
