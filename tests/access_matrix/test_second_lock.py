"""No page counts on a row that the second lock hides: each look of a page answers the same with policies and without.

A scope of Python that is wider than the policy would show too little, and nobody would see an error. So every SELECT of
every page is asked twice, once as the application's role and once as the owner, whom no policy binds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from kangqiao.base import rows
from tests.access_matrix.cells import addresses, ask, signed_in
from tests.access_matrix.world import SEATS, Side

# Asked in a page and never the same twice: clocks and running numbers.
PASSING = ("clock_timestamp", "nextval", "set_config")
# Looks that are wider than their scope and narrowed after them: the policy leaves out earlier what Python would.
EARLIER = {
    "domain/records/queries.py:document": "a row by its number; whose it is, is asked next",
    "domain/publication/queries.py:<listcomp>": "lists that wait anywhere; those of another approver are dropped next",
}


def asker() -> str:
    """The product's own function that asks, by file and name."""
    ours = [frame for frame in traceback.extract_stack() if "/src/kangqiao/" in frame.filename]
    last = next((frame for frame in reversed(ours) if "/kangqiao/base/" not in frame.filename), ours[-1])
    return f"{last.filename.partition('/src/kangqiao/')[2]}:{last.name}"


@contextmanager
def compared(found: set[str], counted: list[int]) -> Iterator[None]:
    """Notes who asked a question that both roles answer differently."""

    def twice(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        raw = context["connection"].connection
        is_look = sql.lstrip().startswith("SELECT") and not many and not any(word in sql for word in PASSING)
        if is_look and raw.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
            counted[0] += 1
            if _answer(raw, sql, params, as_owner=False) != _answer(raw, sql, params, as_owner=True):
                found.add(asker())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(twice):
        yield


def _answer(raw: psycopg.Connection[Any], sql: str, params: Any, *, as_owner: bool) -> list[str]:
    with raw.cursor() as cursor:
        cursor.execute("SAVEPOINT twice")
        if as_owner:
            cursor.execute("RESET ROLE")
        rows = sorted(map(repr, cursor.execute(sql, params).fetchall()))
        cursor.execute("ROLLBACK TO SAVEPOINT twice")
        cursor.execute("RELEASE SAVEPOINT twice")
    return rows


@pytest.mark.slow
@pytest.mark.trust("T-ACL-7", "no page misses a row for the policies: each look asked with and without")
@pytest.mark.parametrize("actor", [role.value for role in SEATS])
def test_each_look_answers_the_same_with_and_without_policies(
    actor: str, sides: dict[str, Side], measured: Callable[[str], None]
) -> None:
    client, found, counted = signed_in(sides["own"], actor), set[str](), [0]

    with compared(found, counted):
        for address in addresses():
            if address.admits(actor):
                ask(client, "GET", address.on(sides["own"], actor))

    assert found <= set(EARLIER), "\n".join(("", *sorted(found)))
    assert counted[0] > 20
    measured(f"{actor}: {counted[0]} looks the same")


@pytest.mark.django_db
@pytest.mark.trust("T-ACL-7", "the policies in the database are those that are declared")
def test_the_policies_of_the_database_follow_from_what_is_declared() -> None:
    put_up = _second_lock()
    with connection.cursor() as cursor:
        cursor.execute(rows.policies_away())
        cursor.execute(f"DROP FUNCTION {', '.join(name for name, _body in put_up[0])}")
        for statement in rows.row_policies():
            cursor.execute(statement)

    assert put_up[0]
    assert put_up[1]
    assert _second_lock() == put_up


def _second_lock() -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Every function of ours that policies ask, and every policy; not the clock of the tests, nor what indexes hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc
                WHERE starts_with(proname, 'kangqiao_') AND prorettype <> 'trigger'::regtype
                  AND proname <> 'kangqiao_moment' AND provolatile <> 'i' ORDER BY 1"""
        )
        functions = cursor.fetchall()
        cursor.execute(
            """SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies
                WHERE starts_with(policyname, 'kangqiao_rows') ORDER BY 1, 2"""
        )
        return functions, cursor.fetchall()
