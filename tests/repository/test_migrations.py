"""Migrations tell one story: none is missing, and no two follow the same one."""

from __future__ import annotations

from collections import Counter

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_migrations_fit_the_models() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


@pytest.mark.django_db
def test_migrations_are_linear() -> None:
    loader = MigrationLoader(connection)

    parents = Counter(
        (parent, app)
        for (app, _), migration in loader.disk_migrations.items()
        for parent in {tuple(parent) for parent in migration.dependencies}
        if parent[0] == app
    )

    assert [parent for (parent, _), children in parents.items() if children > 1] == []
    assert loader.detect_conflicts() == {}
