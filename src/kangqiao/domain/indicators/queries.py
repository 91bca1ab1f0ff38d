"""Indicators computed from the fact tables, and the frozen reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import ibis
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ibis.expr.types import Table

from kangqiao import policy
from kangqiao.base.acting import beyond
from kangqiao.base.trends import Trend, drawn
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.indicators import rules
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.indicators.parameters import IndicatorParameters
from kangqiao.domain.indicators.permissions import organizations_visible_to, serving, visible_to
from kangqiao.domain.indicators.rules import Card
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.facts import FactTable
from kangqiao.kernel.period import Period, quarters, years_after
from kangqiao.kernel.period import year as calendar_year
from kangqiao.policy import Value

ROWS_SHOWN, YEARS_BACK, QUARTERS = 200, 3, 8
# What a reader is told instead of the names and codes of the fact tables.
HEADS = {
    "half_day_id": gettext_lazy("半天编号"),
    "practitioner_id": gettext_lazy("专家编号"),
    "hospital_id": gettext_lazy("医院"),
    "centre_id": gettext_lazy("中心"),
    "agreement_id": gettext_lazy("协议编号"),
    "day": gettext_lazy("日期"),
    "week": gettext_lazy("所在周"),
    "status": gettext_lazy("状态"),
    "measure": gettext_lazy("义务"),
    "target": gettext_lazy("应做"),
    "starts_on": gettext_lazy("起"),
    "ends_on": gettext_lazy("止"),
    "encounter_id": gettext_lazy("就诊编号"),
    "organization_id": gettext_lazy("就诊机构"),
    "organization_kind": gettext_lazy("机构类别"),
    "employer_id": gettext_lazy("医生所在医院"),
    "origin": gettext_lazy("来路"),
    "is_posted_expert": gettext_lazy("派驻专家"),
    "referral_id": gettext_lazy("转诊编号"),
    "direction": gettext_lazy("方向"),
    "sent_on": gettext_lazy("发出"),
    "is_answered": gettext_lazy("已答复"),
    "is_in_time": gettext_lazy("按时"),
    "contract_id": gettext_lazy("签约编号"),
    "is_key": gettext_lazy("重点人群"),
    "is_renewed": gettext_lazy("已续约"),
    "ran_out": gettext_lazy("期满"),
    "since": gettext_lazy("起"),
    "until": gettext_lazy("止"),
    "act": gettext_lazy("服务"),
}
CODES = {
    "up": gettext_lazy("上转"),
    "down": gettext_lazy("下转"),
    "half_days_per_week": gettext_lazy("每周坐诊半天"),
    "done": gettext_lazy("已完成"),
    "centre": gettext_lazy("社区中心"),
    "hospital": gettext_lazy("医院"),
    "walk_in": gettext_lazy("直接来诊"),
    "booking": gettext_lazy("预约"),
    "referral": gettext_lazy("转诊"),
}
# A referral's own status says nothing about the figure and is told on its own page.
LEFT_OUT = {"referral": ("status",), "contract": ("status",), "person": ("until",)}
ORGANIZATION_COLUMNS = ("hospital_id", "centre_id", "organization_id", "employer_id")


@dataclass(frozen=True, slots=True)
class Measured:
    """One organisation's numerator and denominator of one indicator, and the value in the indicator's unit."""

    indicator: str
    organization_id: int
    numerator: Decimal
    denominator: Decimal | None
    value: Decimal | None
    unit: str


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator as a page shows it. `small` hides value and counts; `before` is the value a year earlier."""

    card: Card
    numerator: Decimal
    denominator: Decimal | None
    value: Decimal | None
    target: Value | None
    small: bool
    organization: Organization | None = None
    before: Decimal | None = None

    @property
    def unit(self) -> str:
        """The unit beside the value."""
        return "%" if self.card.unit == "percent" else _("人次")

    @property
    def goal(self) -> Decimal | None:
        """The target as a number."""
        if self.target is None:
            return None
        exact = self.target.fraction()
        return Decimal(exact.numerator) / Decimal(exact.denominator)

    @property
    def gap(self) -> Decimal | None:
        """How much is missing to the target; nothing when it is reached."""
        if self.goal is None or self.value is None:
            return None
        return max(self.goal - self.value, Decimal(0))

    @property
    def look(self) -> str:
        """Reached, not reached, or not to be judged."""
        if self.gap is None:
            return "gone"
        return "wait" if self.gap else "done"

    @property
    def change(self) -> Decimal | None:
        """The difference to the year before."""
        return None if self.value is None or self.before is None else self.value - self.before

    @property
    def trend(self) -> str:
        """Up, down or flat against the year before, empty when there is nothing to compare."""
        if self.change is None:
            return ""
        return "up" if self.change > 0 else "down" if self.change < 0 else "flat"

    @property
    def share(self) -> float:
        """The bar of the figure: of a hundred for a percentage, else of the target."""
        whole = Decimal(100) if self.card.unit == "percent" else self.goal
        return float(self.value / whole) if self.value is not None and whole else 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One indicator for all organisations together and for each."""

    total: Figure
    rows: list[Figure]
    # Hospitals from elsewhere that serve the place: no facts behind their figures, not in the total.
    beyond: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FactRows:
    """Facts on one side of a figure: columns as (name, meaning), the rows shown, and how many there are."""

    side: str
    table: str
    grain: str
    heads: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]
    total: int


def fact_tables() -> Mapping[str, FactTable]:
    """The fact tables all modules declare."""
    tables: Mapping[str, FactTable] = import_string(settings.FACTS)()
    return tables


@cache
def unbound_facts() -> dict[str, Table]:
    """The fact tables as Ibis tables without a database."""
    return rules.unbound(
        {name: {column: c.type for column, c in table.columns.items()} for name, table in fact_tables().items()}
    )


# The statement depends on nothing but its arguments; compiling it costs more than running it.
@lru_cache(maxsize=256)
def sql_of(indicator: str, start: date, end: date) -> str:
    """The PostgreSQL statement of an indicator: its expression over the declared facts, nothing hand-written."""
    expression = rules.DEFINITIONS[indicator](unbound_facts(), start, end)
    body = str(ibis.to_sql(expression, dialect="postgres"))
    declared = fact_tables()
    needed = rules.cards()[indicator].facts
    views = ", ".join(f"fact_{name} as ({declared[name].sql})" for name in needed)
    return f"with {views} select organization_id, numerator, denominator from ({body}) measured"  # noqa: S608 (declared SQL)


@beyond("indicators.facts")
def measure_all(indicator: str, start: date, end: date) -> dict[int, Measured]:
    """The indicator for every organisation that has facts in the period, by organisation id."""
    unit = rules.cards()[indicator].unit
    with connection.cursor() as cursor:
        cursor.execute(sql_of(indicator, start, end))
        rows = cursor.fetchall()
    return {row[0]: _measured(indicator, unit, *row) for row in rows}


@beyond("indicators.facts")
def measure_rows(
    counted: rules.RowSet, organization_id: int, start: date, end: date, limit: int = ROWS_SHOWN
) -> FactRows:
    """The facts behind one side of a figure, newest first, at most `limit`; ids and days, never a person."""
    declared = fact_tables()[counted.table]
    wanted = rules.rows(unbound_facts(), counted, organization_id, start, end)
    body = str(ibis.to_sql(wanted, dialect="postgres"))
    view = f"with fact_{counted.table} as ({declared.sql})"
    with connection.cursor() as cursor:
        cursor.execute(f"{view} select count(*) from ({body}) found")  # noqa: S608 (declared SQL)
        total = int(cursor.fetchone()[0])
        cursor.execute(f"{view} select * from ({body}) found limit %s", [limit])  # noqa: S608 (declared SQL)
        names = tuple(column.name for column in cursor.description or ())
        found = cursor.fetchall()
    shown = [index for index, name in enumerate(names) if name not in LEFT_OUT.get(counted.table, ())]
    lines = [tuple(CODES.get(row[index], row[index]) for index in shown) for row in _named(names, found)]
    heads = tuple(
        (str(HEADS.get(names[index], names[index])), declared.columns[names[index]].meaning) for index in shown
    )
    return FactRows(counted.side, counted.table, declared.grain, heads, lines, total)


def _named(names: tuple[str, ...], found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Organisations by their name instead of their id."""
    places = [index for index, name in enumerate(names) if name in ORGANIZATION_COLUMNS]
    ids = {row[index] for row in found for index in places if row[index] is not None}
    called = dict(Organization.objects.filter(pk__in=ids).values_list("pk", "short_zh"))
    return [
        tuple(called.get(cell, cell) if index in places else cell for index, cell in enumerate(row)) for row in found
    ]


