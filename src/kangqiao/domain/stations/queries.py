"""Stations with their reports of a month, what a centre sums of them, and which are late or missing (ZH-4.3d)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.parameters import ActKind
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import rules
from kangqiao.domain.stations.models import StationCount, StationReport
from kangqiao.domain.stations.parameters import due_day_at, kinds_at
from kangqiao.domain.stations.permissions import can_report, stations_visible_to
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible
from kangqiao.policy import Value

_MONTH = re.compile(r"(20\d{2})-(0[1-9]|1[0-2])")
FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class StationLine:
    """One station in a month: its report or none, its numbers by kind, how it stands and by how many days."""

    station: Organization
    report: StationReport | None
    numbers: Mapping[str, int]
    standing: str
    days: int

    @property
    def look(self) -> str:
        """The colour of the line."""
        return rules.LOOKS[self.standing]


@dataclass(frozen=True, slots=True)
class CentreMonth:
    """What a centre sums of its stations: the lines, the kinds, the sums of what came in, and who is missing."""

    centre: Organization
    month: date
    due: date
    due_day: Value
    kinds: list[ActKind]
    lines: list[StationLine]
    sums: list[int] = field(default_factory=list)

    @property
    def missing(self) -> list[Organization]:
        """The stations without a report, whether it is due or not."""
        return [one.station for one in self.lines if one.report is None]

    @property
    def is_whole(self) -> bool:
        """Whether every station reported."""
        return not self.missing

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(self.sums)

    @property
    def rows(self) -> list[tuple[StationLine, list[int | None], int | None]]:
        """Each line with its numbers in the order of the kinds, and their sum; None where nothing came in."""
        return [
            (one, [one.numbers.get(kind.key) for kind in self.kinds], sum(one.numbers.values()) if one.report else None)
            for one in self.lines
        ]


def last_month(on: date) -> date:
    """The first day of the month before."""
    return (on.replace(day=1) - timedelta(days=1)).replace(day=1)


def month_named(text: str, on: date) -> date:
    """The month an address names as 2026-05; the one before today's where it names none that is over."""
    found = _MONTH.fullmatch(text)
    wanted = date(int(found[1]), int(found[2]), 1) if found else last_month(on)
    return min(wanted, last_month(on))


def stations(seat: Seat) -> QuerySet[Organization]:
    """The stations a seat may see that belong to a centre."""
    rows = Organization.objects.select_related("part_of__place", "place")
    mine = rows.filter(
        stations_visible_to(seat), kind=Organization.Kind.STATION, part_of__kind=Organization.Kind.CENTRE
    )
    return mine.order_by("part_of", "code")


def stations_of(centre_id: int) -> QuerySet[Organization]:
    """The stations of a centre."""
    rows = Organization.objects.select_related("place").filter(part_of=centre_id, kind=Organization.Kind.STATION)
    return rows.order_by("code")


def get_station(seat: Seat, station_id: int) -> Organization:
    """One of them, for whom may report for it. Raises NotVisible."""
    found = stations(seat).filter(pk=station_id).first()
    if found is None or not can_report(seat.actor, found):
        raise no_station()
    return found


def no_station() -> NotVisible:
    """The one answer for what does not exist and what is out of reach."""
    return NotVisible(_("没有这个服务站，或不属于您的中心。"), next_step=_("请从服务站月报的清单打开。"))


def centre_months(seat: Seat, month: date, on: date) -> list[CentreMonth]:
    """What each centre of a seat sums of its stations for a month; centres without a rule for it are left out."""
    by_centre: dict[Organization, list[Organization]] = {}
    for one in stations(seat).filter(Q(opened_on__isnull=True) | Q(opened_on__lt=rules.month_after(month))):
        assert one.part_of is not None
        by_centre.setdefault(one.part_of, []).append(one)
    reports = reports_of([one.pk for rows in by_centre.values() for one in rows], month)
    found = [_summed(centre, rows, reports, month, on) for centre, rows in by_centre.items()]
    return [one for one in found if one is not None]


def reports_of(station_ids: list[int], month: date) -> dict[int, tuple[StationReport, dict[str, int]]]:
    """Station → its report of a month as it stands now, with the numbers by kind."""
    rows = StationReport.objects.filter(station__in=station_ids, month=month, is_current=True)
    return {one.station_id: (one, numbers_of(one)) for one in rows.prefetch_related("counts")}


def numbers_of(report: StationReport) -> dict[str, int]:
    """The numbers of a report by kind."""
    return {one.kind: one.number for one in report.counts.all()}


def versions_of(station: Organization, month: date) -> list[tuple[StationReport, dict[str, int], date]]:
    """Every version of a station's report of a month, the latest first, with numbers and first day of receipt."""
    rows = StationReport.objects.filter(station=station, month=month).prefetch_related("counts").order_by("-version")
    return [(one, numbers_of(one), one.received_on) for one in rows]


def kinds_of(station: Organization, month: date) -> list[ActKind]:
    """The kinds a report of a month counts. Raises NoPolicyInForce."""
    return kinds_at(station.place.code, month)


def former(report: StationReport) -> dict[str, int]:
    """The numbers of the version before, by kind."""
    rows = StationCount.objects.filter(
        report__station=report.station_id, report__month=report.month, report__version=report.version - 1
    )
    return dict(rows.values_list("kind", "number"))


def missing(seat: Seat, on: date) -> list[tuple[StationLine, CentreMonth]]:
    """The stations whose report of last month is not there, those of the own house alone."""
    found = centre_months(seat, last_month(on), on)
    return [(line, one) for one in found for line in one.lines if line.report is None]


def missing_waiting(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many reports of last month are missing, and since when they are due."""
    found = missing(seat, localtime(now).date())
    due = min((one.due for _line, one in found), default=None)
    return len(found), make_aware(datetime.combine(due, time())) if due else None


def _summed(
    centre: Organization, rows: list[Organization], reports: Mapping[int, tuple[StationReport, dict[str, int]]],
    month: date, on: date,
) -> CentreMonth | None:  # fmt: skip
    try:
        day, kinds = due_day_at(centre.place.code, month), kinds_at(centre.place.code, month)
    except NoPolicyInForce:
        return None
    due, lines = rules.due_on(month, day.integer()), []
    for one in rows:
        report, numbers = reports.get(one.pk, (None, {}))
        # When it came in first: a correction makes nobody late.
        received = _first_received(report) if report is not None else None
        lines.append(StationLine(one, report, numbers, *rules.standing(due, received, on)))
    sums = [sum(line.numbers.get(kind.key, 0) for line in lines) for kind in kinds]
    return CentreMonth(centre, month, due, day, kinds, lines, sums)


def _first_received(report: StationReport) -> date:
    if report.version == 1:
        return report.received_on
    return StationReport.objects.get(station=report.station_id, month=report.month, version=1).received_on
