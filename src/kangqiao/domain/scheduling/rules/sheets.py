"""What a line of a sheet of weekly templates says, and a template as such a line; from plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, time, timedelta
from typing import Any

from kangqiao.domain.scheduling.rules.weekly import Weekly

NUMBER, HOUSE, DOCTOR, SPECIALTY = "编号", "医院", "医生", "科室"  # untranslated: heads in the file
WEEKDAY, STARTS, ENDS, ROOM = "周几", "开始", "结束", "诊室"  # untranslated: heads in the file
MINUTES, CAPACITY, WALK_IN = "每段分钟", "每段号数", "当天号"  # untranslated: heads in the file
SINCE, LAST_DAY = "从哪天起", "到哪天为止"  # untranslated: heads in the file
HEADS = (
    NUMBER, HOUSE, DOCTOR, SPECIALTY, WEEKDAY, STARTS, ENDS, ROOM, MINUTES, CAPACITY, WALK_IN, SINCE, LAST_DAY,
)  # fmt: skip
NEEDED = (DOCTOR, WEEKDAY, STARTS, ENDS, MINUTES, CAPACITY, SINCE)
WEEK = "一二三四五六日"  # untranslated: how days of the week are written in the file
DAYS = tuple(f"周{one}" for one in WEEK)  # untranslated: how days of the week are written in the file
NAMES = (HOUSE, DOCTOR, SPECIALTY, ROOM)
# Whose change is in which column.
COLUMNS = {
    "practitioner_id": DOCTOR, "specialty": SPECIALTY, "room": ROOM, "weekday": WEEKDAY, "starts": STARTS,
    "ends": ENDS, "slot_minutes": MINUTES, "capacity": CAPACITY, "walk_in_percent": WALK_IN, "since": SINCE,
    "until": LAST_DAY,
}  # fmt: skip
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")  # untranslated: what people write
_CLOCK = re.compile(r"(\d{1,2})[:点](\d{2})(?::00)?")  # untranslated: what people write
_WEEKDAY = re.compile(rf"(?:周|星期|礼拜)([{WEEK}天])|([1-7])")  # untranslated: what people write
_ROOM_MOST = 60


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A line: which template it is (none: a new one), names as told, the values, and what cannot be read where."""

    number: int | None
    house: str
    doctor: str
    specialty: str
    values: Mapping[str, Any]
    faults: tuple[tuple[str, str], ...]

    def weekly(self, practitioner_id: int, specialty: str) -> Weekly:
        """The plain values, as the rules take them; only of a line without faults."""
        return Weekly(practitioner_id=practitioner_id, specialty=specialty, **self.values)


def read_template(cells: Mapping[str, str]) -> TemplateLine:
    """What a line says."""
    said = {head: cells.get(head, "").strip() for head in HEADS}
    # Names stay as they are written; digits and signs of full width are those of half.
    said |= {head: unicodedata.normalize("NFKC", said[head]) for head in HEADS if head not in NAMES}
    faults = [(head, "missing") for head in NEEDED if not said[head]]

    def read(head: str, how: Callable[[str], Any], fault: str, empty: Any = None) -> Any:
        if not said[head]:
            return empty
        found = how(said[head])
        if found is None:
            faults.append((head, fault))
        return found

    last = read(LAST_DAY, _day, "day")
    values = {
        "room": said[ROOM],
        "weekday": read(WEEKDAY, _weekday, "weekday"),
        "starts": read(STARTS, _clock, "clock"),
        "ends": read(ENDS, _clock, "clock"),
        "slot_minutes": read(MINUTES, _number, "number"),
        "capacity": read(CAPACITY, _number, "number"),
        "walk_in_percent": read(WALK_IN, lambda text: _number(text.rstrip("%")), "number", 0),
        "since": read(SINCE, _day, "day"),
        "until": last + timedelta(days=1) if last is not None and last < date.max else None,
    }
    if len(said[ROOM]) > _ROOM_MOST:
        faults.append((ROOM, "long"))
    number = read(NUMBER, _number, "number_of")
    return TemplateLine(number, said[HOUSE], said[DOCTOR], said[SPECIALTY], values, tuple(faults))


def write_template(number: int, house: str, doctor: str, specialty: str, weekly: Weekly) -> dict[str, str]:
    """A template as a line that reads the same."""
    last = weekly.until - timedelta(days=1) if weekly.until else None
    told = (
        number, house, doctor, specialty, DAYS[weekly.weekday - 1], f"{weekly.starts:%H:%M}", f"{weekly.ends:%H:%M}",
        weekly.room, weekly.slot_minutes, weekly.capacity, weekly.walk_in_percent, weekly.since.isoformat(),
        last.isoformat() if last else "",
    )  # fmt: skip
    return dict(zip(HEADS, map(str, told), strict=True))


def changed_columns(was: Weekly, now: Weekly) -> list[str]:
    """The columns in which two differ, in the order of the file."""
    return [head for name, head in COLUMNS.items() if getattr(was, name) != getattr(now, name)]


def meet(one: Weekly, other: Weekly) -> bool:
    """Whether two clinics of a week are of one doctor at the same time, on days on which both are held."""
    if (one.practitioner_id, one.weekday) != (other.practitioner_id, other.weekday):
        return False
    if not (one.starts < other.ends and other.starts < one.ends):
        return False
    ends = [day for day in (one.until, other.until) if day is not None]
    return not ends or max(one.since, other.since) < min(ends)


def packed(weekly: Weekly) -> dict[str, Any]:
    """The values as words that can be kept."""
    told = asdict(weekly)
    return {name: one.isoformat() if isinstance(one, date | time) else one for name, one in told.items()}


def unpacked(kept: Mapping[str, Any]) -> Weekly:
    """The values again."""
    given = {one.name: kept[one.name] for one in fields(Weekly)}
    given |= {name: time.fromisoformat(given[name]) for name in ("starts", "ends")}
    given |= {name: date.fromisoformat(given[name]) for name in ("since", "until") if given[name]}
    return Weekly(**given)


def _number(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,9})(?:\.0+)?", text)
    return int(found[1]) if found else None


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text.partition(" ")[0])
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text)
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def _weekday(text: str) -> int | None:
    found = _WEEKDAY.fullmatch(text)
    if found is None:
        return None
    return int(found[2]) if found[2] else (WEEK.find(found[1]) + 1 or len(WEEK))