def years(today: date) -> list[int]:
    """The years a reader may choose, the running one first; on its first day there is nothing to count yet."""
    return [year for year in range(today.year, today.year - YEARS_BACK - 1, -1) if today > date(year, 1, 1)]


def period_of(year: int, today: date) -> Period:
    """The year up to yesterday, or the whole year when it is over."""
    whole = calendar_year(year)
    return Period(whole.start, min(whole.end or today, today))


def parameters_for(seat: Seat, period: Period) -> IndicatorParameters:
    """Targets and the smallest denominator for the seat's place on the last day counted. Raises NoPolicyInForce."""
    last = (period.end or period.start) - timedelta(days=1)
    return IndicatorParameters.read(policy.at(place=seat.place_code, date=last))


def scope(seat: Seat) -> dict[int, Organization]:
    """The hospitals and centres whose figures the seat may see, by id."""
    found = Organization.objects.filter(organizations_visible_to(seat)).select_related("place").distinct()
    return {row.pk: row for row in found.order_by("place__code", "kind", "code")}


def scope_beyond(seat: Seat) -> dict[int, Organization]:
    """The hospitals from elsewhere that serve the seat's place, by id: their figures are seen, the facts are not."""
    found = Organization.objects.filter(serving(seat)).select_related("place").distinct()
    return {row.pk: row for row in found.order_by("place__code", "kind", "code")}


