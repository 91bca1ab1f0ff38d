"""Who acts, told to the database: settings of the transaction that its policies and its triggers read.

They are set with `set_config(…, true)`, so they end with the transaction and a connection that is handed on carries
nothing along, also behind a pool that hands it on after every transaction. Empty settings mean nobody: no rows.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from django.db import connections, transaction

from kangqiao.base.actor import Actor
from kangqiao.base.prepared import bound

# `kangqiao.actor` is `user:12`, `system:NAME` or `anonymous`; the others are ids or empty. `reach` names the step that
# looks beyond the scope of the one who acts, see `beyond`.
NAMES = ("actor", "user", "organization", "role", "place", "request", "reach")
ANONYMOUS = "anonymous"

_SET = "SELECT " + ", ".join(f"set_config('kangqiao.{name}', %s, true)" for name in NAMES)
# In one statement: the new one, and what was there; the inner row is read before the outer one is made.
_REACH = (
    "SELECT set_config('kangqiao.reach', %s, true), before.reach"
    " FROM (SELECT coalesce(current_setting('kangqiao.reach', true), '') AS reach OFFSET 0) before"
)
_GET = "SELECT " + ", ".join(f"coalesce(current_setting('kangqiao.{name}', true), '')" for name in NAMES)


class Sitting(Protocol):
    """What is asked of a seat; the seat itself belongs to a module above."""

    @property
    def user_id(self) -> int: ...
    @property
    def organization_id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def place_id(self) -> int: ...
    @property
    def actor(self) -> Actor: ...


def new_request() -> str:
    """A random number for one request, the same in all that it leaves behind."""
    return secrets.token_hex(8)


def as_seat(seat: Sitting | None, *, request: str = "", using: str = "default") -> None:
    """The rest of this transaction is done from a seat, or by nobody known (None).

    Raises TransactionManagementError outside a transaction, where the settings would end with the statement.
    """
    if seat is None:
        _set(using, (ANONYMOUS, "", "", "", "", request, ""))
        return
    ids = (seat.actor.id, str(seat.user_id), str(seat.organization_id), str(seat.role), str(seat.place_id))
    _set(using, (*ids, request, ""))


@contextmanager
def as_system(name: str, *, using: str = "default") -> Iterator[Actor]:
    """A transaction done by a named job of the system, before which no row is hidden; gives the job's actor.

    Inside somebody's transaction it is a part of it, and what follows is done by that person again.
    """
    actor = Actor.system(name)
    with _for_a_while(using, lambda before: (actor.id, "", "", "", "", before[5], "")):
        yield actor


@contextmanager
def on_behalf(person: Actor, job: str, *, using: str = "default") -> Iterator[Actor]:
    """A transaction of a job that a person asked for and that is kept in that person's name; no row is hidden."""
    who = (person.id, person.id.removeprefix("user:"), str(person.organization_id or ""), person.role, "")
    with _for_a_while(using, lambda before: (*who, before[5], job)):
        yield person


@contextmanager
def beyond(step: str, *, using: str = "default") -> Iterator[None]:
    """A step that counts or joins rows beyond the scope of the one who acts; who acts stays as it is.

    For figures made of counts, and for what an action must know or write on the other side of it: never for a list
    that a page shows. Every use is named with its reason in `docs/howto/row-security.md`, which a test compares.
    """
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        before = _reach(using, step)
        yield
        if nested:
            _reach(using, before)


@contextmanager
def _for_a_while(using: str, changed: _Change) -> Iterator[None]:
    nested = connections[using].in_atomic_block
    with transaction.atomic(using=using):
        before = _get(using) if nested else ("",) * len(NAMES)
        _set(using, changed(before))
        yield
        # After an error the database takes the settings back itself, with the savepoint.
        if nested:
            _set(using, before)


class _Change(Protocol):
    def __call__(self, before: tuple[str, ...], /) -> tuple[str, ...]: ...


def _get(using: str) -> tuple[str, ...]:
    with bound(using) as cursor:
        cursor.execute(_GET)
        row: tuple[str, ...] = cursor.fetchone()
    return row


def _reach(using: str, step: str) -> str:
    with bound(using) as cursor:
        cursor.execute(_REACH, [step])
        return str(cursor.fetchone()[1])


def _set(using: str, values: tuple[str, ...]) -> None:
    if not connections[using].in_atomic_block:
        raise transaction.TransactionManagementError("who acts is told inside a transaction")
    with bound(using) as cursor:
        cursor.execute(_SET, values)
