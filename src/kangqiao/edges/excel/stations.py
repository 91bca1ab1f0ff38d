"""Monthly reports of stations as a table: a centre's manager reads in what its stations did (ZH-4.3d)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import Cells, Column, Finding, Findings, ListKind
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.stations import actions, queries, rules
from kangqiao.domain.stations.parameters import kinds_at
from kangqiao.kernel.errors import NoPolicyInForce

# So many months can be chosen from the list; older ones are written.
MONTHS = 12
SAID = {
    "missing": _("这里必须填写，没有做的填 0。"),
    "month": _("月份认不出来，请写成 2026-05。"),
    "number": _("不是 0 到 1000000 的整数。"),
    "station": _("本中心没有这个服务站，请从下拉单里选，或先登记。"),
    "not_over": _("这个月还没有过完，请在月底以后再报。"),
    "not_open": _("那时候服务站还没有开，请核对月份。"),
    "kinds": _("那个月的服务种类和这张表不一样，请在页面上填。"),
    "same": _("和已经报的数字一样，不用再报。"),
    "why": _("这个月已经报过，数字不同。要更正请写原因。"),
    "corrects": _("会更正已经报的数字，原来的留着。"),
    "repeated": _("和上面的一行是同一个服务站、同一个月。"),
}
STAYS = {"stations.stationreport": _("后来又更正过"), "": _("已有其他记录")}


def columns(by: Actor, at: datetime) -> tuple[Column, ...]:
    """Station and month to choose from, a number for each kind of service, and why it corrects."""
    on = localtime(at).date()
    months, month = [], on
    for _number in range(MONTHS):
        month = queries.last_month(month)
        months.append(f"{month:%Y-%m}")
    names = tuple(_stations(by))
    return (
        Column(rules.STATION, _("从下拉单里选。"), True, names, names[0] if names else ""),
        Column(rules.MONTH, _("写成 2026-05，是哪个月做的。"), True, tuple(months), months[0]),
        *(Column(head, _("这个月做了多少，没有做的填 0。"), True, (), "0") for head in _kinds(by, on)),
        Column(rules.WHY, _("只有更正报过的数字时才填。"), False, (), ""),
    )


def judge(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Findings]:
    """What is wrong or odd in each line; a correction with its reason is odd and may enter."""
    on, houses = localtime(at).date(), _stations(by)
    kinds = _kinds(by, on)
    read = [rules.read_report(cells, kinds, actions.MOST) for cells in rows]
    seen: set[tuple[str, date | None]] = set()
    found: list[Findings] = []
    for one in read:
        faults = [Finding(head, code) for head, code in one.faults]
        house = houses.get(one.station)
        if one.station and house is None:
            faults.append(Finding(rules.STATION, "station"))
        if not faults and house is not None and one.month is not None:
            faults += _against_month(house, one.month, one, kinds, on)
        if (one.station, one.month) in seen and one.station:
            faults.append(Finding(rules.MONTH, "repeated"))
        seen.add((one.station, one.month))
        found.append(faults)
    return found


def enter(rows: Sequence[Cells], by: Actor, at: datetime) -> list[int]:
    """Each line becomes a report, or the next version of one."""
    houses, kinds = _stations(by), _kinds(by, localtime(at).date())
    read = [rules.read_report(cells, kinds, actions.MOST) for cells in rows]
    made = []
    for one in read:
        assert one.month is not None, "a line without its month was not let through"
        house = houses[one.station]
        made.append(
            actions.report_month(
                station_id=house.pk, month=one.month, numbers=one.numbers, why=one.why, by=by, at=at
            ).pk
        )
    return made


def leave(report_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Reports nobody corrected since go again."""
    return actions.take_back_reports(report_ids=report_ids, by=by, at=at)


def _against_month(
    house: Organization, month: date, one: rules.Reported, kinds: Mapping[str, str], on: date
) -> list[Finding]:
    if month > queries.last_month(on):
        return [Finding(rules.MONTH, "not_over")]
    first = house.opened_on.replace(day=1) if house.opened_on else date(queries.FIRST_YEAR, 1, 1)
    if month < first:
        return [Finding(rules.MONTH, "not_open")]
    try:
        wanted = {kind.key for kind in queries.kinds_of(house, month)}
    except NoPolicyInForce:
        wanted = set()
    if wanted != set(kinds.values()):
        return [Finding(rules.MONTH, "kinds")]
    held = queries.reports_of([house.pk], month).get(house.pk)
    if held is None:
        return []
    if held[1] == dict(one.numbers):
        return [Finding(rules.MONTH, "same")]
    return [Finding(rules.WHY, "corrects", is_bad=False)] if one.why else [Finding(rules.WHY, "why")]


def _stations(by: Actor) -> dict[str, Organization]:
    """The stations of somebody's centre, by name."""
    return {one.zh: one for one in queries.stations_of(by.organization_id or 0)}


def _kinds(by: Actor, on: date) -> dict[str, str]:
    """Head of the column → kind, as they are counted at somebody's house; none where no paper counts any."""
    if by.organization_id is None:
        return {}
    try:
        return {one.zh: one.key for one in kinds_at(organization_by_id(by.organization_id).place.code, on)}
    except NoPolicyInForce:
        return {}


STATION_REPORTS = ListKind(
    key="station_reports",
    title=_("服务站月报"),
    roles=(Role.CENTRE_MANAGER,),
    columns=(),
    columns_for=columns,
    key_head="",
    said=SAID,
    judge=judge,
    enter=enter,
    leave=leave,
    stays=STAYS,
    is_joined=True,
)
