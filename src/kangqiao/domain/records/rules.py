"""What a typed value means, when the next visit is due, and which services of a life course are due when."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from kangqiao.domain.records.parameters import CourseService, Measure, NextVisit, Target
from kangqiao.domain.residents.rules import age_on, birthday
from kangqiao.kernel.bounds import Verdict

_NUMBER = re.compile(r"(\d{1,7}(?:\.\d{1,4})?)\s*([^\d\s].*)?")


class Fault(Enum):
    """What is the matter with a typed value; the last two are asked about, the others are refused."""

    NO_NUMBER = "no_number"
    UNIT = "unit"
    IMPOSSIBLE = "impossible"
    UNUSUAL = "unusual"
    OTHER_UNIT = "other_unit"

    @property
    def is_asked(self) -> bool:
        """Whether the one who typed may say that it is so."""
        return self in (Fault.UNUSUAL, Fault.OTHER_UNIT)


@dataclass(frozen=True, slots=True)
class Reading:
    """A typed value in the unit of its measure; with `OTHER_UNIT`, as it would be were it in `unit`."""

    value: Decimal
    fault: Fault | None = None
    unit: str = ""


def read_value(measure: Measure, text: str) -> Reading:
    """What somebody typed for a measure, its unit told or not: `7.2`, `１３８`, `126 mg/dL`."""
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return Reading(Decimal(0), Fault.NO_NUMBER)
    number, unit = Decimal(found[1]), _bare(found[2] or "")
    factors = {_bare(name): factor for name, factor in measure.others}
    if unit in factors:
        return Reading(*_judged(measure, number * factors[unit]))
    if unit and unit != _bare(measure.unit):
        return Reading(number, Fault.UNIT)
    value, fault = _judged(measure, number)
    if fault is None or unit:
        return Reading(value, fault)
    for name, factor in measure.others:
        other, doubt = _judged(measure, number * factor)
        if doubt is None or (fault is Fault.IMPOSSIBLE and doubt is Fault.UNUSUAL):
            return Reading(other, Fault.OTHER_UNIT, name)
    return Reading(value, fault)


def _bare(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).replace(" ", "").casefold()


def _judged(measure: Measure, number: Decimal) -> tuple[Decimal, Fault | None]:
    value = number.quantize(Decimal(1).scaleb(-measure.places), ROUND_HALF_UP)
    faults = {Verdict.IMPOSSIBLE: Fault.IMPOSSIBLE, Verdict.UNUSUAL: Fault.UNUSUAL}
    return value, faults.get(measure.bounds.judge(value))


def fits_together(values: Mapping[str, Decimal]) -> bool:
    """Whether a blood pressure is whole and its upper value is the higher one."""
    upper, lower = values.get("systolic"), values.get("diastolic")
    if upper is None or lower is None:
        return upper is lower
    return lower < upper


def at_target(values: Mapping[str, Decimal], targets: Mapping[str, Target], age: int) -> bool:
    """Whether every value that has a target lies below its limit for that age."""
    return all(value < targets[code].upper(age) for code, value in values.items() if code in targets)


def days_to_next(values: Mapping[str, Decimal], targets: Mapping[str, Target], age: int, terms: NextVisit) -> int:
    """Days until somebody followed up comes again: sooner when a value is not at target."""
    return terms.routine if at_target(values, targets, age) else terms.adjust


@dataclass(frozen=True, slots=True)
class Person:
    """Of a person what the calendar asks: birth, known conditions with their onset, and what was done when.

    `visits` are (ICD-10 category, day), `observed` (code, day).
    """

    born: date
    conditions: Mapping[str, date | None]
    visits: Collection[tuple[str, date]]
    observed: Collection[tuple[str, date]]


@dataclass(frozen=True, slots=True)
class Due:
    """A service with its day, the last time it was done, and whether that day has passed."""

    service: CourseService
    on: date
    last: date | None
    is_late: bool


def due_services(person: Person, services: Iterable[CourseService], today: date, days_ahead: int) -> list[Due]:
    """What is due to a person by age and condition until so many days ahead, the earliest first (SZ17-B8.a)."""
    age = age_on(_parts(person.born), _parts(today))
    found = [due for one in services if _is_for(one, person, age) and (due := _due(one, person, today)) is not None]
    horizon = today + timedelta(days=days_ahead)
    return sorted((one for one in found if one.on <= horizon), key=lambda one: (one.on, one.service.key))


def _parts(day: date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _is_for(service: CourseService, person: Person, age: int) -> bool:
    first, end = service.years
    known = set(person.conditions)
    needs = {service.since} if service.since else set(service.with_codes)
    return first <= age < end and (not needs or bool(needs & known)) and not set(service.without_codes) & known


def _done(service: CourseService, person: Person) -> list[date]:
    shown = [day for code, day in person.visits if "*" in service.visits or code in service.visits]
    return sorted(shown + [day for code, day in person.observed if code in service.observations])


def _due(service: CourseService, person: Person, today: date) -> Due | None:
    done = [day for day in _done(service, person) if day <= today]
    if service.every_months:
        last = done[-1] if done else None
        on = today if last is None else _months_after(last, service.every_months)
        return Due(service, on, last, on < today)
    start = person.conditions.get(service.since) if service.since else person.born
    if start is None or (service.for_days and today > start + timedelta(days=service.for_days)):
        return None
    points = [start + timedelta(days=days) for days in service.at_days]
    points += [_months_after(start, months) for months in service.at_months]
    return _at_point(service, points, done, today)


def _at_point(service: CourseService, points: list[date], done: list[date], today: date) -> Due | None:
    """The point that has come and was not met, else the next one; what was missed before it is past."""
    last = done[-1] if done else None
    come = [point for point in points if point <= today]
    if come and (last is None or last < come[-1]):
        return Due(service, come[-1], last, come[-1] < today)
    ahead = [point for point in points if point > today]
    return Due(service, ahead[0], last, is_late=False) if ahead else None


def _months_after(day: date, months: int) -> date:
    """The same day so many months later, the first of the following month where there is none."""
    years, month = divmod(day.month - 1 + months, 12)
    try:
        return birthday(day, years).replace(month=month + 1)
    except ValueError:
        return date(day.year + years, month + 2, 1)
