"""Every request of a test is served as the application's role; factories and assertions stay with the owner.

Product processes connect as that role. Here one connection is shared by a test and the pages it asks for, so the role
is put on when a page is called and taken off after it. Live servers and threads get it with their connections.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.test.client import ClientHandler
from django.utils import timezone

from kangqiao.base import acting, guards
from kangqiao.base.server import application

# The policies go by the database's clock. Tests move the one of Python, so here it is told on; a bit earlier, because a
# transaction begins before what is done in it.
MOMENT = """
    CREATE OR REPLACE FUNCTION kangqiao_moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $body$
      SELECT coalesce(nullif(current_setting('kangqiao.test_moment', true), '')::timestamptz, now())
    $body$"""
ROLE = f"""
    DO $body$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{application.ROLE}') THEN
        CREATE ROLE {application.ROLE} NOSUPERUSER NOBYPASSRLS; GRANT {application.ROLE} TO CURRENT_USER;
      END IF;
    END $body$"""
EARLIER = timedelta(milliseconds=1)
_serving = threading.local()


def for_tests() -> Iterator[str]:
    """The last guard put up: the role with its privileges, and a clock that tests can move."""
    yield MOMENT
    yield ROLE
    yield application.privileges(application.ROLE).as_string()


guards.GUARDS = (*guards.GUARDS, for_tests)
_tell = acting._set


def _tell_with_clock(using: str, values: tuple[str, ...]) -> None:
    _tell(using, values)
    moment = (timezone.now() - EARLIER).isoformat()
    connections[using].connection.execute("SELECT set_config('kangqiao.test_moment', %s, true)", [moment])


acting._set = _tell_with_clock


@contextmanager
def as_application() -> Iterator[None]:
    """What happens inside on this thread's connection is done by the role that owns nothing."""
    outer, _serving.is_on = getattr(_serving, "is_on", False), True
    try:
        if connection.connection is not None and not outer:
            try:
                connection.connection.execute(f"SET ROLE {application.ROLE}")
            except psycopg.OperationalError:
                # Ended from the other side between two requests: the next query opens another, which gets the role.
                connection.close()
        yield
    finally:
        _serving.is_on = outer
        if connection.connection is not None and not outer:
            # A transaction that failed takes the role back itself when it is rolled back.
            with suppress(psycopg.errors.InFailedSqlTransaction, psycopg.OperationalError):
                connection.connection.execute("RESET ROLE")


def _put_on(*, connection: Any, **_more: Any) -> None:
    if getattr(_serving, "is_on", False):
        connection.connection.execute(f"SET ROLE {application.ROLE}")


connection_created.connect(_put_on, dispatch_uid="as_application")


def _served(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with as_application():
            return call(*args, **kwargs)

    return wrapped


for handler in (ClientHandler, WSGIHandler):
    handler.__call__ = _served(handler.__call__)  # type: ignore[method-assign]
