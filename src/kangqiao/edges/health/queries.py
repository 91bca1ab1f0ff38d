"""What `/healthz` reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from kangqiao import __version__

# The worker writes a heartbeat every ten seconds.
SILENT_AFTER_SECONDS = 30

_known_migrated = False


@dataclass(frozen=True)
class Health:
    """Each part is "ok" or says in a few words what is wrong."""

    database: str
    migrations: str
    worker: str
    version: str = __version__

    @property
    def well(self) -> bool:
        """True if every part is."""
        return self.database == self.migrations == self.worker == "ok"

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"status": "ok" if self.well else "failing", **asdict(self)}


def health_of_site() -> Health:
    """Ask the database, compare the migrations, look for the worker's heartbeat."""
    try:
        connection.ensure_connection()
        migrations = migrations_state()
        return Health("ok", migrations, worker_state() if migrations == "ok" else "unknown")
    except DatabaseError as error:
        # The class only: a message of the server may name hosts and users.
        return Health(f"unreachable ({type(error).__name__})", "unknown", "unknown")


def migrations_state() -> str:
    """Whether every migration of this code is applied; a yes holds as long as this process runs."""
    global _known_migrated
    if not _known_migrated:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            return f"{len(pending)} not applied"
        _known_migrated = True
    return "ok"


def worker_state() -> str:
    """Whether a worker gave a sign of life lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [SILENT_AFTER_SECONDS],
        )
        (count,) = cursor.fetchone()
    return "ok" if count else f"no sign of life for {SILENT_AFTER_SECONDS} s"
