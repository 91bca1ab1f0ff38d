"""What a typed value means, when the next visit is due, which services and vaccinations are due when."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from kangqiao.domain.records.parameters import CourseService, Dose, Measure, NextVisit, Programme, Series, Target
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


@dataclass(frozen=True, slots=True)
class Given:
    """A vaccination: against what, which dose (0 where none is counted), when."""

    vaccine: str
    series: str
    dose: int
    on: date


class DoseFault(Enum):
    """What is the matter with a vaccination; those the pack names by these words are asked about or refused by it."""

    NOT_NOW = "not_now"
    BEFORE_BIRTH = "before_birth"
    AFTER_DEATH = "after_death"
    TWICE = "twice"
    SAME_DAY = "same_day"
    NO_DOSE = "no_dose"
    ORDER = "order"
    EXPIRED = "expired"
    TOO_YOUNG = "too_young"
    TOO_OLD = "too_old"
    TOO_SOON = "too_soon"
    LIVE_TOO_SOON = "live_too_soon"
    UNPROGRAMMED = "unprogrammed"


# What the paper leaves to the pack; the others cannot be.
BY_PACK = frozenset(
    {
        DoseFault.TOO_YOUNG, DoseFault.TOO_OLD, DoseFault.TOO_SOON, DoseFault.LIVE_TOO_SOON, DoseFault.UNPROGRAMMED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoseFinding:
    """One fault of a vaccination, the day it turns on, and whether somebody may say that it is right so."""

    fault: DoseFault
    day: date
    is_asked: bool = False


def series_of(vaccine: str, born: date, sex: str, told: Programme) -> Series | None:
    """The series of a vaccine for somebody of that birth and sex; None where the programme has none."""
    fit = (one for one in told.series if one.is_for(born, sex))
    return next((one for one in fit if any(vaccine in dose.vaccines for dose in one.doses)), None)


def next_number(series: Series, known: Iterable[Given]) -> int:
    """The number of the first dose that is not on record; 0 when the series is whole."""
    had = {one.dose for one in known if one.series == series.key}
    return next((dose.number for dose in series.doses if dose.number not in had), 0)


def judge_dose(
    told: Given, born: date, died: date | None, series: Series | None, known: Collection[Given], rules: Programme,
    today: date, *, is_here: bool, expires_on: date | None = None,
) -> list[DoseFinding]:  # fmt: skip
    """Everything that is wrong or odd about one vaccination, the impossible first.

    What was given elsewhere is written as it was: what the pack forbids is asked about, not refused.
    """
    found = list(_impossible(told, born, died, series, known, today, expires_on))
    for fault, day in _odd(told, born, series, known, rules):
        found.append(DoseFinding(fault, day, is_asked=not is_here or fault.value not in rules.binding))
    return sorted(found, key=lambda one: one.is_asked)


def _impossible(
    told: Given, born: date, died: date | None, series: Series | None, known: Collection[Given], today: date,
    expires_on: date | None,
) -> Iterable[DoseFinding]:  # fmt: skip
    if told.on > today:
        yield DoseFinding(DoseFault.NOT_NOW, today)
    if told.on < born:
        yield DoseFinding(DoseFault.BEFORE_BIRTH, born)
    if died is not None and told.on > died:
        yield DoseFinding(DoseFault.AFTER_DEATH, died)
    if expires_on is not None and expires_on < told.on:
        yield DoseFinding(DoseFault.EXPIRED, expires_on)
    if series is not None and not 1 <= told.dose <= len(series.doses):
        yield DoseFinding(DoseFault.NO_DOSE, told.on)
    same = [one for one in known if one.series == told.series]
    for one in same:
        if told.dose and one.dose == told.dose:
            yield DoseFinding(DoseFault.TWICE, one.on)
        elif one.on == told.on:
            yield DoseFinding(DoseFault.SAME_DAY, one.on)
        elif told.dose and one.dose and (one.dose < told.dose) != (one.on < told.on):
            yield DoseFinding(DoseFault.ORDER, one.on)


def _odd(
    told: Given, born: date, series: Series | None, known: Collection[Given], rules: Programme
) -> Iterable[tuple[DoseFault, date]]:
    for day in _live_too_near(told, known, rules):
        yield DoseFault.LIVE_TOO_SOON, day
    if series is None or not 1 <= told.dose <= len(series.doses):
        return
    dose = series.doses[told.dose - 1]
    if told.vaccine not in dose.vaccines:
        yield DoseFault.UNPROGRAMMED, told.on
    youngest = _months_after(born, dose.min_months)
    if told.on < youngest:
        yield DoseFault.TOO_YOUNG, youngest
    if dose.before_months and told.on >= (end := _months_after(born, dose.before_months)):
        yield DoseFault.TOO_OLD, end
    before = [one.on for one in known if one.series == told.series and 0 < one.dose < told.dose]
    if before and told.on < (soonest := _after_gap(max(before), dose)):
        yield DoseFault.TOO_SOON, soonest


def _live_too_near(told: Given, known: Collection[Given], rules: Programme) -> Iterable[date]:
    """Days of other live vaccines that were neither on the same day nor long enough apart."""
    live = {key for key, one in rules.vaccines.items() if one.is_live}
    if told.vaccine not in live:
        return []
    others = (one for one in known if one.series != told.series and one.vaccine in live)
    return sorted({one.on for one in others if 0 < abs((told.on - one.on).days) < rules.days_between_live})[:1]


def _after_gap(day: date, dose: Dose) -> date:
    return _months_after(day, dose.gap_months) + timedelta(days=dose.gap_days)


@dataclass(frozen=True, slots=True)
class DoseDue:
    """The next dose of a series: its number, its day, when the one before was, and whether that day has passed.

    Without a series the record knows nothing of a child's vaccinations.
    """

    series: Series | None
    dose: int
    on: date
    last: date | None
    is_late: bool


def due_doses(
    born: date, sex: str, known: Collection[Given], rules: Programme, today: date, days_ahead: int
) -> list[DoseDue]:
    """The next dose of each series of the programme until so many days ahead, the earliest first (XH23-4.3a)."""
    age, (first, end) = age_on(_parts(born), _parts(today)), rules.unknown_years
    if age >= rules.catch_up_years:
        return []
    if not known and first <= age < end:
        return [DoseDue(None, 0, today, None, is_late=False)]
    begun = {one.series for one in known}
    mine = [one for one in rules.series if one.is_for(born, sex)]
    replaced = {one.instead_of for one in mine if one.instead_of and one.key in begun}
    wanted = [one for one in mine if one.key in begun or not (one.instead_of or one.key in replaced)]
    if not known:
        # Nobody asks a young person of whom nothing is on record for what is given to small children.
        wanted = [one for one in wanted if one.doses[0].at_months >= end * 12]
    found = [due for one in wanted if (due := next_dose(one, born, known, today)) is not None]
    return sorted((one for one in found if one.on <= today + timedelta(days=days_ahead)), key=lambda one: one.on)


def next_dose(series: Series, born: date, known: Collection[Given], today: date) -> DoseDue | None:
    """The first dose of a series that is not on record; none when it is whole, or over by age."""
    number = next_number(series, known)
    if not number:
        return None
    dose = series.doses[number - 1]
    before = [one.on for one in known if one.series == series.key and one.dose < number]
    on = max([_months_after(born, dose.at_months), *([_after_gap(max(before), dose)] if before else [])])
    if dose.before_months and today >= _months_after(born, dose.before_months):
        return None
    return DoseDue(series, number, on, max(before, default=None), on < today)
