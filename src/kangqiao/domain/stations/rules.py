"""Whether a report came in time, from plain values."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

# How a station stands for a month.
IN_TIME, LATE, MISSING, AWAITED = "in_time", "late", "missing", "awaited"
LOOKS = {IN_TIME: "done", LATE: "go", MISSING: "back", AWAITED: "wait"}


def month_after(month: date) -> date:
    """The first day of the month after."""
    return (month + timedelta(days=monthrange(month.year, month.month)[1])).replace(day=1)


def due_on(month: date, day: int) -> date:
    """The last day to report a month on; a day the month after does not have is its last one."""
    after = month_after(month)
    return after.replace(day=min(day, monthrange(after.year, after.month)[1]))


def standing(due: date, received: date | None, on: date) -> tuple[str, int]:
    """How a report stands, and how many days it came late or is missing; 0 where none."""
    if received is not None:
        return (LATE, (received - due).days) if received > due else (IN_TIME, 0)
    return (MISSING, (on - due).days) if on > due else (AWAITED, 0)
