"""Whether a report came in time, and what a line of a sheet of reports says, from plain values."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

# How a station stands for a month.
IN_TIME, LATE, MISSING, AWAITED = "in_time", "late", "missing", "awaited"
# Heads of a sheet of reports; between month and reason stands a column for each kind of service.
STATION, MONTH, WHY = "服务站", "月份", "更正原因"  # untranslated: heads in the file
_MONTH = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:月|[-/.月]\d{1,2}日?)?")
_NUMBER = re.compile(r"(\d{1,9})(?:\.0+)?")
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


@dataclass(frozen=True, slots=True)
class Reported:
    """A line of a sheet: station and month as told, the numbers by kind, why it corrects, what cannot be read where."""

    station: str
    month: date | None
    numbers: Mapping[str, int]
    why: str
    faults: tuple[tuple[str, str], ...]


def read_report(cells: Mapping[str, str], kinds: Mapping[str, str], most: int) -> Reported:
    """What a line says; `kinds` are the keys of the kinds by the head of their column."""
    said = {head: text.strip() for head, text in cells.items()}
    faults = [(head, "missing") for head in (STATION, MONTH, *kinds) if not said.get(head)]
    month = _read_month(_plain(said.get(MONTH, "")))
    if said.get(MONTH) and month is None:
        faults.append((MONTH, "month"))
    numbers = {}
    for head, key in kinds.items():
        found = _NUMBER.fullmatch(_plain(said.get(head, "")).replace(",", ""))
        if found is not None and int(found[1]) <= most:
            numbers[key] = int(found[1])
        elif said.get(head):
            faults.append((head, "number"))
    return Reported(said.get(STATION, ""), month, numbers, said.get(WHY, ""), tuple(faults))


def _plain(text: str) -> str:
    """Digits and signs of full width as those of half."""
    return unicodedata.normalize("NFKC", text)


def _read_month(text: str) -> date | None:
    """The first day of a month written as 2026-05, 2026年5月 or as any day in it, which Excel makes of it."""
    found = _MONTH.fullmatch(text)
    try:
        return date(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None
