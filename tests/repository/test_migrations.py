"""Migrations tell one story: none is missing, and no two follow the same one. No database is asked."""

from __future__ import annotations

from collections import Counter

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils import translation


def test_migrations_fit_the_models() -> None:
    loader = MigrationLoader(None)

    with translation.override(None):  # as `makemigrations` does: names of fields are compared untranslated
        detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
        missing = detector.changes(graph=loader.graph)

    assert {app: [step.describe() for one in made for step in one.operations] for app, made in missing.items()} == {}


def test_migrations_are_linear() -> None:
    loader = MigrationLoader(None)

    parents = Counter(
        (parent, app)
        for (app, _), migration in loader.disk_migrations.items()
        for parent in {tuple(parent) for parent in migration.dependencies}
        if parent[0] == app
    )

    assert [parent for (parent, _), children in parents.items() if children > 1] == []
    assert loader.detect_conflicts() == {}
