"""What the national pack says of measured values, medicines and the services of a life course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from kangqiao import policy as papers
from kangqiao.kernel.bounds import Bounds

PACK = "cn-national"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value: its unit and decimal places, what can be and what is common, when it is a danger.

    `others` are units people mix it up with, each with the factor into `unit`. LOINC names it in FHIR.
    """

    code: str
    loinc: str
    zh: str
    en: str
    unit: str
    places: int
    bounds: Bounds[Decimal]
    low: Decimal | None
    high: Decimal | None
    others: tuple[tuple[str, Decimal], ...]

    def is_danger(self, value: Decimal) -> bool:
        """Whether the value asks for a doctor at once."""
        return (self.low is not None and value <= self.low) or (self.high is not None and value >= self.high)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something observed in words; with `answers` (code, zh, en) only those are taken."""

    code: str
    zh: str
    en: str
    answers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The band a value should lie in: from `low` up to below `below`, another limit from an age on."""

    low: Decimal
    below: Decimal
    older_from: int
    older_below: Decimal

    def upper(self, age: int) -> Decimal:
        """The limit for somebody of that age."""
        return self.older_below if age >= self.older_from else self.below


@dataclass(frozen=True, slots=True)
class NextVisit:
    """Days until the next visit: when all is at target, and when something was changed."""

    routine: int
    adjust: int


