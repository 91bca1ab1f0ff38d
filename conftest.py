"""What every test of the project can use; the tests themselves lie in `src/**/tests` and `tests`."""

from __future__ import annotations

import contextlib
import gc
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from kangqiao.base.acting import as_system

pytest_plugins = [
    "tests.application_plugin",
    "tests.journey_plugin",
    "tests.clause_plugin",
    "tests.trust_plugin",
    "tests.ux_plugin",
    "tests.schedule_plugin",
]

# Rounds, KiB and lanes of Argon2.
CHEAP = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--slow` runs everything; a marker expression would do too, but then counts as a narrowed run."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests to `make test-all` and whole sites that are killed to `make faults`; pytest says how many.

    `make trust` asks for its own, and whoever names the folder of the faults gets them.
    """
    if config.getoption("--slow"):
        return
    faults = config.rootpath / "tests" / "faults"
    named = any((config.rootpath / one.partition("::")[0]).is_relative_to(faults) for one in config.args)
    without_faults = not (named or config.getoption("--trust"))
    left = {
        item
        for item in items
        if item.get_closest_marker("slow") or (without_faults and item.path.is_relative_to(faults))
    }
    if left:
        config.hook.pytest_deselected(items=sorted(left, key=items.index))
        items[:] = [item for item in items if item not in left]


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it for garbage again and again cost a sixth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


def pytest_unconfigure() -> None:
    """At the end everything is taken down in order, as without that."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def is_slow(request: pytest.FixtureRequest) -> bool:
    """Whether this run takes its time: a test that usually looks at a sample then looks at everything."""
    return bool(request.config.getoption("--slow"))


@contextlib.contextmanager
def _asked(limit: int) -> Iterator[list[str]]:
    """At most so many statements beyond those every request has: its transaction, and who acts in it."""
    always = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO", "SELECT set_config('kangqiao.")
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [one["sql"] for one in captured if not one["sql"].startswith(always)]
    # As a request begins, who acted before is asked only because the test's own transaction is around.
    if statements and statements[0].startswith("SELECT coalesce(current_setting('kangqiao."):
        del statements[0]
    assert len(statements) <= limit, "\n".join(("", *statements))


@pytest.fixture
def asks_at_most() -> Callable[[int], contextlib.AbstractContextManager[list[str]]]:
    """How many statements a page may ask the database; `with asks_at_most(2): client.get(…)`."""
    return _asked


@pytest.fixture(autouse=True)
def _forms_have_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form of the product carries a one-time key (tests/repository/test_idempotency.py), so the test client's do.

    A test that names a key, in the body or as a header, sends that one; `headers={"Idempotency-Key": ""}` sends none.
    """
    post = Client.post

    def with_key(self: Client, path: str, data: Any = None, *args: Any, **more: Any) -> Any:
        if not (isinstance(data, dict) and "idempotency_key" in data):
            more["headers"] = {"Idempotency-Key": secrets.token_urlsafe(18), **(more.get("headers") or {})}
        return post(self, path, data, *args, **more)

    monkeypatch.setattr(Client, "post", with_key)


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    """Every test begins in Chinese: a language switched on by one test would stay for the next."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture(autouse=True, scope="session")
def guessing_costs() -> Iterator[dict[str, int]]:
    """In tests a password is kept by the same function at a small price; the price outside is what this hands over."""
    costs = {name: getattr(Argon2PasswordHasher, name) for name in CHEAP}
    for name, value in CHEAP.items():
        setattr(Argon2PasswordHasher, name, value)
    yield costs
    for name, value in costs.items():
        setattr(Argon2PasswordHasher, name, value)


def _drop(self: DatabaseCreation, test_database_name: str, verbosity: int) -> None:
    from tests.journey_plugin import drop  # the product's modules are loaded by now

    with self._nodb_cursor() as cursor:
        drop(cursor, test_database_name)


DatabaseCreation._destroy_test_db = _drop


@pytest.fixture(autouse=True, scope="session")
def _tables_are_emptied_where_they_hold_rows() -> Iterator[None]:
    """After a test that commits Django truncates every table, which makes hundreds of files anew; a test fills a few.

    Of those the rows are deleted. The audit refuses that, so its owner lifts the triggers of these tables meanwhile.
    """
    flush = DatabaseOperations.execute_sql_flush

    def only_filled(self: DatabaseOperations, sql_list: list[str]) -> None:
        tables = [table for table in connection.introspection.table_names() if sql_list and f'"{table}"' in sql_list[0]]
        if not tables:
            return
        with as_system("tests"), connection.cursor() as cursor:
            one = "(SELECT '{0}' FROM \"{0}\" LIMIT 1)"
            cursor.execute(" UNION ALL ".join(one.format(table) for table in tables))
            filled = [row[0] for row in cursor.fetchall()]
            each = lambda words: ";".join(words.format(table) for table in filled)  # noqa: E731 one line says it
            cursor.execute(each('ALTER TABLE "{}" DISABLE TRIGGER USER'))
            cursor.execute(each('DELETE FROM "{}"'))
            # Foreign keys are looked at when all rows are gone, and before a table is altered again.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(each('ALTER TABLE "{}" ENABLE TRIGGER USER'))

    DatabaseOperations.execute_sql_flush = only_filled
    yield
    DatabaseOperations.execute_sql_flush = flush