def board(seat: Seat, period: Period) -> list[Figure]:
    """One figure per indicator, summed over the seat's own, with the same stretch of the year before.

    Where the place has nobody an indicator speaks of, it is summed over the hospitals that serve the place.
    """
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    assert period.end is not None
    before = Period(years_after(period.start, -1), years_after(period.end, -1))
    figures = []
    for key, card in rules.cards().items():
        now = _summed(card, measure_all(key, period.start, period.end), known, beyond, parameters)
        then = _summed(card, measure_all(key, before.start, before.end or before.start), known, beyond, parameters)
        figures.append(replace(now, before=then.value))
    return figures


def by_organization(seat: Seat, card: Card, period: Period) -> Compared:
    """An indicator for each organisation the seat may see, the widest gap first, and for its own together."""
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    shown = known | beyond
    assert period.end is not None
    measured = measure_all(card.key, period.start, period.end)
    rows = [
        _figure(card, parameters, row.numerator, row.denominator, shown[row.organization_id])
        for row in measured.values()
        if row.organization_id in shown
    ]
    rows.sort(key=lambda row: (row.value is None, row.value or 0, row.organization.code if row.organization else ""))
    return Compared(_summed(card, measured, known, beyond, parameters), rows, frozenset(beyond))


def trend(seat: Seat, card: Card, period: Period) -> Trend:
    """An indicator of the seat's own by quarter, up to the end of the period, the last two years of them."""
    parameters, known, beyond = parameters_for(seat, period), scope(seat), scope_beyond(seat)
    end = period.end or period.start
    values = []
    for quarter in quarters(end, QUARTERS):
        measured = measure_all(card.key, quarter.start, min(quarter.end or end, end))
        label = f"{quarter.start.year} Q{quarter.start.month // 3 + 1}"
        values.append((label, _summed(card, measured, known, beyond, parameters).value))
    return drawn(values)


