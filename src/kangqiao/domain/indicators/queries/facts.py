"""Indicators measured from the fact tables, and the facts behind a figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import ibis
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy
from ibis.expr.types import Table

from kangqiao.base.acting import beyond
from kangqiao.domain.indicators import rules
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.facts import FactTable

ROWS_SHOWN = 200
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
    "is_emergency": gettext_lazy("急诊"),
    "is_by_appointment": gettext_lazy("凭号就诊"),
    "is_by_centre": gettext_lazy("经基层"),
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
    "gp": gettext_lazy("基层代约"),
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


ByOrganization = dict[int, Measured]


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


# The body depends on nothing but its arguments; compiling it costs more than running it.
@lru_cache(maxsize=512)
def _body_of(indicator: str, start: date, end: date) -> str:
    expression = rules.DEFINITIONS[indicator](unbound_facts(), start, end)
    return str(ibis.to_sql(expression, dialect="postgres"))


def sql_of(indicator: str, start: date, end: date) -> str:
    """The PostgreSQL statement of an indicator: its expression over the declared facts, nothing hand-written."""
    views, body = _views(rules.cards()[indicator].facts), _body_of(indicator, start, end)
    return f"with {views} select organization_id, numerator, denominator from ({body}) measured"  # noqa: S608 (declared SQL)


def _views(names: Iterable[str], kept: str = "") -> str:
    declared = fact_tables()
    return ", ".join(f"fact_{name} as {kept}({declared[name].sql})" for name in names)


def measure_all(indicator: str, start: date, end: date) -> ByOrganization:
    """The indicator for every organisation that has facts in the period, by organisation id."""
    return measure_many([indicator], [(start, end)])[indicator][0]


@beyond("indicators.facts")
def measure_many(
    indicators: Sequence[str], periods: Sequence[tuple[date, date]]
) -> dict[str, list[dict[int, Measured]]]:
    """Each indicator in each of the periods, by organisation id.

    One statement gathers each kind of fact once for all of them: twelve indicators in eight periods cost less than
    in two periods with a statement for each.
    """
    asked = [(indicator, number) for indicator in indicators for number in range(len(periods))]
    parts = " union all ".join(
        f"select {place}, organization_id, numerator::text, denominator::text"  # noqa: S608 (declared SQL)
        f" from ({_body_of(indicator, *periods[number])}) measured"
        for place, (indicator, number) in enumerate(asked)
    )
    names = sorted({name for indicator in indicators for name in rules.cards()[indicator].facts})
    found: dict[str, list[ByOrganization]] = {key: [{} for _period in periods] for key in indicators}
    with connection.cursor() as cursor:
        cursor.execute(f"with {_views(names, 'materialized ' if len(asked) > 1 else '')} {parts}")
        for place, *row in cursor.fetchall():
            indicator, number = asked[place]
            found[indicator][number][row[0]] = _measured(indicator, rules.cards()[indicator].unit, *row)
    return found


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


def _measured(indicator: str, unit: str, organization_id: int, numerator: str, denominator: str | None) -> Measured:
    top = Decimal(numerator or 0)
    bottom = None if denominator is None else Decimal(denominator)
    return Measured(indicator, organization_id, top, bottom, rules.value_of(top, bottom, unit), unit)
