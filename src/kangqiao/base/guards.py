"""What the database guards by itself, made anew from the models after every migration.

A guard is SQL that follows from what a model declares: triggers that write the audit, policies that hide rows,
privileges of the application's role. It is generated, not migrated, so a new model is guarded by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import connections, transaction

from kangqiao.base.rows import policies_away, row_policies
from kangqiao.base.server.application import privileges
from kangqiao.base.writes import append_only, audit_writes

# Each answers the statements that bring its guard about, whatever was there before.
Guard = Callable[[], Iterator[str]]


def application_privileges() -> Iterator[str]:
    """What the application's role may do on tables made anew; `kangqiao up` gives it the first time."""
    yield privileges().as_string()


GUARDS: tuple[Guard, ...] = (audit_writes, append_only, row_policies, application_privileges)


def put_up(using: str = "default") -> int:
    """Puts up every guard in one transaction; repeating it changes nothing. Returns how many statements ran."""
    statements = [statement for guard in GUARDS for statement in guard()]
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return len(statements)


def make_way(using: str = "default") -> None:
    """Before tables change: what reads their columns steps aside. Until it is back the application sees no row."""
    with connections[using].cursor() as cursor:
        cursor.execute(policies_away())
