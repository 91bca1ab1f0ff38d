"""Indicators computed from the fact tables, and the frozen reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

import ibis
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string
from ibis.expr.types import Table

from kangqiao.domain.indicators import rules
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.indicators.permissions import visible_to
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.facts import FactTable


@dataclass(frozen=True, slots=True)
class Measured:
    """One organisation's numerator and denominator of one indicator, and the value in the indicator's unit."""

    indicator: str
    organization_id: int
    numerator: Decimal
    denominator: Decimal | None
    value: Decimal | None
    unit: str


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


def measure_all(indicator: str, start: date, end: date) -> dict[int, Measured]:
    """The indicator for every organisation that has facts in the period, by organisation id."""
    unit = rules.cards()[indicator].unit
    with connection.cursor() as cursor:
        cursor.execute(sql_of(indicator, start, end))
        rows = cursor.fetchall()
    return {row[0]: _measured(indicator, unit, *row) for row in rows}


def rows_of(table: str, organization_column: str, organization_id: int, limit: int = 200) -> list[dict[str, Any]]:
    """The facts behind a figure, newest rows first, at most `limit`; ids and days, never a name."""
    fact = fact_tables()[table]
    if organization_column not in fact.columns:
        raise KeyError(organization_column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select * from ({fact.sql}) facts where {organization_column} = %s order by 1 desc limit %s",  # noqa: S608 (declared SQL)
            [organization_id, limit],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def reports(seat: Any, indicator: str | None = None) -> list[MeasureReport]:
    """Frozen reports the seat may see, newest first."""
    found = MeasureReport.objects.filter(visible_to(seat)).select_related("organization").order_by("-as_of", "-id")
    return list(found.filter(indicator=indicator) if indicator else found)


def get_report(seat: Any, report_id: int) -> MeasureReport:
    """One frozen report. Raises NotVisible."""
    found = MeasureReport.objects.filter(visible_to(seat), pk=report_id).select_related("organization").first()
    if found is None:
        raise NotVisible("")
    return found


def _measured(indicator: str, unit: str, organization_id: int, numerator: Any, denominator: Any) -> Measured:
    top = Decimal(str(numerator or 0))
    bottom = None if denominator is None else Decimal(str(denominator))
    return Measured(indicator, organization_id, top, bottom, rules.value_of(top, bottom, unit), unit)
