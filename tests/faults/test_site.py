"""A whole site: start, restart, kill, refuse. Each test uses the command as a person would."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from kangqiao.base.server.folder import DataFolder

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def data() -> Iterator[pathlib.Path]:
    """One data folder for the module, with its tables made once."""
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        yield pathlib.Path(name) / "data"


def kangqiao(*arguments: str | pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    facts = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "KANGQIAO_DATA", "KANGQIAO_SECRET_KEY")}
    command = [sys.executable, "-m", "kangqiao", *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, env=facts | environment, timeout=120)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(data: pathlib.Path) -> Iterator[int]:
    """A detached site without demonstration; stopped at the end."""
    port = free_port()
    done = kangqiao("up", "--detach", "--port", str(port), "--data", data, "--demo", "none")
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        yield port
    finally:
        stopped = kangqiao("down", "--data", data)
    assert stopped.returncode == 0, stopped.stderr


def health(port: int) -> dict[str, Any]:
    """What the site says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return dict(json.load(answer))


def wait_healthy(port: int, seconds: float = 30) -> bool:
    """True once the site is well again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if health(port)["status"] == "ok":
                return True
        time.sleep(0.1)
    return False


def children_of(pid: int) -> list[int]:
    """The processes a process started."""
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    """A process's command line; nothing if it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def child_named(supervisor: int, word: str) -> int:
    """The child whose command holds a word."""
    return next(child for child in children_of(supervisor) if word in command_of(child))


def all_below(pid: int) -> list[int]:
    """Children, their children, and so on."""
    return [p for child in children_of(pid) for p in (child, *all_below(child))]


def test_start_second_start_and_stop(data: pathlib.Path) -> None:
    with running(data) as port:
        assert health(port) == {
            "status": "ok", "database": "ok", "migrations": "ok", "worker": "ok", "clock": "ok",
            "notices": "in the product, text messages: none, WeChat: none", "version": health(port)["version"],
        }  # fmt: skip
        supervisor = DataFolder(data).holder()["pid"]
        everything = all_below(supervisor)

        second = kangqiao("up", "--port", str(free_port()), "--data", data, "--demo", "none")

        assert second.returncode == 1
        assert f"in use by another Kangqiao (process {supervisor}" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        assert health(port)["status"] == "ok"
    assert len(everything) > 4
    assert [pid for pid in everything if str(data) in command_of(pid) or "granian" in command_of(pid)] == []
    assert "No Kangqiao runs" in kangqiao("down", "--data", data).stdout


def test_restart_skips_what_is_done_and_keeps_the_data(data: pathlib.Path) -> None:
    with running(data), psycopg.connect(site_url(data), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n")
    with running(data):
        log = DataFolder(data).log("kangqiao").read_text()
        with psycopg.connect(site_url(data)) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert "tables: up to date" in log.rpartition("database:")[2]


def test_port_taken_names_the_next_free_one(data: pathlib.Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = kangqiao("up", "--port", str(port), "--data", data, "--demo", "none")

    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert "is free: make up PORT=" in done.stderr
    assert DataFolder(data).holder() == {}


def test_killed_supervisor_leaves_nothing_running_and_the_next_start_works(data: pathlib.Path) -> None:
    with running(data):
        supervisor = DataFolder(data).holder()["pid"]
        everything = all_below(supervisor)
        os.kill(supervisor, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and any(map(command_of, everything)):
            time.sleep(0.1)
        assert [command_of(pid) for pid in everything if command_of(pid)] == []

        with running(data) as port:
            assert health(port)["status"] == "ok"


@pytest.mark.parametrize("word", ["granian", "procrastinate", "postgres"])
def test_killed_child_comes_back(data: pathlib.Path, word: str) -> None:
    with running(data) as port:
        supervisor = DataFolder(data).holder()["pid"]
        victim = child_named(supervisor, word)
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not any(
            word in command_of(child) and child != victim for child in children_of(supervisor)
        ):
            time.sleep(0.1)

        assert wait_healthy(port)
        assert child_named(supervisor, word) != victim
        assert "ended unexpectedly; starting it again" in DataFolder(data).log("kangqiao").read_text()


def test_interrupt_stops_everything_and_is_no_error(data: pathlib.Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "KANGQIAO_SECRET_KEY")}
    command = [
        sys.executable,
        "-m",
        "kangqiao",
        "up",
        "--port",
        str(free_port()),
        "--data",
        str(data),
        "--demo",
        "none",
    ]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as site:
        assert site.stdout is not None
        lines = []
        while "ready at" not in (lines or [""])[-1]:
            lines.append(site.stdout.readline())
        everything = all_below(site.pid)
        site.send_signal(signal.SIGINT)
        rest, errors = site.communicate(timeout=60)

    assert site.returncode == 0
    assert rest.split() == ["·", "stopping", "·", "stopped"]
    assert errors == ""
    assert [command_of(pid) for pid in everything if command_of(pid)] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root@localhost/kangqiao", "not a PostgreSQL address"),
        ("postgresql://u@localhost/db?nonsense=1", "cannot be read"),
        ("postgresql://u:secret@127.0.0.1:1/db", "nothing listens"),
        ("postgresql://u@/db?host=/nowhere", "no server socket"),
    ],
)
def test_wrong_database_url_is_one_sentence(tmp_path: pathlib.Path, url: str, said: str) -> None:
    done = kangqiao("up", "--port", str(free_port()), "--data", tmp_path / "d", "--demo", "none", DATABASE_URL=url)

    assert done.returncode == 1
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "d" / "postgres").exists()


