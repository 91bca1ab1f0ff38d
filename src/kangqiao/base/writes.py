"""The trace of every write, made by the database itself: raw SQL, bulk updates and COPY leave it too.

A trigger sees statements, not the ORM. It writes which row, which columns and who; never a value, because a value is a
note, an identifier or a secret sooner or later. A digest of the row would be no better: a diagnosis code is found
again by trying them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

# A statement that touches more rows than this leaves one event for all of them: how many, from which id to which, and
# a digest of the ids. A register of a city would otherwise write as much audit as data.
ROWS_ONE_BY_ONE = 200

# Tables without triggers, each with the reason. Every other table is guarded, whoever it belongs to.
EXEMPT = {
    "base.auditevent": "the audit itself, append-only",
    "base.auditlink": "the chain of the audit, append-only",
    "base.audithead": "signed heads of the chain, append-only",
    "base.statuschange": "the history of statuses, append-only; the row whose status moved is guarded",
    "base.idempotencykey": "kept answers of forms for two days; what the form did is guarded where it was done",
    "base.draft": "sealed words not sent yet, gone in three days; what is sent is guarded where it is done",
    "scheduling.slot": "times and a counter of places; the bookings that move it are guarded",
    "contenttypes.contenttype": "names of models, written by migrations",
    "auth.permission": "the framework's list of permissions, written by migrations and not used",
    "sessions.session": "the key of a browser's session, gone with it; signing in and out are actions",
}
EXEMPT_APPS = {
    "procrastinate": "the queue of jobs by id; what a job does is guarded where it is done",
}
# Tables whose rows are written once: no update, no delete, no truncate, not even by their owner.
APPEND_ONLY = ("base.auditevent", "base.auditlink", "base.audithead", "base.statuschange")


# What every event of a trigger says; the settings are those of `base.acting`. Who set none is named by the role that
# signed in to the database.
EVENT = """INSERT INTO base_auditevent (kind, outcome, at, by_id, by_name, organization_id, request, basis, policy_ref,
                             action, subject_type, subject_id, resident_id, detail)
      SELECT 'write', 'success', clock_timestamp(),
             coalesce(nullif(current_setting('kangqiao.actor', true), ''), 'db:' || session_user), '',
             nullif(current_setting('kangqiao.organization', true), '')::bigint,
             coalesce(current_setting('kangqiao.request', true), ''), '', '', '{verb}', TG_ARGV[0], {rest}"""
TOGETHER = """jsonb_build_object('rows', count(*), 'first', min(w.id), 'last', max(w.id), 'ids_sha256',
             encode(sha256(convert_to(string_agg(w.id::text, ',' ORDER BY w.id), 'UTF8')), 'hex'))"""
# The resident is read from the row as JSON: one function serves every table, whatever its columns are at the moment.
RESIDENT = "CASE WHEN TG_ARGV[1] <> '' THEN ({row} ->> TG_ARGV[1])::bigint END"
FUNCTION = """
    CREATE OR REPLACE FUNCTION kangqiao_audit_{verb}_{key}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    DECLARE
      seen bigint;
      changes text;
      changed jsonb;
    BEGIN
      {body}
      RETURN NULL;
    END $body$"""
# Rows that came or went.
CAME = """
      SELECT count(*) INTO seen FROM {rows};
      IF seen BETWEEN 1 AND {limit} THEN
        {one} FROM {rows} r ORDER BY r."{key}";
      ELSIF seen > {limit} THEN
        {together} FROM (SELECT "{key}" AS id FROM {rows}) w;
      END IF;"""
# Rows that changed: which columns, and nothing at all where a statement wrote what was there. Many rows are compared by
# a statement over the table's columns of this moment, because rows as JSON cost ten times as much.
CHANGED = """
      SELECT count(*) INTO seen FROM fresh;
      IF seen BETWEEN 1 AND {limit} THEN
        {one}
          FROM fresh f LEFT JOIN stale s ON s."{key}" = f."{key}",
               LATERAL (SELECT to_jsonb(f) AS new, to_jsonb(s) AS old OFFSET 0) j,
               LATERAL (SELECT jsonb_agg(n.key ORDER BY n.key) AS columns FROM jsonb_each(j.new) n
                         WHERE n.value IS DISTINCT FROM j.old -> n.key) c
         WHERE c.columns IS NOT NULL ORDER BY f."{key}";
      ELSIF seen > {limit} THEN
        SELECT string_agg(format('CASE WHEN bool_or(f.%1$I::text IS DISTINCT FROM s.%1$I::text) THEN %1$L END',
                                 attname), ', ' ORDER BY attname)
          INTO changes FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped;
        EXECUTE format('SELECT to_jsonb(array_remove(ARRAY[%s], NULL))'
                       ' FROM fresh f LEFT JOIN stale s ON s."{key}" = f."{key}"', changes) INTO changed;
        IF changed <> '[]' THEN
          {together} || jsonb_build_object('columns', changed) FROM (SELECT "{key}" AS id FROM fresh) w;
        END IF;
      END IF;"""

# The rows a trigger of each verb sees; PostgreSQL wants one trigger for each.
SEEN = {
    "insert": "REFERENCING NEW TABLE AS fresh",
    "update": "REFERENCING OLD TABLE AS stale NEW TABLE AS fresh",
    "delete": "REFERENCING OLD TABLE AS stale",
    "truncate": "",
}


def guarded() -> list[type[models.Model]]:
    """Every model whose table carries the triggers: all that are not exempt."""
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy and model._meta.app_label not in EXEMPT_APPS and model._meta.label_lower not in EXEMPT
    ]


def audit_writes() -> Iterator[str]:
    """The triggers of every guarded table, and the few functions behind them."""
    wanted = guarded()
    for key in sorted({_key(model) for model in wanted}):
        yield from _functions(key)
    for model in wanted:
        yield from _triggers(model)


def append_only() -> Iterator[str]:
    """Refuses a change of what is written once, to the owner of the table as to everybody."""
    yield """
    CREATE OR REPLACE FUNCTION kangqiao_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
      RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $body$"""
    for label in APPEND_ONLY:
        table = apps.get_model(label)._meta.db_table
        yield (
            f'CREATE OR REPLACE TRIGGER kangqiao_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON "{table}"'
            " FOR EACH STATEMENT EXECUTE FUNCTION kangqiao_audit_refuse()"
        )


def _functions(key: str) -> Iterator[str]:
    """One function for each verb; tables whose key has the same name share them."""
    for verb, rows in (("insert", "fresh"), ("delete", "stale")):
        rest = f"""r."{key}", {RESIDENT.format(row="to_jsonb(r)")}, '{{}}'::jsonb"""
        yield _function(verb, key, CAME, rest, rows=rows)
    rest = f"""f."{key}", {RESIDENT.format(row="j.new")}, jsonb_build_object('columns', c.columns)"""
    yield _function("update", key, CHANGED, rest)
    yield FUNCTION.format(verb="truncate", key=key, body=EVENT.format(verb="truncate", rest="NULL, NULL, '{}';"))


def _function(verb: str, key: str, body: str, rest: str, **names: str) -> str:
    one = EVENT.format(verb=verb, rest=rest)
    together = EVENT.format(verb=verb, rest=f"NULL, NULL, {TOGETHER}")
    body = body.format(key=key, limit=ROWS_ONE_BY_ONE, one=one, together=together, **names)
    return FUNCTION.format(verb=verb, key=key, body=body)


def _triggers(model: type[models.Model]) -> Iterator[str]:
    table, key = model._meta.db_table, _key(model)
    arguments = f"'{model._meta.label_lower}', '{_resident(model)}'"
    for verb, seen in SEEN.items():
        yield (
            f'CREATE OR REPLACE TRIGGER kangqiao_audit_{verb} AFTER {verb.upper()} ON "{table}" {seen}'
            f" FOR EACH STATEMENT EXECUTE FUNCTION kangqiao_audit_{verb}_{key}({arguments})"
        )


def _key(model: type[models.Model]) -> str:
    return str(model._meta.pk.column)


def _resident(model: type[models.Model]) -> str:
    """The column that names the resident a row is about; nothing where there is none."""
    if model._meta.label_lower == "residents.resident":
        return _key(model)
    named = {field.name: str(field.column) for field in model._meta.concrete_fields}
    return named.get("resident", "")