def figure_of(seat: Seat, card: Card, organization: Organization, period: Period) -> Figure:
    """One organisation's figure of an indicator."""
    assert period.end is not None
    found = measure_all(card.key, period.start, period.end).get(organization.pk)
    numerator, denominator = (found.numerator, found.denominator) if found else (Decimal(0), None)
    return _figure(card, parameters_for(seat, period), numerator, denominator, organization)


def sides_of(figure: Figure, period: Period) -> list[FactRows]:
    """The facts in numerator and denominator of a figure; none when the figure is too small to show."""
    if figure.small or figure.organization is None or period.end is None:
        return []
    return [
        measure_rows(counted, figure.organization.pk, period.start, period.end)
        for counted in rules.ROWS[figure.card.key]
    ]


def get_card(key: str) -> Card:
    """The card of an indicator. Raises NotVisible."""
    if key not in rules.cards():
        raise NotVisible(_("没有这个指标。"), next_step=_("请从指标一览里打开。"))
    return rules.cards()[key]


def get_organization(seat: Seat, organization_id: int) -> Organization:
    """One organisation whose figures the seat may see. Raises NotVisible."""
    found = scope(seat).get(organization_id)
    if found is None:
        raise NotVisible(_("没有这家机构的数据，或不在您的服务范围。"), next_step=_("请回到指标页选择。"))
    return found


def _summed(
    card: Card, measured: Mapping[int, Measured], known: Mapping[int, Organization],
    beyond: Mapping[int, Organization], parameters: IndicatorParameters,
) -> Figure:  # fmt: skip
    own = [row for row in measured.values() if row.organization_id in known]
    own = own or [row for row in measured.values() if row.organization_id in beyond]
    denominators = [row.denominator for row in own if row.denominator is not None]
    bottom = sum(denominators, Decimal(0)) if denominators else None
    return _figure(card, parameters, sum((row.numerator for row in own), Decimal(0)), bottom, None)


def _figure(
    card: Card,
    parameters: IndicatorParameters,
    numerator: Decimal,
    denominator: Decimal | None,
    organization: Organization | None,
) -> Figure:
    small = rules.is_small(denominator, parameters.small_denominator.integer())
    value = None if small else rules.value_of(numerator, denominator, card.unit)
    target = parameters.targets[card.key]
    return Figure(card, numerator, denominator, value, target, small, organization)


def frozen(seat: Seat, indicator: str, limit: int = 20) -> list[MeasureReport]:
    """The newest frozen reports of an indicator that the seat may see."""
    return reports(seat, indicator)[:limit]


def reports(seat: Any, indicator: str | None = None) -> list[MeasureReport]:
    """Frozen reports the seat may see, newest first."""
    found = MeasureReport.objects.filter(visible_to(seat)).select_related("organization").order_by("-as_of", "-id")
    return list(found.filter(indicator=indicator) if indicator else found)


def get_report(seat: Any, report_id: int) -> MeasureReport:
    """One frozen report. Raises NotVisible."""
    found = MeasureReport.objects.filter(visible_to(seat), pk=report_id).select_related("organization").first()
    if found is None:
        raise NotVisible(_("没有这份指标报告，或不在您的服务范围。"))
    return found


def _measured(indicator: str, unit: str, organization_id: int, numerator: Any, denominator: Any) -> Measured:
    top = Decimal(str(numerator or 0))
    bottom = None if denominator is None else Decimal(str(denominator))
    return Measured(indicator, organization_id, top, bottom, rules.value_of(top, bottom, unit), unit)
