"""What `/healthz` reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from kangqiao import __version__
from kangqiao.base import carriers

# The worker writes a heartbeat every ten seconds.
SILENT_AFTER_SECONDS = 30

# More than a slow answer of the database, less than anything a person would notice.
CLOCKS_APART_SECONDS = 60

_known_migrated = False


@dataclass(frozen=True)
class Health:
    """Each part is "ok" or says in a few words what is wrong."""

    database: str
    migrations: str
    worker: str
    clock: str
    # Who carries messages out of the product; no part that can be unwell.
    notices: str
    version: str = __version__

    @property
    def well(self) -> bool:
        """True if every part is."""
        return self.database == self.migrations == self.worker == self.clock == "ok"

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"status": "ok" if self.well else "failing", **asdict(self)}


def health_of_site() -> Health:
    """Ask the database, compare the migrations, look for the worker's heartbeat."""
    by_text, by_wechat = (carriers.name(one) or "none" for one in ("sms", "wechat"))
    notices = f"in the product, text messages: {by_text}, WeChat: {by_wechat}"
    try:
        connection.ensure_connection()
        migrations = migrations_state()
        worker = worker_state() if migrations == "ok" else "unknown"
        return Health("ok", migrations, worker, clock_state(timezone.now()), notices)
    except DatabaseError as error:
        # The class only: a message of the server may name hosts and users.
        return Health(f"unreachable ({type(error).__name__})", "unknown", "unknown", "unknown", notices)


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


def clock_state(now: datetime) -> str:
    """Whether our clock and the database's agree.

    Places and rights begin and end by our clock, the traces of triggers are dated by the database's: apart, a slot
    would be over before it began and a trace older than its cause. Such a site is not well and does not start.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        apart = abs((cursor.fetchone()[0] - now).total_seconds())
    return "ok" if apart <= CLOCKS_APART_SECONDS else f"{apart:.0f} s from the database's"


def worker_state() -> str:
    """Whether a worker gave a sign of life lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [SILENT_AFTER_SECONDS],
        )
        (count,) = cursor.fetchone()
    return "ok" if count else f"no sign of life for {SILENT_AFTER_SECONDS} s"
