"""Every write about stations: one is added to a centre, its numbers of a month come in or are corrected (ZH-4.3d)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import queries
from kangqiao.domain.stations.models import StationCount, StationReport
from kangqiao.domain.stations.permissions import can_report
from kangqiao.kernel.errors import Denied, RuleBroken
from kangqiao.policy import at as policy_at

MOST = 1_000_000


def report_month(
    *, station_id: int, month: date, numbers: Mapping[str, int], why: str = "", by: Actor, at: datetime
) -> StationReport:
    """The numbers of a station for a month that is over: all kinds, 0 where nothing was done.

    Where there are numbers already these are the next version, which says why, and the one before is kept. Raises
    Denied, NotVisible, NoPolicyInForce, RuleBroken for a month that is not over or before the station opened, a kind
    left out, a number that cannot be, a correction without a reason or without a change.
    """
    with transaction.atomic():
        # Locked, so that of two who report at once the second corrects the first, and knows.
        rows = Organization.objects.select_for_update(of=("self",)).select_related("place")
        station = rows.filter(pk=station_id, kind=Organization.Kind.STATION).first()
        if station is None:
            raise queries.no_station()
        allowed = can_report(by, station)
        if not allowed:
            raise Denied(allowed.reason, clause=allowed.clause)
        on = localtime(at).date()
        _check_month(station, month, on)
        _check_numbers(station, month, numbers)
        former = StationReport.objects.filter(station=station, month=month, is_current=True).first()
        if former is not None:
            _check_correction(former, numbers, why)
            former.is_current = False
            former.save(update_fields=("is_current",))
        ref = str(policy_at(station.place.code, month).ref)
        row = StationReport.objects.create(
            station=station, month=month, version=former.version + 1 if former else 1, received_on=on, received_at=at,
            by_name=by.name, why=why.strip() if former else "", policy_ref=ref, is_demo=station.is_demo,
        )  # fmt: skip
        StationCount.objects.bulk_create(
            StationCount(report=row, kind=kind, number=number) for kind, number in numbers.items()
        )
        step = "correct_month" if former else "report_month"
        record(f"stations.{step}", row, by=by, at=at, policy_ref=ref, month=f"{month:%Y-%m}", numbers=dict(numbers))
    return row


def take_back_reports(*, report_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Reports that came in as a sheet go again, and what each corrected stands as before; answers why some stay.

    A report that was corrected since stays. Raises Denied.
    """
    stays = {}
    with transaction.atomic():
        rows = StationReport.objects.select_for_update(of=("self",)).select_related("station").order_by("-version")
        for row in rows.filter(pk__in=report_ids):
            allowed = can_report(by, row.station)
            if not allowed:
                raise Denied(allowed.reason, clause=allowed.clause)
            if not row.is_current:
                stays[row.pk] = "stations.stationreport"
                continue
            former = StationReport.objects.filter(
                station=row.station_id, month=row.month, version=row.version - 1
            ).first()
            record("stations.take_back_report", row, by=by, at=at, month=f"{row.month:%Y-%m}", version=row.version)
            row.counts.all().delete()
            row.delete()
            if former is not None:
                former.is_current = True
                former.save(update_fields=("is_current",))
    return stays


def _check_month(station: Organization, month: date, on: date) -> None:
    if month.day != 1 or month > queries.last_month(on):
        raise RuleBroken(_("这个月还没有过完。"), next_step=_("请在月底以后再报。"))
    first = station.opened_on.replace(day=1) if station.opened_on else date(queries.FIRST_YEAR, 1, 1)
    if month < first:
        raise RuleBroken(_("那时候服务站还没有开。"), next_step=_("请核对月份。"))


def _check_numbers(station: Organization, month: date, numbers: Mapping[str, int]) -> None:
    kinds = {one.key: one.zh for one in queries.kinds_of(station, month)}
    lacks = [zh for key, zh in kinds.items() if key not in numbers]
    if lacks or set(numbers) - set(kinds):
        raise RuleBroken(
            _("数字不全，还缺%(kinds)s。") % {"kinds": "、".join(lacks)},
            next_step=_("没有做的请填 0。"),
            clause="ZH-4.3d",
        )
    wrong = [kinds[key] for key, number in numbers.items() if not 0 <= number <= MOST]
    if wrong:
        raise RuleBroken(_("%(kinds)s的数字不对。") % {"kinds": "、".join(wrong)}, next_step=_("请核对后重填。"))


def _check_correction(former: StationReport, numbers: Mapping[str, int], why: str) -> None:
    if queries.numbers_of(former) == dict(numbers):
        raise RuleBroken(_("和已经报的数字一样，没有改动。"), next_step=_("要改的请改好数字再提交。"))
    if not why.strip():
        raise RuleBroken(_("更正要写明原因。"), next_step=_("原来的数字会留着，大家看得到改了什么。"))
