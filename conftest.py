"""What every test of the project can use; the tests themselves lie in `src/**/tests` and `tests`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation

pytest_plugins = ["tests.journey_plugin", "tests.clause_plugin", "tests.trust_plugin", "tests.schedule_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--slow` runs everything; a marker expression would do too, but then counts as a narrowed run."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests to `make test-all`, and say how many by pytest's own count."""
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    """Every test begins in Chinese: a language switched on by one test would stay for the next."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture(autouse=True, scope="session")
def _tables_written_once_can_be_emptied() -> Iterator[None]:
    """After a test that commits Django empties every table; the audit refuses that, so its owner lifts the triggers."""
    flush = DatabaseOperations.execute_sql_flush

    def lifted(self: DatabaseOperations, sql_list: list[str]) -> None:
        tables = [table for table in connection.introspection.table_names() if table in sql_list[0]] if sql_list else []
        switch = [f'ALTER TABLE "{table}" %s TRIGGER USER' for table in tables]
        down, up = ([one % verb for one in switch] for verb in ("DISABLE", "ENABLE"))
        flush(self, [*down, *sql_list, *up])

    DatabaseOperations.execute_sql_flush = lifted
    yield
    DatabaseOperations.execute_sql_flush = flush
