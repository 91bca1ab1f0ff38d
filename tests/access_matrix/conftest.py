"""The world every test of the matrix stands in."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.access_matrix.world import Side, four_sides
from tests.journey_plugin import copied, inside


@dataclass(frozen=True)
class World:
    """The four sides as they were made, the moment they stand at, and the database that holds them."""

    database: str
    at: datetime
    sides: dict[str, Side]


@pytest.fixture(scope="session")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world, made once for a run at ten in the morning of today, in a database of its own."""
    at = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    empty = connection.settings_dict["NAME"]
    # A run of these alone may have set up no test database.
    template = empty if empty.startswith("test_") else "template1"
    with django_db_blocker.unblock(), copied(f"test_{empty}_matrix", template) as name:
        with inside(name), time_machine.travel(at, tick=False):
            call_command("migrate", verbosity=0)
            sides = four_sides(at)
        yield World(name, at, sides)


@pytest.fixture
def there(made: World) -> Iterator[None]:
    """The connection leads into the world's database; asked for before the test's transaction begins."""
    with inside(made.database):
        yield


@pytest.fixture
def at(made: World) -> Iterator[datetime]:
    """The moment of the world: what is due today has begun, and the day does not end meanwhile."""
    with time_machine.travel(made.at, tick=False):
        yield made.at


@pytest.fixture
def sides(made: World, there: None, db: None, at: datetime, caplog: pytest.LogCaptureFixture) -> dict[str, Side]:
    """The four sides, for one test: what it does to them is taken back."""
    caplog.set_level("CRITICAL", "django.request")
    return copy.deepcopy(made.sides)


@pytest.fixture(scope="session")
def nth(request: pytest.FixtureRequest) -> int:
    """Every how manieth address or form is asked for: every one by `make matrix` and `make trust`, else every tenth.

    Each actor begins with another, so that together they ask for all; `make test` is then quick.
    """
    return 1 if request.config.getoption("--slow") or request.config.getoption("--trust") else 10
