"""Many rows at once behind one call: PostgreSQL's COPY, or INSERT where policies bind the role, which COPY refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

# PostgreSQL takes 65,535 values in a statement.
MOST_VALUES = 60_000
# From so many rows at once the planner is told what the table holds now.
MANY = 100


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """Takes `count` fresh ids of a table, so that rows of other tables can name them before they are written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def checked_together(model: type[models.Model]) -> Iterator[None]:
    """Inside the block rows of a table come in without their foreign keys; at its end all are checked by one join.

    A key checked row by row costs more than reading the row in. The keys are taken off and put back in the surrounding
    transaction, so nobody else ever sees the table without them, and a row that points nowhere ends it: IntegrityError.
    Others wait for the table until the transaction is over; it is for imports of whole registers and histories.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        # What is still to be checked for rows written before this block is checked first.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype = 'f' ORDER BY conname",
            [table],
        )
        keys = [(connection.ops.quote_name(name), definition) for name, definition in cursor.fetchall()]
        for name, _definition in keys:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        for name, definition in keys:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


@contextmanager
def indexed_afterwards(model: type[models.Model], name: str) -> Iterator[None]:
    """Inside the block rows come in without one index of their table; at its end it is built once for all of them.

    For an index that costs more than its row. Others wait for the table until the surrounding transaction is over;
    who is bound by policies is no owner and keeps the index.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [name])
        (definition,) = cursor.fetchone()
        if _is_bound(connection.ops.quote_name(model._meta.db_table)):
            yield
            return
        cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
        yield
        # What is still to be checked of the rows would stand in the way of the index.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(definition)


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Writes rows with COPY, in the surrounding transaction. Returns how many.

    `columns` are field names; constraints hold as ever, defaults of Python do not apply, so every column that has no
    database default must be named. Raises KeyError for a column the table does not have.
    """
    by_name = {field.name: str(field.column) for field in model._meta.concrete_fields}
    quote = connection.ops.quote_name
    names = ", ".join(quote(by_name[name]) for name in columns)
    table, count = quote(model._meta.db_table), 0
    if _is_bound(table):
        return _insert_rows(f"INSERT INTO {table} ({names}) VALUES ", list(rows))  # noqa: S608 (names of ours)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    if count >= MANY:
        count_anew(model)
    return count


def count_anew(*found: type[models.Model]) -> None:
    """The database looks at tables that have just got many rows; without one named, at all.

    Plans made for a table as it was, perhaps empty, would walk through all of it again and again.
    """
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in found)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE (SKIP_LOCKED) {tables}")


def _is_bound(table: str) -> bool:
    """Whether policies bind the one who writes: a job in a person's name, and never the owner of the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_security_active(%s)", [table])
        return bool(cursor.fetchone()[0])


def _insert_rows(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """The rows by as few statements as their number of values allows, so that the audit sees them together."""
    if not rows:
        return 0
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    together = MOST_VALUES // len(rows[0])
    with connection.cursor() as cursor:
        for start in range(0, len(rows), together):
            piece = rows[start : start + together]
            cursor.execute(statement + ", ".join([one] * len(piece)), [value for row in piece for value in row])
    return len(rows)
