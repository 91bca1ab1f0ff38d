"""Tables of a database that has none yet, laid in one go instead of in all the steps of the product's history."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython
from django.db.migrations.operations.fields import FieldOperation
from django.db.migrations.operations.models import IndexOperation, ModelOperation

OURS = "kangqiao."
# What changes tables, and what changes rows: an empty database has none of either. The rest, functions and extensions,
# is what the tables stand on.
OF_TABLES = (ModelOperation, FieldOperation, IndexOperation, RunPython)


class Executor(MigrationExecutor):
    """Django's own, which on an empty database makes our tables as the last migration leaves them.

    Step by step each of a hundred migrations draws every model anew that has to do with the changed one: fifteen
    seconds for tables nobody has used yet. What others bring is migrated step by step, and so is every database that
    has one of our tables. `tests/faults/test_migrations.py` holds both ways against each other, line by line.
    """

    def migrate(
        self, targets: Any, plan: Any = None, state: Any = None, fake: bool = False, fake_initial: bool = False
    ) -> Any:
        """Applies the plan; an empty database that is to get all there is gets our tables in one transaction."""
        applied = self.loader.applied_migrations
        ours = {config.label for config in apps.get_app_configs() if config.name.startswith(OURS)}
        is_whole = plan is not None and len(plan) + len(applied) == len(self.loader.graph.nodes)
        if fake or not is_whole or any(label in ours for label, _name in applied):
            return super().migrate(targets, plan, state, fake, fake_initial)
        super().migrate(targets, [step for step in plan if step[0].app_label not in ours], state)
        self._lay([migration for migration, _backwards in plan if migration.app_label in ours])
        return self.loader.project_state()

    def _lay(self, steps: list[Migration]) -> None:
        state = self.loader.project_state()
        labels = {step.app_label for step in steps}
        with transaction.atomic(using=self.connection.alias):
            with self.connection.schema_editor() as editor:
                for operation in (operation for step in steps for operation in step.operations):
                    if not isinstance(operation, OF_TABLES):
                        operation.database_forwards("", editor, state, state)
                for model in state.apps.get_models():
                    if model._meta.app_label in labels:
                        editor.create_model(model)
            for step in steps:
                self.recorder.record_applied(step.app_label, step.name)
