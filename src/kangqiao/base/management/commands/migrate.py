"""Django's `migrate`, and after it the guards of the database."""

from __future__ import annotations

from typing import Any

from django.core.management.commands.migrate import Command as Migrate

from kangqiao.base import guards


class Command(Migrate):
    """Brings the tables up to date, then everything the database guards by itself."""

    def handle(self, *labels: Any, **options: Any) -> None:
        """As Django's; a plan or check that changes nothing puts up nothing either."""
        super().handle(*labels, **options)
        if not (options["plan"] or options["check_unapplied"] or options["app_label"]):
            guards.put_up(options["database"])
