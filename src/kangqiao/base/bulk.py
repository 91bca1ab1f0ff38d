"""Many rows at once: PostgreSQL's COPY behind one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models


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


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Writes rows with COPY, in the surrounding transaction. Returns how many.

    `columns` are field names; constraints hold as ever, defaults of Python do not apply, so every column that has no
    database default must be named. Raises KeyError for a column the table does not have.
    """
    by_name = {field.name: str(field.column) for field in model._meta.concrete_fields}
    quote = connection.ops.quote_name
    names = ", ".join(quote(by_name[name]) for name in columns)
    statement = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
