"""What a pack holds once it is loaded: values with their citation, clauses of the papers, packs. All frozen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from datetime import time as time_of_day
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from kangqiao.kernel.errors import PolicyError
from kangqiao.kernel.period import last_day_of_month
from kangqiao.policy.nodes import plain

FORCES = ("binding", "in_principle", "encouraged", "plan", "reported")
PRIORITIES = ("core", "important", "supporting")


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """Which pack in which version decided, asked for which day; stored decisions keep it as text."""

    pack: str
    version: str
    date: date

    def __str__(self) -> str:
        return f"{self.pack}@{self.version}#{self.date.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> PolicyRef:
        """The reference a stored text names. Raises PolicyError when it is none."""
        match = re.fullmatch(r"([a-z0-9-]+)@([0-9.]+)#([0-9]{4}-[0-9]{2}-[0-9]{2})", text)
        if match is None:
            raise PolicyError(f"'{text}' is no policy reference such as zhuhai-lianjian@1.0.0#2026-01-01")
        return cls(match[1], match[2], date.fromisoformat(match[3]))


@dataclass(frozen=True, slots=True)
class Value:
    """One policy value on the day it was asked for, with all that explains it.

    `setting` is true where the paper is silent and the region chose; then `reason` says why. `force` decides what
    breaking it does: binding blocks, in_principle warns and asks for a reason, encouraged counts, plan and reported
    are shown only. `since` and `until` (last day, None when open) are the dates of this value; `by` is the day or
    year a target is due, `as_of` the time a reported figure speaks of, both as printed.
    """

    value: Any
    unit: str
    clause: str
    force: str
    setting: bool
    reason: str
    since: date
    until: date | None
    pack: str
    version: str
    topic: str
    key: str
    asked: date
    parameter: str = ""
    op: str = ""
    by: str = ""
    as_of: str = ""
    basis: str = ""
    source: str = ""
    note: str = ""
    place: str = ""

    @property
    def ref(self) -> PolicyRef:
        """The reference a decision built on this value keeps."""
        return PolicyRef(self.pack, self.version, self.asked)

    def number(self) -> int | Fraction:
        """The value as an exact number; a fraction may be written `1/12`. Raises PolicyError on another kind."""
        value = self.value
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, Decimal):
            return _shortest(Fraction(value))
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]+/[1-9][0-9]*", value):
            return _shortest(Fraction(value))
        raise self._wrong("a number")

    def integer(self) -> int:
        """The value as a whole number."""
        number = self.number()
        if isinstance(number, int):
            return number
        raise self._wrong("a whole number")

    def fraction(self) -> Fraction:
        """The value as an exact fraction."""
        return Fraction(self.number())

    def text(self) -> str:
        """The value as a word or sentence."""
        if isinstance(self.value, str):
            return self.value
        raise self._wrong("a text")

    def flag(self) -> bool:
        """The value as yes or no."""
        if isinstance(self.value, bool):
            return self.value
        raise self._wrong("true or false")

    def day(self) -> date:
        """The value as a date."""
        if isinstance(self.value, date):
            return self.value
        if isinstance(self.value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.value):
            return date.fromisoformat(self.value)
        raise self._wrong("a date")

    def time(self) -> time_of_day:
        """The value as a time of day, written `HH:MM` in quotes."""
        if isinstance(self.value, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", self.value):
            return time_of_day.fromisoformat(self.value)
        raise self._wrong("a time of day such as '08:00'")

    def list_(self) -> tuple[Any, ...]:
        """The value as a fixed sequence."""
        if isinstance(self.value, tuple):
            return self.value
        raise self._wrong("a list")

    def day_in_year(self, year: int) -> date:
        """The yearly day a value such as `02-last_day` or `09-30` names in that year, leap years included."""
        match = re.fullmatch(r"(0[1-9]|1[0-2])-(last_day|[0-3][0-9])", str(self.value))
        if match is None:
            raise self._wrong("a day of the year such as '02-last_day'")
        if match[2] == "last_day":
            return last_day_of_month(year, int(match[1]))
        return date(year, int(match[1]), int(match[2]))

    def _wrong(self, wanted: str) -> PolicyError:
        return PolicyError(
            f"{self.topic}.{self.key} in pack {self.pack} is {self.value!r} ({self.unit}), not {wanted}",
            clause=self.clause,
        )


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of a policy paper, as the catalogue of its pack carries it."""

    id: str
    pack: str
    section: str
    zh: str
    requirement: str
    actors: tuple[str, ...]
    module: str
    parameters: Mapping[str, Mapping[str, Any]]
    acceptance: str
    priority: str
    force: str
    notes: str = ""
    tasks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A place a pack is bound to, by its GB/T 2260 code without trailing zeros (`4404` is Zhuhai)."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Pack:
    """One policy paper as data: what it is, where and when it holds, its values, clauses and data files."""

    id: str
    code: str
    version: str
    title_zh: str
    title_en: str
    issuer: tuple[str, ...]
    doc_no: str
    places: tuple[Place, ...]
    extends: str
    since: date
    until: date | None
    notes: tuple[str, ...]
    entries: Mapping[tuple[str, str], tuple[Value, ...]]
    clauses: tuple[Clause, ...]
    data_files: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def data(self, name: str) -> dict[str, Any]:
        """A data file the pack declares, as a fresh plain dict. Raises PolicyError for an undeclared name."""
        if name not in self.data_files:
            held = ", ".join(sorted(self.data_files)) or "none"
            raise PolicyError(f"pack {self.id} declares no data file '{name}' (it has: {held})")
        content = plain(self.data_files[name])
        assert isinstance(content, dict)
        return content

    def in_force(self, day: date) -> bool:
        """Whether the paper holds on that day."""
        return self.since <= day and (self.until is None or day <= self.until)

    def specificity(self, place: str) -> int:
        """How closely this pack is bound to the place: length of the covering code, 0 when it does not cover it."""
        return max((len(own.code) for own in self.places if covers(own.code, place)), default=0)


def covers(code: str, place: str) -> bool:
    """Whether the place with the code `place` lies in the place with the code `code`.

    Codes are GB/T 2260 divisions, nested by pairs of digits; a region's own extension is written after a hyphen
    (`440402-HQ` lies in `440402`, in `4404`, and in no other extension).
    """
    place, code = _trimmed(place), _trimmed(code)
    return place == code or ("-" not in code and place.split("-")[0].startswith(code))


def _trimmed(code: str) -> str:
    division, hyphen, extension = code.partition("-")
    while len(division) in (4, 6) and division.endswith("00"):
        division = division[:-2]
    return division + hyphen + extension


def _shortest(number: Fraction) -> int | Fraction:
    return number.numerator if number.denominator == 1 else number
