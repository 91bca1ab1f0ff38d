"""A site of its own: started by the command, asked over HTTP, looked at in its database, killed by process id."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg

from kangqiao.base.server.folder import DataFolder

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "t" * 32
NOT_INHERITED = ("DATABASE_URL", "KANGQIAO_DATA", "KANGQIAO_SECRET_KEY")


def kangqiao(*arguments: str | pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    facts = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    facts["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    command = [sys.executable, "-m", "kangqiao", *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, env=facts | environment, timeout=180)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(pid: int) -> list[int]:
    """The processes a process started."""
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    """A process's command line; nothing if it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@dataclass(frozen=True)
class Answer:
    """What a client was told; status 0 where it was told nothing."""

    status: int
    location: str = ""
    is_replay: bool = False
    body: str = ""
    statements: int = 0
    commits: int = 0


@dataclass
class LiveSite:
    """One data folder with the people of `seed`, and the address while it runs."""

    data: pathlib.Path
    cookies: list[str]
    slots: list[int]
    session: int
    city: int
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """The database, as the owner of its tables."""
        return f"postgresql://kangqiao@/kangqiao?host={DataFolder(self.data).socket_folder()}"

    @contextlib.contextmanager
    def running(self, **environment: str) -> Iterator[LiveSite]:
        """Started by `kangqiao up`, stopped by `kangqiao down`."""
        words = ("up", "--detach", "--port", str(self.port), "--data", str(self.data), "--demo", "none")
        done = kangqiao(*words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        try:
            yield self
        finally:
            stopped = kangqiao("down", "--data", self.data)
        assert stopped.returncode == 0, stopped.stderr

    def child(self, word: str) -> int:
        """The supervisor's child whose command holds a word: granian, procrastinate or postgres."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            supervisor = DataFolder(self.data).holder()["pid"]
            found = [child for child in children_of(supervisor) if word in command_of(child)]
            if found:
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no child {word}")

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the site's database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT set_config('kangqiao.actor', 'system:test', false)")
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: object) -> Any:
        """The single value a query answers."""
        return self.ask(query, *values)[0][0]

    def get(self, path: str, person: int | None = None, seconds: float = 30) -> Answer:
        """Open a page."""
        return self.send("GET", path, "", person, {}, seconds)

    def post(self, path: str, person: int, key: str, seconds: float = 60, body: str = "", **headers: str) -> Answer:
        """Send a form with its one-time key, as a browser does."""
        more = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": TOKEN}
        more |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, f"idempotency_key={key}{body and '&' + body}", person, more, seconds)

    def send(
        self, method: str, path: str, body: str, person: int | None, headers: dict[str, str], seconds: float
    ) -> Answer:
        """One call on a connection of its own."""
        cookie = f"{self.cookies[person]}; csrftoken={TOKEN}" if person is not None else ""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, body or None, headers | {"Cookie": cookie})
            answer = connection.getresponse()
            return Answer(
                answer.status,
                answer.headers.get("Location", ""),
                answer.headers.get("Idempotent-Replay") == "true",
                answer.read().decode(errors="replace"),
                int(answer.headers.get("X-Statements", 0)),
                int(answer.headers.get("X-Commits", 0)),
            )
        except (OSError, http.client.HTTPException):
            return Answer(0)
        finally:
            connection.close()

    def is_well(self) -> bool:
        """Whether the site says that database, tables and worker are well."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return json.load(answer)["status"] == "ok"
        except (OSError, ValueError, urllib.error.HTTPError):
            return False

    def wait_well(self, seconds: float = 30) -> float:
        """Until it is well again; how long that took."""
        began = time.monotonic()
        while not self.is_well():
            assert time.monotonic() - began < seconds, "the site did not come back"
            time.sleep(0.05)
        return time.monotonic() - began


def make(place: pathlib.Path) -> LiveSite:
    """A new site with the people of `seed`, stopped again: the model every test copies."""
    site = LiveSite(place, [], [], 0, 0)
    with site.running():
        facts = os.environ | {
            "DATABASE_URL": site.url,
            "DJANGO_SETTINGS_MODULE": "kangqiao.config.settings",
            "KANGQIAO_DATA": str(place),
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        }
        facts.pop("KANGQIAO_SECRET_KEY", None)
        words = [sys.executable, "-m", "tests.faults.seed"]
        done = subprocess.run(words, text=True, capture_output=True, env=facts, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
    return LiveSite(place, told["cookies"], told["slots"], told["session"], told["city"])


def copy_of(model: LiveSite, place: pathlib.Path) -> LiveSite:
    """The same site in another folder."""
    shutil.copytree(model.data, place, symlinks=True)
    return LiveSite(place, model.cookies, model.slots, model.session, model.city)


def at_once(jobs: list[Any], threads: int, work: Any) -> list[Any]:
    """Every job, as many at a time as there are threads, answers in order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, jobs))