def test_own_server_is_used_and_unknown_database_named(tmp_path: pathlib.Path) -> None:
    own = os.environ["DATABASE_URL"]
    unknown = own.replace("/kangqiao?", "/nobody_made_this?")

    done = kangqiao("up", "--port", str(free_port()), "--data", tmp_path, "--demo", "none", DATABASE_URL=unknown)

    assert done.returncode == 1
    assert "does not exist" in done.stderr


def test_pages_and_jobs_connect_as_the_role_that_owns_nothing(data: pathlib.Path) -> None:
    with running(data), psycopg.connect(site_url(data), autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.5)")
        roles = {
            role
            for (role,) in connection.execute(
                "SELECT usename FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        }
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, (SELECT count(*) FROM pg_class WHERE relowner ="
            " r.oid), has_table_privilege(r.oid, 'base_auditevent', 'UPDATE'), has_schema_privilege(r.oid, 'public',"
            " 'CREATE'), has_table_privilege(r.oid, 'kangqiao_setup', 'SELECT'), has_table_privilege(r.oid,"
            " 'residents_resident', 'SELECT') FROM pg_roles r WHERE rolname = 'kangqiao_app'"
        ).fetchone()

    assert roles == {"kangqiao_app"}
    assert row == (False, False, False, False, 0, False, False, False, True)


def test_health_says_what_is_wrong_without_a_worker(data: pathlib.Path) -> None:
    with running(data) as port:
        worker = child_named(DataFolder(data).holder()["pid"], "procrastinate")
        os.kill(worker, signal.SIGSTOP)
        with psycopg.connect(site_url(data), autocommit=True) as connection:
            connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        with pytest.raises(urllib.error.HTTPError) as caught:
            health(port)
        os.kill(worker, signal.SIGCONT)

    with caught.value as answer:
        assert answer.code == 503
        assert "no sign of life" in json.load(answer)["worker"]


def test_backup_restores_into_an_empty_folder_and_never_overwrites_unasked(
    data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    file, other = tmp_path / "site.backup", tmp_path / "other"
    with running(data):
        with psycopg.connect(site_url(data), autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n")
        assert kangqiao("backup", file, "--data", data).returncode == 0
        assert "Stop it first" in kangqiao("restore", file, "--data", data, "--force").stderr

    assert kangqiao("restore", file, "--data", other).returncode == 0
    refused = kangqiao("restore", file, "--data", other)
    forced = kangqiao("restore", file, "--data", other, "--force")

    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert forced.returncode == 0
    assert "former content is kept as the database kangqiao_before_" in forced.stdout
    with running(other), psycopg.connect(site_url(other)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_damaged_backup_touches_nothing(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "site.backup"
    assert kangqiao("backup", file, "--data", data).returncode == 0
    file.write_bytes(file.read_bytes()[:-3000])

    done = kangqiao("restore", file, "--data", tmp_path / "new", "--force")

    assert done.returncode == 1
    assert "no readable backup" in done.stderr
    assert not (tmp_path / "new").exists()


def site_url(data: pathlib.Path) -> str:
    """The database of a running site."""
    return f"postgresql://kangqiao@/kangqiao?host={DataFolder(data).socket_folder()}"
