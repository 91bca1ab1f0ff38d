"""Django's `migrate`, and after it the guards of the database."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from kangqiao.base import guards
from kangqiao.base.tables import Executor

migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]


class Command(migrate.Command):
    """Brings the tables up to date, then everything the database guards by itself."""

    def handle(self, *labels: Any, **options: Any) -> None:
        """As Django's; a plan or check that changes nothing puts up nothing either."""
        changes = not (options["plan"] or options["check_unapplied"])
        if changes and self._has_work(options):
            guards.make_way(options["database"])
        super().handle(*labels, **options)
        if changes and not options["app_label"]:
            guards.put_up(options["database"])

    def _has_work(self, options: dict[str, Any]) -> bool:
        """Whether a table may change: a migration is to be applied, or one module is moved to a named one."""
        executor = Executor(connections[options["database"]])
        return bool(options["app_label"] or executor.migration_plan(executor.loader.graph.leaf_nodes()))
