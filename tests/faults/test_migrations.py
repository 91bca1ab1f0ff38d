"""Every migration forward, back and forward again: the schema is the same, and so are the rows."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from kangqiao.base.server.archive import run
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.postgres import SUPERUSER, EmbeddedPostgres
from tests.faults.live import ROOT, LiveSite

OURS = "kangqiao"


@pytest.fixture
def server(site: LiveSite) -> Iterator[EmbeddedPostgres]:
    """The database of a site with people in it, without the site."""
    with EmbeddedPostgres(DataFolder(site.data)) as running:
        yield running


def modules() -> list[str]:
    """Our own apps, those that stand highest first; the common tables last, since the traces of all lie there."""
    labels = [
        config.label for config in apps.get_app_configs() if config.name.startswith(OURS) and config.models_module
    ]
    return [label for label in reversed(labels) if label != "base"] + ["base"]


def migrate(url: str, *words: str) -> None:
    """Runs the product's own command, as `kangqiao up` does."""
    facts = os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(ROOT / "src")}
    line = [sys.executable, "-c", MANY, *words]
    done = subprocess.run(line, text=True, capture_output=True, env=facts, cwd=ROOT)
    assert done.returncode == 0, (words, done.stderr[-3000:])


# Several moves in one process: loading the product costs more than most of them. `app:name` moves one app, `all` all;
# after `steps` an empty database gets every migration one by one, too, which it usually does not (`base/tables.py`).
MANY = """
import sys, django
django.setup()
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db.migrations.executor import MigrationExecutor
from kangqiao.base.management.commands.migrate import Command  # puts its own executor in
for word in sys.argv[1:]:
    if word == "steps":
        migrate.MigrationExecutor = MigrationExecutor
        continue
    target = [] if word == "all" else word.split(":")
    call_command("migrate", *target, no_input=True, verbosity=0)
"""


def schema(url: str) -> list[str]:
    """The schema as pg_dump writes it, without the random words of that one dump."""
    text = run("pg_dump", "--schema-only", "--no-owner", f"--dbname={url}")
    return [line for line in text.splitlines() if line and not line.startswith(("\\restrict", "\\unrestrict", "--"))]


def rows(url: str) -> dict[str, int]:
    """Rows of each table of ours that hold what people did; traces and bookkeeping grow by the moves themselves."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT set_config('kangqiao.actor', 'system:test', false)")
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        count = "SELECT count(*) FROM {}"
        passing = ("django_", "auth_", "procrastinate", "base_audit", "kangqiao_setup")
        return {
            name: connection.execute(sql.SQL(count).format(sql.Identifier(name))).fetchone()[0]  # type: ignore[index]
            for (name,) in found
            if not name.startswith(passing)
        }


def differences(one: list[str], other: list[str]) -> list[str]:
    return list(difflib.unified_diff(one, other, lineterm="", n=1))[:60]


@pytest.mark.trust("T-MIG")
def test_forward_back_forward_leaves_schema_and_rows(server: EmbeddedPostgres, measured: Callable[[str], None]) -> None:
    """On a database with people: back to the first migration of each module, and forward again."""
    url = server.url()
    later = later_migrations()
    before, held = schema(url), rows(url)

    migrate(url, *(f"{label}:0001" for label in modules() if later.get(label)))
    back = schema(url)
    migrate(url, "all")

    after, kept = schema(url), rows(url)
    made_later = {name for name in held if f"CREATE TABLE public.{name} (" not in back}
    assert differences(before, after) == []
    assert {name: count for name, count in kept.items() if name not in made_later} == {
        name: count for name, count in held.items() if name not in made_later
    }
    assert back != before
    assert sum(held.values()) > 1000
    moved = sum(len(names) for names in later.values())
    measured(f"{moved} later migrations with {len(held) - len(made_later)} tables, {sum(held.values())} rows: same")


@pytest.mark.trust("T-MIG")
def test_from_nothing_to_nothing_and_back(server: EmbeddedPostgres, measured: Callable[[str], None]) -> None:
    """On an empty database: all tables at once, back before the first of each module, and all step by step."""
    with psycopg.connect(server.url(role=SUPERUSER, database="postgres"), autocommit=True) as manager:
        manager.execute("CREATE DATABASE empty OWNER kangqiao TEMPLATE template0")
    url = server.url(database="empty")

    migrate(url, "all")
    before, held = schema(url), rows(url)
    migrate(url, *(f"{label}:zero" for label in modules()))
    nothing = [line for line in schema(url) if line.startswith("CREATE TABLE public.") and is_ours(line)]
    migrate(url, "steps", "all")

    assert nothing == []
    assert differences(before, schema(url)) == []
    assert rows(url) == held  # a migration that brings rows of its own would be missed by tables laid at once
    count = sum(len(names) for names in all_migrations().values())
    measured(f"{count} migrations at once, back, step by step: {len(before)} lines of schema the same")


def test_no_migration_is_a_one_way_street() -> None:
    loader = MigrationLoader(None)
    stuck = [
        f"{label}.{name}: {operation}"
        for (label, name), migration in loader.disk_migrations.items()
        if label in modules()
        for operation in migration.operations
        if not operation.reversible
    ]

    assert stuck == []


def all_migrations() -> dict[str, list[str]]:
    """The migrations of each module of ours."""
    names = MigrationLoader(None).disk_migrations
    return {label: sorted(name for app, name in names if app == label) for label in modules()}


def later_migrations() -> dict[str, list[str]]:
    """Those after the first."""
    return {label: names[1:] for label, names in all_migrations().items()}


def is_ours(line: str) -> bool:
    """Whether a table belongs to a module of ours."""
    return line.removeprefix("CREATE TABLE public.").split("_")[0] in modules()
