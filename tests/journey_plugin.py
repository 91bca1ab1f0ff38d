"""How journeys reach the product: its live server on a loaded region, and a Chromium chosen by `tests.browser`.

The demonstration region is loaded once per run, into a database of its own. Every module of journeys gets a copy of it,
so that one walk does not change what the next one finds, and no other test ever meets these people.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection, connections
from django.db.backends.utils import CursorWrapper
from django.test import override_settings
from pytest_django.live_server_helper import LiveServer

from kangqiao.pathways.demonstration import load_region
from tests import browser

JOURNEYS = pathlib.Path(__file__).parent / "journeys"
AXE = pathlib.Path(__file__).parent / "vendor" / "axe.min.js"
# A Monday in the last week for the yearly lists; the region is as of this day, and journeys begin on its morning.
DAY = date(2025, 2, 24)
ZONE = ZoneInfo("Asia/Shanghai")
PEOPLE = 400


@dataclass(slots=True)
class Clock:
    """What time it is for the product; only journeys move it."""

    traveller: Any

    def go_to(self, day: date, at: time) -> None:
        """The given time of a day in China."""
        self.traveller.move_to(datetime.combine(day, at, tzinfo=ZONE))

    def on(self, month: int, day: int) -> date:
        """The first such day after the journeys began."""
        found = date(DAY.year, month, day)
        return found if found >= DAY else found.replace(year=DAY.year + 1)


@dataclass(frozen=True, slots=True)
class Site:
    """The product under test: its address, and its clock."""

    url: str
    clock: Clock


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--pictures` keeps the journey's pictures and writes its page of the guide; ordinary runs change no file."""
    parser.addoption("--pictures", action="store_true", help="write docs/pictures and docs/guide from the journeys")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every journey carries its mark."""
    for item in items:
        if JOURNEYS in item.path.parents:
            item.add_marker(pytest.mark.journey)


def drop(cursor: CursorWrapper, name: str) -> None:
    """Drop a database though somebody is in it: a page may ask its live server once more while it closes.

    A worker of the server that counts rows there cannot be sent away by us; it is gone in a moment.
    """
    for _turn in range(100):
        with contextlib.suppress(ProgrammingError):
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        sleep(0.1)
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def copy_of(cursor: CursorWrapper, name: str, template: str) -> None:
    """Copy a database nobody is in. A thread of an earlier test may still hold a session of ours, or just begin one."""
    for turn in range(10):
        if template.startswith("test_"):
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                [template],
            )
        try:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            return
        except OperationalError:  # the server waited five seconds for somebody to leave
            if turn == 9:
                raise


@contextmanager
def copied(name: str, template: str) -> Iterator[str]:
    """A database copied from another, dropped at the end; nobody is led there yet, see `inside`."""
    with connection._nodb_cursor() as cursor:
        connection.close()
        drop(cursor, name)
        copy_of(cursor, name, template)
    try:
        yield name
    finally:
        with connection._nodb_cursor() as cursor:
            drop(cursor, name)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """The default connection of every thread leads to this database until the end."""
    settings = connections.settings["default"]
    before = settings["NAME"]
    connection.close()
    settings["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        settings["NAME"] = before


@contextmanager
def database(name: str, template: str) -> Iterator[str]:
    """A database copied from another, and the connections that lead there, until the end."""
    with copied(name, template), inside(name):
        yield name


@pytest.fixture(scope="session")
def region(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database with the demonstration as of `DAY`.

    While writing a journey, KANGQIAO_JOURNEY_DATABASE names one that is loaded already.
    """
    if loaded := os.environ.get("KANGQIAO_JOURNEY_DATABASE"):
        yield loaded
        return
    empty = connection.settings_dict["NAME"]
    # A run of journeys alone has set up no test database; a copy is never made of a database of somebody's own.
    template = empty if empty.startswith("test_") else "template1"
    with django_db_blocker.unblock(), copied(f"test_{empty}_region", template) as name:
        with inside(name), time_machine.travel(datetime.combine(DAY, time(6), tzinfo=ZONE)):
            call_command("migrate", verbosity=0)
            load_region("zhuhai", today=DAY, residents=PEOPLE)
        yield name


@pytest.fixture(scope="module")
def site(region: str, django_db_blocker: Any) -> Iterator[Site]:
    """The product on a copy of the region, on Monday at half past seven."""
    with (
        django_db_blocker.unblock(),
        database(f"{region}_copy", region),
        override_settings(DEMO="zhuhai", DEMO_WITHOUT_SECOND_FACTOR=True),
        time_machine.travel(datetime.combine(DAY, time(7, 30), tzinfo=ZONE), tick=True) as traveller,
    ):
        server = LiveServer("127.0.0.1")
        try:
            yield Site(server.url, Clock(traveller))
        finally:
            server.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Without a browser this raises, and every journey fails: none is left out silently."""
    return {**browser_type_launch_args, "executable_path": browser.find(), "args": browser.FLAGS}


@pytest.fixture(scope="module")
def desk(browser_context_args: dict[str, Any], site: Site) -> dict[str, Any]:
    """A desk in China: language, time zone, an ordinary screen; `page.goto("/path")` opens the product under test."""
    return {
        **browser_context_args,
        "base_url": site.url,
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1366, "height": 768},
    }


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker's script, put there by `kangqiao assets`."""
    if not AXE.exists():
        pytest.fail("tests/vendor/axe.min.js is missing; run `make assets`.")
    return AXE.read_text(encoding="utf-8")
