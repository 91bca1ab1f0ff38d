"""Questions whose SQL is written once for a process; afterwards only their values change.

Who may be seen is part of nearly every question a page asks. Django writes the same words anew each time, which costs
more than the database needs to answer; here it writes them once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BigIntegerField, BooleanField, Expression, F, Field, Func, Model, QuerySet
from django.db.models.expressions import DatabaseDefault, RawSQL
from django.db.models.query import get_related_populators
from psycopg import Cursor, sql
from psycopg.types.numeric import Int8

Made = TypeVar("Made", bound=Model)

# The largest number a row can have.
LARGEST = 2**63 - 1
# Where a value stands, and a percent sign that is one.
PLACES = re.compile("%s|%%")


class Told(Expression):
    """A value that is told when the question is asked; it stands where a number or an instant would."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A mark in the text, and this value itself among the values."""
        return "%s", [self]


def among(column: str, name: str, kind: type[Field[Any, Any]] = BigIntegerField) -> Func:
    """Whether an id, or a code, is one of those told under a name as a list, however many there are."""
    told = Told(name, ArrayField(kind()))
    return Func(F(column), told, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField())


class Prepared:
    """A question written once for each shape.

    `build` makes it with `Told` where a value comes later; what changes the words themselves, such as a role, is given
    as its arguments.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self.build = build

    def inside(self, *shape: Hashable, **values: object) -> RawSQL:
        """The question as a part of another, for `Q(column__in=…)`. Raises KeyError for a value that was not told."""
        return RawSQL(*self._told(shape, values))  # noqa: S611 (text of Django's own compiler)

    def models(self, *shape: Hashable, **values: object) -> list[Any]:
        """The rows as models, with what the question selects along. Raises KeyError for a value that was not told."""
        rows = self.ask(*shape, **values)
        return list(_written(self, shape).models(rows)) if rows else []

    def ask(self, *shape: Hashable, **values: object) -> list[tuple[Any, ...]]:
        """The rows, as the database gives them. Raises KeyError for a value that was not told."""
        try:
            text, told = self._told(shape, values)
        except EmptyResultSet:  # for this shape nothing can be found, and Django asks no database either
            return []
        with bound() as cursor:
            cursor.execute(text, _sized(told))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _told(self, shape: tuple[Hashable, ...], values: dict[str, object]) -> tuple[str, tuple[Any, ...]]:
        written = _written(self, shape)
        return written.text, tuple(_held(values[name]) for name in written.names)


class _Written:
    """The text with what never changes written out, so that the database plans for it, and the names of the rest."""

    def __init__(self, found: QuerySet[Any, Any]) -> None:
        self.compiler = found.query.get_compiler(connection=connection)
        text, params = self.compiler.as_sql()
        fixed = iter("%s" if isinstance(one, Told) else _literal(one) for one in params)
        self.text = PLACES.sub(lambda found: next(fixed) if found[0] == "%s" else found[0], text)
        self.names = tuple(one.name for one in params if isinstance(one, Told))

    def models(self, rows: Iterable[Sequence[Any]]) -> Iterator[Any]:
        """What Django makes of the rows of this question."""
        converters, info, own, names, along = self._made_of
        if converters:
            rows = self.compiler.apply_converters(rows, converters)
        for row in rows:
            made = info["model"].from_db(DEFAULT_DB_ALIAS, names, row[own[0] : own[-1] + 1])
            for one in along:
                one.populate(row, made)
            for name, at in self.compiler.annotation_col_map.items():
                setattr(made, name, row[at])
            yield made

    @cached_property
    def _made_of(self) -> tuple[Any, ...]:
        """How values become those of fields, what a model is, its columns and their names, and who stands beside it."""
        select, info = self.compiler.select, self.compiler.klass_info
        own = info["select_fields"]
        names = [select[at][0].target.attname for at in own]
        converters = self.compiler.get_converters([one for one, *_rest in select])
        return converters, info, own, names, get_related_populators(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]


def rows_of(model: type[Made], text: str, values: Mapping[str, object]) -> list[Made]:
    """The rows a statement of our own words returns, as models; its text never changes, its values are told by name.

    It returns every column of the model, each as the database gives it, and others, which become attributes.
    """
    with bound() as cursor:
        cursor.execute(text, dict(zip(values, _sized(values.values()), strict=True)))
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    fields = model._meta.concrete_fields
    at = [names.index(field.column) for field in fields]
    own, values_of = [field.attname for field in fields], itemgetter(*at)
    more = [(number, name) for number, name in enumerate(names) if number not in at]
    found = []
    for row in rows:
        made = model.from_db(DEFAULT_DB_ALIAS, own, values_of(row))
        for number, name in more:
            setattr(made, name, row[number])
        found.append(made)
    return found


def write(text: str, values: Sequence[object]) -> None:
    """Runs a statement of our own words, which never change."""
    with bound() as cursor:
        cursor.execute(text, _sized(values))


def insert(row: Model, *, unless_there: bool = False) -> bool:
    """Writes a new row, which gets its id: what `save(force_insert=True)` does, its words written once for a process.

    For rows without a parent table; no signal is sent, since nothing in the product listens to any. With
    `unless_there` a row like it, as a constraint says, is no error: it says False, after waiting for one being written.
    """
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    told = [field for field in fields if not isinstance(getattr(row, field.attname), DatabaseDefault)]
    key = type(row), tuple(field.attname for field in told), unless_there
    if key not in _INSERTS:
        columns = ", ".join(f'"{field.column}"' for field in told)
        own = row._meta
        assert own.pk is not None
        _INSERTS[key] = (
            f'INSERT INTO "{own.db_table}" ({columns}) VALUES ({", ".join(["%s"] * len(told))})'  # noqa: S608 (own names)
            f'{" ON CONFLICT DO NOTHING" * unless_there} RETURNING "{own.pk.column}"'
        )
    backend = connections[DEFAULT_DB_ALIAS]
    values = [field.get_db_prep_save(field.pre_save(row, True), backend) for field in told]
    with bound() as cursor:
        cursor.execute(_INSERTS[key], _sized(values))
        made = cursor.fetchone()
    if made is None:
        return False
    (row.pk,) = made
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


def change(row: Model, *names: str) -> bool:
    """Writes these fields of a row that is there: what `save(update_fields=names)` does. Whether the row was there."""
    own = row._meta
    assert own.pk is not None
    fields = [cast("Field[Any, Any]", own.get_field(name)) for name in names]
    key = type(row), names
    if key not in _CHANGES:
        told = ", ".join(f'"{field.column}" = %s' for field in fields)
        _CHANGES[key] = f'UPDATE "{own.db_table}" SET {told} WHERE "{own.pk.column}" = %s'  # noqa: S608 (own names)
    backend = connections[DEFAULT_DB_ALIAS]
    values = [field.get_db_prep_save(field.pre_save(row, False), backend) for field in fields]
    with bound() as cursor:
        cursor.execute(_CHANGES[key], _sized([*values, row.pk]))
        return bool(cursor.rowcount)


def move(row: Model, seen: str, values: Mapping[str, object]) -> bool:
    """Writes these values into a row that is there, as long as its `status` is the one seen. Whether it was.

    What `filter(pk=row.pk, status=seen).update(**values)` does, for values that are no expressions.
    """
    own = row._meta
    assert own.pk is not None
    fields = [cast("Field[Any, Any]", own.get_field(name)) for name in values]
    key = type(row), tuple(values)
    if key not in _MOVES:
        told = ", ".join(f'"{field.column}" = %s' for field in fields)
        _MOVES[key] = f'UPDATE "{own.db_table}" SET {told} WHERE "{own.pk.column}" = %s AND status = %s'  # noqa: S608 (own names)
    backend = connections[DEFAULT_DB_ALIAS]
    plain = [value.pk if isinstance(value, Model) else value for value in values.values()]
    told_as = [field.get_db_prep_save(value, backend) for field, value in zip(fields, plain, strict=True)]
    with bound() as cursor:
        cursor.execute(_MOVES[key], _sized([*told_as, row.pk, seen]))
        return bool(cursor.rowcount)


def bound(using: str = DEFAULT_DB_ALIAS) -> Any:
    """A cursor for words that never change: the server binds, so that the database keeps the plan with the connection.

    Django's own bind in the client. A log of statements shows them with their values, so it gets one of those.
    """
    backend = connections[using]
    backend.close_if_health_check_failed()
    backend.ensure_connection()
    if backend.queries_logged:
        return backend.cursor()
    return backend.make_cursor(cast(Any, Cursor(backend.connection)))


def _held(value: object) -> object:
    """The value, for a column of numbers. An address may name one that none holds: Django then asks nothing either."""
    if type(value) is list:
        return [one for one in value if type(one) is not int or -LARGEST <= one <= LARGEST]
    if type(value) is int and not -LARGEST <= value <= LARGEST:
        raise EmptyResultSet
    return value


def _sized(values: Iterable[object]) -> list[object]:
    """Numbers of one width, however small they are: else the database plans anew for each."""
    return list(values) if connection.queries_logged else [_wide(value) for value in values]


def _wide(value: object) -> object:
    if type(value) is int:
        return Int8(value)
    return [_wide(one) for one in value] if type(value) is list else value


_INSERTS: dict[tuple[type[Model], tuple[str, ...], bool], str] = {}
_MOVES: dict[tuple[type[Model], tuple[str, ...]], str] = {}
_CHANGES: dict[tuple[type[Model], tuple[str, ...]], str] = {}
_ALL: dict[tuple[Prepared, tuple[Hashable, ...]], _Written] = {}


def _written(prepared: Prepared, shape: tuple[Hashable, ...]) -> _Written:
    if (prepared, shape) not in _ALL:
        _ALL[prepared, shape] = _Written(prepared.build(*shape))
    return _ALL[prepared, shape]


def _literal(value: object) -> str:
    return sql.Literal(value).as_string(connection.connection).replace("%", "%%")


def forget() -> None:
    """Every part is written anew: for a process in which the rules behind them have just changed."""
    _ALL.clear()


__all__ = ["Prepared", "Told", "among", "bound", "change", "forget", "insert", "move", "rows_of", "write"]
