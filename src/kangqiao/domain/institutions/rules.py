"""What a line of a list of institutions must say, and what is asked about. Nothing here touches the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from kangqiao.kernel.bounds import Bounds, Verdict

# The head of each column, in the words of the people who fill it in; the file has one language.
_HEADS = (
    "代码 名称 简称 种类 地区代码 级别 举办 上级机构代码 服务人口 地址 电话 开办日期"  # untranslated: heads in the file
)
COLUMNS = tuple(_HEADS.split())
CODE, NAME, SHORT, KIND, PLACE, LEVEL, OWNERSHIP, PART_OF, POPULATION, ADDRESS, PHONE, OPENED = COLUMNS
LEVELS = {"": None, "一级": 1, "二级": 2, "三级": 3, "1": 1, "2": 2, "3": 3}  # untranslated: words of the file
# The largest city district has some four million; a centre serves 30,000 to 100,000, rarely 280,000.
PEOPLE: Bounds[int] = Bounds(0, 5_000_000, 1_000, 280_000)
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_PLACE = re.compile(r"\d{2,12}(-[a-z0-9]+)?")
_PHONE = re.compile(r"[0-9+() \-－—/、；;转]{5,40}")  # untranslated: signs
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SIZES = {NAME: 120, SHORT: 40, ADDRESS: 200}


class Fault(Enum):
    """What is wrong with a cell."""

    MISSING = "missing"
    FORM = "form"
    UNKNOWN = "unknown"
    IMPOSSIBLE = "impossible"
    TOO_LONG = "too_long"
    UNSEEN = "unseen"
    UNUSUAL = "unusual"
    KNOWN = "known"
    OF_OTHERS = "of_others"


@dataclass(frozen=True, slots=True)
class Finding:
    """A cell somebody has to look at: its column, and what is wrong."""

    column: str
    fault: Fault

    @property
    def is_question(self) -> bool:
        """Whether it is let in once somebody says it is right."""
        return self.fault is Fault.UNUSUAL


@dataclass(frozen=True, slots=True)
class Line:
    """One institution as the list names it; texts trimmed, codes of other rows not yet looked up."""

    code: str
    zh: str
    short_zh: str
    kind: str
    place_code: str
    level: int | None
    ownership: str
    part_of_code: str
    population: int | None
    address: str
    phone: str
    opened_on: date | None


def opened_dates(today: date) -> Bounds[date]:
    """The oldest hospital of the country opened in 1835; a house that opens more than a year ahead is asked about."""
    return Bounds(date(1835, 1, 1), date(today.year + 5, 12, 31), date(1900, 1, 1), date(today.year + 1, 12, 31))


def read_line(
    row: Mapping[str, str], *, kinds: Mapping[str, str], ownerships: Mapping[str, str], today: date
) -> tuple[Line, list[Finding]]:
    """One row of the sheet (head → text) and what is wrong with it.

    `kinds` and `ownerships` are written word → code. What cannot be read stands as empty in the line.
    """
    row = {column: row.get(column, "").strip() for column in COLUMNS}
    found: list[Finding] = []

    def note(column: str, fault: Fault) -> None:
        found.append(Finding(column, fault))

    for column in COLUMNS:
        if _UNSEEN.search(row[column]):
            note(column, Fault.UNSEEN)
        if len(row[column]) > _SIZES.get(column, 60):
            note(column, Fault.TOO_LONG)
    for column in (CODE, NAME, KIND, PLACE):
        if not row[column]:
            note(column, Fault.MISSING)
    if not row[SHORT] and len(row[NAME]) > _SIZES[SHORT]:
        note(SHORT, Fault.MISSING)
    for column, form in ((CODE, _CODE), (PART_OF, _CODE), (PLACE, _PLACE), (PHONE, _PHONE)):
        if row[column] and not form.fullmatch(row[column]):
            note(column, Fault.FORM)
    for column, known in ((KIND, kinds), (OWNERSHIP, {"": "", **ownerships}), (LEVEL, LEVELS)):
        if row[column] not in known and (column is not KIND or row[column]):
            note(column, Fault.UNKNOWN)
    people, opened = _people(row[POPULATION]), _day(row[OPENED])
    for column, value, verdict in (
        (POPULATION, people, PEOPLE.judge(people) if people is not None else Verdict.FINE),
        (OPENED, opened, opened_dates(today).judge(opened) if opened else Verdict.FINE),
    ):
        if row[column] and value is None:
            note(column, Fault.FORM)
        elif verdict is not Verdict.FINE:
            note(column, Fault.UNUSUAL if verdict is Verdict.UNUSUAL else Fault.IMPOSSIBLE)
    line = Line(
        row[CODE], row[NAME], row[SHORT], kinds.get(row[KIND], ""), row[PLACE], LEVELS.get(row[LEVEL]),
        ownerships.get(row[OWNERSHIP], ""), row[PART_OF], people, row[ADDRESS], row[PHONE], opened,
    )  # fmt: skip
    return line, found


def _people(text: str) -> int | None:
    plain = text.replace(",", "").replace("，", "")
    return int(plain) if re.fullmatch(r"-?[0-9]{1,12}", plain) else None


def _day(text: str) -> date | None:
    try:
        return date(*(int(part) for part in re.split(r"[-/.]", text)))
    except (ValueError, TypeError):
        return None
