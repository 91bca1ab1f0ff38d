"""Which rows of a table a seat reaches, declared once on the model and enforced by PostgreSQL: the second lock.

The first lock are the scopes of Python. Each model says in `Privacy.rows` what the database lets through; the policy is
made from it after every migration, and `tests/rows` compares both. Functions that several policies share, and what a
higher module adds to a lower one's table, are named by the setting `ROWS`. Nothing set in the transaction: no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

SCOPE, ADDED = "kangqiao_rows", "kangqiao_rows_added"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table within reach: a condition in SQL over its columns, and why it is this one.

    Without a condition the table has no policy. `added` is what may be written where that is more than may be read.
    """

    why: str
    sees: str = ""
    added: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a module brings beside its own tables: functions, and conditions by which more of a lower table is seen."""

    functions: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)


def shared(why: str) -> Rows:
    """A table without policy: it names no person, or only in a way everybody may know."""
    return Rows(why)


def parents(kind: str, key: str) -> str:
    """A row of any kind named by its label and id is reached with that row; the mark stands until all models are known.

    Written out by `_written_out`: a `CASE` over the tables that have a policy, which PostgreSQL then asks in turn.
    """
    return f"{PARENTS}{kind},{key}"


PARENTS = "parents:"

# Tables of others, each with the reason why it has no policy.
EXEMPT = {
    "contenttypes.contenttype": "names of models",
    "auth.permission": "the framework's list of permissions, not used",
    "auth.group": "the framework's groups, not used",
    "auth.group_permissions": "the framework's groups, not used",
    "sessions.session": "found by the random key a browser holds, before anybody is known",
}
EXEMPT_APPS = {"procrastinate": "jobs by id; they run as the system, which asks for its rows again"}

# Of the transaction, as `base.acting` sets it. Each is asked once for a statement, not for a row: `(SELECT …)`.
ACTOR = "(SELECT kangqiao_actor())"
ME = "(SELECT kangqiao_me())"
HOUSE = "(SELECT kangqiao_house())"
ROLE = "(SELECT kangqiao_role())"
SEATED = f"{ME} IS NOT NULL"
OPEN = "(SELECT kangqiao_open())"
_SETTING = "coalesce(current_setting('kangqiao.{name}', true), '')"
_READS = """
CREATE OR REPLACE FUNCTION kangqiao_{name}() RETURNS {type} LANGUAGE sql STABLE PARALLEL SAFE AS $body$ {body} $body$"""


def _reads(name: str, kind: str, body: str) -> str:
    return _READS.format(name=name, type=kind, body=f"SELECT {body}")


def _setting(name: str) -> str:
    return _SETTING.format(name=name)


BASICS = (
    _reads("actor", "text", _setting("actor")),
    _reads("role", "text", _setting("role")),
    _reads("request", "text", _setting("request")),
    _reads("me", "bigint", f"nullif({_setting('user')}, '')::bigint"),
    _reads("house", "bigint", f"nullif({_setting('organization')}, '')::bigint"),
    _reads("place", "bigint", f"nullif({_setting('place')}, '')::bigint"),
    # A job of the system, and a step that looks beyond the scope of the one who acts.
    _reads("open", "boolean", f"{_setting('actor')} LIKE 'system:%' OR {_setting('reach')} <> ''"),
    # The database's clock, as of the beginning of the transaction: what ends in it is seen by it to its end.
    _reads("moment", "timestamptz", "now()"),
)


def row_policies() -> Iterator[str]:
    """Functions first, then the policies of every table that has any; a table that needs none any more loses it."""
    yield from BASICS
    found = contributions()
    for one in found:
        yield from one.functions
    for model in apps.get_models(include_auto_created=True):
        rows, label = declared(model), _label(model)
        if rows is not None and not model._meta.proxy:
            yield from _policies(model, rows, [one.also[label] for one in found if label in one.also])


def policies_away() -> str:
    """Takes every policy of ours off, so that a migration can change the columns they read; then nobody sees a row."""
    return """
    DO $body$ DECLARE one record; BEGIN
      FOR one IN SELECT tablename, policyname FROM pg_policies
                  WHERE schemaname = 'public' AND starts_with(policyname, 'kangqiao_rows')
      LOOP EXECUTE format('DROP POLICY %I ON %I', one.policyname, one.tablename); END LOOP;
    END $body$"""


def contributions() -> list[Contribution]:
    """What the modules named in the settings bring."""
    return [import_string(path) for path in settings.ROWS]


def declared(model: type[models.Model]) -> Rows | None:
    """What a model says of its rows itself; None where it says nothing."""
    found = getattr(model.__dict__.get("Privacy"), "rows", None)
    return found if isinstance(found, Rows) else None


def is_exempt(model: type[models.Model]) -> bool:
    """Whether the table is not ours and has its reason."""
    return model._meta.app_label in EXEMPT_APPS or _label(model) in EXEMPT


def undeclared() -> list[str]:
    """The models that neither say which rows are seen nor are exempt."""
    found = apps.get_models(include_auto_created=True)
    return sorted(_label(one) for one in found if not one._meta.proxy and declared(one) is None and not is_exempt(one))


def protected() -> list[type[models.Model]]:
    """The models whose tables have a policy."""
    return [one for one in apps.get_models() if (rows := declared(one)) is not None and rows.sees]


def _policies(model: type[models.Model], rows: Rows, also: list[str]) -> Iterator[str]:
    table = model._meta.db_table
    for name in (SCOPE, ADDED):
        yield f'DROP POLICY IF EXISTS {name} ON "{table}"'
    if not rows.sees:
        yield f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY'
        return
    condition = " OR ".join((OPEN, *(f"({_written_out(one)})" for one in (rows.sees, *also))))
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield f'CREATE POLICY {SCOPE} ON "{table}" USING ({condition})'
    if rows.added:
        yield f'CREATE POLICY {ADDED} ON "{table}" FOR INSERT WITH CHECK ({rows.added})'


def _written_out(condition: str) -> str:
    if not condition.startswith(PARENTS):
        return condition
    kind, key = condition.removeprefix(PARENTS).split(",")
    cases = [
        f"WHEN '{_label(one)}' THEN EXISTS (SELECT FROM \"{one._meta.db_table}\" parent WHERE parent.id = {key})"
        for one in protected()
        if any(field.name == "status" for field in one._meta.local_fields)
    ]
    return f"CASE {kind} {' '.join(cases)} ELSE {SEATED} END"


def _label(model: type[models.Model]) -> str:
    return model._meta.label_lower
