"""What each day counts as for a hospital, and which clinics still stand on a day that became closed."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.scheduling.models import CalendarDay, Session
from kangqiao.domain.scheduling.permissions import REGIONAL, can_withdraw
from kangqiao.domain.scheduling.queries.pools import pool_houses
from kangqiao.domain.scheduling.rules import DayCount, Named, count_day, is_announced
from kangqiao.kernel.errors import NotVisible
from kangqiao.policy import covers

MOST_SHOWN = 200
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose calendar somebody reads and keeps: of one hospital, or of a place for all hospitals in it."""

    place: Place
    house: Organization | None

    @property
    def owner(self) -> dict[str, Any]:
        """The columns of a row of this calendar."""
        return {"organization": self.house, "place": None if self.house else self.place}

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.house.zh if self.house else self.place.zh


def calendar_scope(by: Actor) -> Scope:
    """The calendar of somebody's hospital, or of the region they stand for."""
    own = organization_by_id(by.organization_id or 0)
    if by.role in REGIONAL:
        return Scope(own.place, None)
    (house,) = pool_houses(by)
    return Scope(house.place, house)


def scope_of(house: Organization) -> Scope:
    """The calendar of a hospital."""
    return Scope(house.place, house)


def day_counts(scope: Scope, first: date, last: date) -> dict[date, DayCount]:
    """What every day from `first` to `last`, both included, counts as; the smallest place that names a day counts."""
    house, bureau = named_days(scope, first, last)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day: count_day(day, _named(house.get(day)), _named(bureau.get(day))) for day in days}


def named_days(scope: Scope, first: date, last: date) -> tuple[dict[date, CalendarDay], dict[date, CalendarDay]]:
    """The days named by the hospital, and those named for its place."""
    rows = CalendarDay.objects.select_related("place").filter(day__gte=first, day__lte=last)
    wider: dict[date, CalendarDay] = {}
    above = [row for row in rows.exclude(place=None) if row.place and covers(row.place.code, scope.place.code)]
    for row in sorted(above, key=lambda row: len(row.place.code) if row.place else 0):
        wider[row.day] = row
    own = rows.filter(organization=scope.house) if scope.house else rows.none()
    return {row.day: row for row in own}, wider


def days_closed_by(organization_ids: Iterable[int], first: date, last: date) -> dict[int, set[date]]:
    """The days from `first` to `last`, both included, on which these hospitals themselves said that they are closed."""
    rows = CalendarDay.objects.filter(
        organization__in=list(organization_ids), day__gte=first, day__lte=last, works_as=None
    )
    found: dict[int, set[date]] = {}
    for organization_id, day in rows.values_list("organization_id", "day"):
        found.setdefault(organization_id or 0, set()).add(day)
    return found


def _named(row: CalendarDay | None) -> Named | None:
    return None if row is None else Named(row.works_as, row.reason)


@dataclass(frozen=True, slots=True)
class Month:
    """One month on the page of a year: its weeks from Monday, each of seven days or blanks."""

    number: int
    weeks: list[list[DayCount | None]]


@dataclass(frozen=True, slots=True)
class Year:
    """A year's calendar: its months, the days that are not as their weekday, and whether its holidays are known."""

    number: int
    is_announced: bool
    months: list[Month]
    special: list[DayCount]

    @property
    def groups(self) -> list[tuple[DayCount, list[tuple[DayCount, DayCount]]]]:
        """The special days that count as the same for the same reason, once, with the first and last of each run."""
        found: dict[tuple[int | None, str], list[tuple[DayCount, DayCount]]] = {}
        for one in self.special:
            runs = found.setdefault((one.works_as, one.reason), [])
            if runs and runs[-1][1].day + timedelta(days=1) == one.day:
                runs[-1] = runs[-1][0], one
            else:
                runs.append((one, one))
        return [(runs[0][0], runs) for runs in found.values()]


def year_of(scope: Scope, number: int) -> Year:
    """A whole year; of one whose holidays are not announced only the named days are special."""
    counts = day_counts(scope, date(number, 1, 1), date(number, 12, 31))
    months = [
        Month(
            month,
            [
                [counts[date(number, month, day)] if day else None for day in week]
                for week in calendar.Calendar().monthdayscalendar(number, month)
            ],
        )
        for month in range(1, 13)
    ]
    return Year(number, is_announced(number), months, [one for one in counts.values() if one.is_special])