@dataclass(frozen=True, slots=True)
class Substance:
    """A medicine, or what people are allergic to; `code` is an ATC code or its beginning, empty where there is none."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class CourseService:
    """A service of the life course: for whom, how often or at which points, and what in the record shows it.

    Points are days or months after birth, or after the onset of the condition `since` for at most `for_days`.
    """

    key: str
    zh: str
    en: str
    why_zh: str
    why_en: str
    stage: str
    element: str
    years: tuple[int, int]
    with_codes: tuple[str, ...]
    without_codes: tuple[str, ...]
    every_months: int
    at_days: tuple[int, ...]
    at_months: tuple[int, ...]
    since: str
    for_days: int
    visits: tuple[str, ...]
    observations: tuple[str, ...]


def _data(name: str) -> dict[str, Any]:
    return papers.default().pack(PACK).data(name)


@cache
def measures() -> Mapping[str, Measure]:
    """The measured values by code, in the order of the pack."""
    found = {}
    for row in _data("observations")["measures"]:
        (least, most), (usual_least, usual_most) = ([Decimal(one) for one in row[key]] for key in ("possible", "usual"))
        low, high = (None if one is None else Decimal(one) for one in row["danger"])
        found[row["code"]] = Measure(
            row["code"], row["loinc"], row["zh"], row["en"], row["unit"], row["places"],
            Bounds(least, most, usual_least, usual_most), low, high,
            tuple((unit, Decimal(factor)) for unit, factor in row["others"]),
        )  # fmt: skip
    return MappingProxyType(found)


@cache
def topics() -> Mapping[str, Topic]:
    """What is observed in words, by code."""
    rows = _data("observations")["topics"]
    return MappingProxyType(
        {
            row["code"]: Topic(row["code"], row["zh"], row["en"], tuple((a[0], a[1], a[2]) for a in row["answers"]))
            for row in rows
        }
    )


@cache
def targets() -> Mapping[str, Target]:
    """The bands of values with a target, by code."""
    return MappingProxyType(
        {
            code: Target(Decimal(row["low"]), Decimal(row["below"]), row["older_from"], Decimal(row["older_below"]))
            for code, row in _data("observations")["targets"].items()
        }
    )


@cache
def next_visit() -> NextVisit:
    """How long until the next visit of somebody who is followed up."""
    row = _data("observations")["next_visit"]
    return NextVisit(row["routine_days"], row["adjust_days"])


@cache
def drugs() -> tuple[Substance, ...]:
    """The medicines the product knows by name; others are written as they are."""
    return tuple(Substance(*row) for row in _data("medicines")["drugs"])


@cache
def allergens() -> tuple[Substance, ...]:
    """What people are often allergic to."""
    return tuple(Substance(*row) for row in _data("medicines")["allergens"])


def substance(known: tuple[Substance, ...], name: str) -> Substance:
    """The substance of that Chinese or English name; one without code where the list has none."""
    wanted = name.strip()
    return next((one for one in known if wanted in (one.zh, one.en)), Substance("", wanted, wanted))


@cache
def life_course() -> tuple[CourseService, ...]:
    """The services of the life course (SZ17-B8.a, XH23-4.3a)."""
    return tuple(
        CourseService(
            row["key"], row["zh"], row["en"], row["why_zh"], row["why_en"], row["stage"], row["element"],
            tuple(row.get("years", (0, 200))), tuple(row.get("with", ())), tuple(row.get("without", ())),
            row.get("every_months", 0), tuple(row.get("at_days", ())), tuple(row.get("at_months", ())),
            row.get("since", ""), row.get("for_days", 0), tuple(row.get("visits", ())),
            tuple(row.get("observations", ())),
        )
        for row in _data("life_course")["services"]
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine by its ATC code: how it is given, what is in it that people are allergic to."""

    key: str
    atc: str
    zh: str
    en: str
    route: str
    is_live: bool
    contains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of a series: which vaccines, at which age, how old one must be, how long after the dose before.

    Ages are months after birth; `before_months` is the age from which it is not given any more, 0 for none.
    """

    number: int
    vaccines: tuple[str, ...]
    at_months: int
    min_months: int
    gap_days: int
    gap_months: int
    before_months: int


@dataclass(frozen=True, slots=True)
class Series:
    """The doses against one disease, for whom by birth and sex; who has begun it needs not the one it is instead of."""

    key: str
    zh: str
    en: str
    doses: tuple[Dose, ...]
    sex: str
    born_from: date
    born_before: date
    instead_of: str

    def is_for(self, born: date, sex: str) -> bool:
        """Whether somebody of that birth and sex is to get it."""
        return self.born_from <= born < self.born_before and self.sex in ("", sex)


@dataclass(frozen=True, slots=True)
class Programme:
    """What the pack says of vaccines: the list, the series, what refuses and what only asks, and until which age."""

    vaccines: Mapping[str, Vaccine]
    series: tuple[Series, ...]
    binding: frozenset[str]
    days_between_live: int
    catch_up_years: int
    unknown_years: tuple[int, int]
    unknown: tuple[str, str, str, str]
    routes: tuple[tuple[str, str, str, str], ...]
    sites: tuple[tuple[str, str, str, str], ...]


@cache
def programme() -> Programme:
    """The national immunisation programme."""
    told = _data("immunization")
    rules, unknown = told["rules"], told["unknown"]
    return Programme(
        vaccines=MappingProxyType(
            {
                one["key"]: Vaccine(
                    one["key"], one["atc"], one["zh"], one["en"], one["route"], one.get("is_live", False),
                    tuple(one["contains"]),
                )
                for one in told["vaccines"]
            }
        ),
        series=tuple(_series(one) for one in told["series"]),
        binding=frozenset(key for key, one in rules.items() if one["force"] == "binding"),
        days_between_live=rules["live_too_soon"]["days_between_live"],
        catch_up_years=told["catch_up_years"]["value"],
        unknown_years=(unknown["years"][0], unknown["years"][1]),
        unknown=(unknown["zh"], unknown["en"], unknown["why_zh"], unknown["why_en"]),
        routes=tuple((a, b, c, d) for a, b, c, d in told["routes"]),
        sites=tuple((a, b, c, d) for a, b, c, d in told["sites"]),
    )  # fmt: skip


def _series(row: Mapping[str, Any]) -> Series:
    doses = tuple(
        Dose(
            number, tuple(one["vaccines"]), one["at_months"], one.get("min_months", one["at_months"]),
            one.get("gap_days", 0), one.get("gap_months", 0), one.get("before_months", 0),
        )
        for number, one in enumerate(row["doses"], start=1)
    )  # fmt: skip
    return Series(
        row["key"], row["zh"], row["en"], doses, row.get("sex", ""), row.get("born_from", date.min),
        row.get("born_before", date.max), row.get("instead_of", ""),
    )  # fmt: skip
