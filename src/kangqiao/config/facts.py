"""Collects the fact tables that the modules declare."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from kangqiao.kernel.facts import FactTable


@cache
def collect() -> dict[str, FactTable]:
    """Every declared fact table by name. Raises ValueError when two modules declare the same name."""
    tables: dict[str, FactTable] = {}
    for module in settings.MODULES:
        dotted = f"kangqiao.domain.{module}.facts"
        if find_spec(dotted) is None:
            continue
        for table in import_module(dotted).TABLES:
            if table.name in tables:
                raise ValueError(f"the fact table {table.name} is declared twice")
            tables[table.name] = table
    return tables