def has_calendar(day: date) -> bool:
    """Whether a page shows what a day counts as."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def day_named(text: str) -> date:
    """The day an address names. Raises NotVisible for what is no day, such as 30 February."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not has_calendar(day):
        raise NotVisible(_("没有这一天。"), next_step=_("请从日历里选一天。"))
    return day


@dataclass(frozen=True, slots=True)
class OnDay:
    """A clinic that stands on a day: how many are booked in it, whether the reader may call it off, and whether the
    day is closed for its hospital.
    """

    session: Session
    taken: int
    may_withdraw: bool
    is_closed: bool


@dataclass(frozen=True, slots=True)
class DaySheet:
    """The page of a day: what it counts as, what the own calendar says of it, and the clinics that stand on it."""

    count: DayCount
    own: CalendarDay | None
    clinics: list[OnDay]

    @property
    def booked(self) -> int:
        """How many people are booked on it."""
        return sum(one.taken for one in self.clinics)

    @property
    def empty(self) -> int:
        """How many clinics of a closed day nobody is booked in and the reader may call off."""
        return sum(1 for one in self.clinics if not one.taken and one.may_withdraw and one.is_closed)


def day_sheet_of(by: Actor, scope: Scope, day: date, now: datetime) -> DaySheet:
    """One day of a calendar with the clinics still to come on it."""
    house, bureau = named_days(scope, day, day)
    count = count_day(day, _named(house.get(day)), _named(bureau.get(day)))
    own = house.get(day) if scope.house else _own_place(bureau.get(day), scope)
    rows = list(clinics_on(_houses(by, scope), day, now)[:MOST_SHOWN])
    houses = {one.organization_id: one.organization for one in rows}
    closed = {pk for pk, house in houses.items() if day_counts(scope_of(house), day, day)[day].is_closed}
    shown = [OnDay(one, taken_in(one), bool(can_withdraw(by, one)), one.organization_id in closed) for one in rows]
    return DaySheet(count, own, shown)


def taken_in(session: Session) -> int:
    """How many are booked in a clinic that was counted."""
    return int(getattr(session, "taken", None) or 0)


def _own_place(row: CalendarDay | None, scope: Scope) -> CalendarDay | None:
    return row if row is not None and row.place_id == scope.place.pk else None


def _houses(by: Actor, scope: Scope) -> list[int]:
    return [scope.house.pk] if scope.house else [house.pk for house in pool_houses(by)]


def clinics_on(organization_ids: Iterable[int], day: date, now: datetime) -> QuerySet[Session]:
    """The clinics of these hospitals still to come on a day, each with `taken`, how many are booked."""
    starts = make_aware(datetime.combine(day, time()))
    rows = Session.objects.select_related("organization__place", "practitioner__specialty").filter(
        organization_id__in=list(organization_ids), kind=Session.Kind.HOSPITAL_CLINIC, status="open",
        starts_at__gte=max(starts, now), starts_at__lt=starts + timedelta(days=1),
    )  # fmt: skip
    return rows.annotate(taken=Sum(F("slots__taken") + F("slots__extra"))).order_by(
        "organization_id", "starts_at", "pk"
    )


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A closed day on which clinics still stand, and how many people are booked on it."""

    count: DayCount
    clinics: int
    booked: int


def closed_with_clinics(house: Organization, now: datetime, days: int) -> list[ClosedDay]:
    """The coming closed days of a hospital on which clinics still stand: somebody has to answer for each."""
    today = localtime(now).date()
    last = today + timedelta(days=days)
    closed = {day: one for day, one in day_counts(scope_of(house), today, last).items() if one.is_closed}
    rows = Session.objects.filter(
        Q(organization=house, kind=Session.Kind.HOSPITAL_CLINIC, status="open"), starts_at__gt=now,
        starts_at__lt=make_aware(datetime.combine(last + timedelta(days=1), time())),
    ).annotate(taken=Sum(F("slots__taken") + F("slots__extra")))  # fmt: skip
    found: dict[date, list[int]] = {}
    for starts_at, taken in rows.values_list("starts_at", "taken"):
        found.setdefault(localtime(starts_at).date(), []).append(taken or 0)
    return [_closed(closed[day], found[day]) for day in sorted(closed.keys() & found.keys())]


def _closed(count: DayCount, taken: Iterable[int]) -> ClosedDay:
    each = list(taken)
    return ClosedDay(count, len(each), sum(each))


def year_named(text: str, this: int) -> int:
    """The year an address names; this one where it names none that has a calendar."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) == len("2026") else this
    return number if FIRST_YEAR <= number <= LAST_YEAR else this
