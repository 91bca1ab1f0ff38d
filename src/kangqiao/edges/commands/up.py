"""`kangqiao up` and `kangqiao down`: the whole site under one supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import click

from kangqiao.base.server import address, application, assets, door, setup_stamps
from kangqiao.base.server.postgres import EmbeddedPostgres
from kangqiao.base.server.problems import ServerProblem
from kangqiao.base.server.site import DEFAULT_FOLDER, Site, require_port
from kangqiao.base.server.supervisor import Child, Stopped, Watched, stop_on_signals, watch

DEMOS = ("zhuhai", "all", "none")
HEALTHY_SECONDS = 60
DOWN_SECONDS = 90


def say(text: str) -> None:
    """One line of progress."""
    click.echo(f"· {text}")


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port of the web server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address it listens on.")
@click.option("--data", default=DEFAULT_FOLDER, show_default=True, help="The data folder; made if missing.")
@click.option("--demo", type=click.Choice(DEMOS), default="zhuhai", show_default=True, help="Demonstration region.")
@click.option("--detach", is_flag=True, help="Return once the site answers; stop it with `kangqiao down`.")
def up(port: int, host: str, data: str, demo: str, detach: bool) -> None:
    """Start the site and keep it running until Ctrl-C."""
    site = Site.at(data)
    if detach:
        start_detached(site, ["--port", str(port), "--host", host, "--data", data, "--demo", demo])
        return
    stop_on_signals()
    start = Start(site, host, port, demo)
    try:
        start.everything()
        watch(start.watched, say)
    except Stopped:
        say("stopping")
    finally:
        start.stop()
    say("stopped")


@dataclass
class Start:
    """One start of a site, step by step; `stop` undoes it from wherever it got."""

    site: Site
    host: str
    port: int
    demo: str
    began: float = field(default_factory=time.monotonic)
    server: EmbeddedPostgres | None = None
    loader: Step | None = None
    door: door.Door | None = None
    children: list[Child] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the site answers."""
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}/"  # noqa: S104 compared only

    def everything(self) -> None:
        """Every step, with a line for each; ServerProblem with a sentence where one cannot be done."""
        self.site.folder.lock()
        require_port(self.host, self.port)
        if root := assets.root_of_checkout():
            assets.build(root, say=say)
        self.prepare()
        url = self.open_database()
        served = self.site.application_url(url)
        environment = self.site.environment(url, demo=self.demo)
        self.start_children(self.site.environment(served, demo=self.demo))
        self.set_up(url, environment)
        application.grant(url, served)
        self.let_in()
        self.wait_healthy()
        self.site.folder.tell(pid=os.getpid(), address=self.address, ready=True)
        click.echo(f"Kangqiao is ready at {self.address} ({time.monotonic() - self.began:.1f} s). Ctrl-C stops it.")

    def prepare(self) -> None:
        """Where the database is still to be made, whoever will fill it loads the product meanwhile."""
        if not self.site.own_url and not EmbeddedPostgres(self.site.folder).is_made():
            environment = self.site.environment(EmbeddedPostgres(self.site.folder).url(), demo=self.demo)
            self.loader = Step(["demo", "load", self.demo, "--migrate", "--when-told"], environment)

    def open_database(self) -> str:
        """The user's own server, or the embedded one started."""
        if self.site.own_url:
            version = address.check(self.site.own_url)
            say(f"database: PostgreSQL {version} of DATABASE_URL ({address.without_password(self.site.own_url)})")
            return self.site.own_url
        began = time.monotonic()
        server = self.server = EmbeddedPostgres(self.site.folder)
        url = server.start()
        how = {"plain": "", "namespace": ", root in a user namespace", "account": ", as an unprivileged account"}
        say(f"database: embedded PostgreSQL{how[server.way or 'plain']} ({time.monotonic() - began:.1f} s)")
        self.watched.append(Watched("database", server.is_running, server.start, server.last_words))
        return url

    def set_up(self, url: str, environment: Mapping[str, str]) -> None:
        """Tables up to date, and the demonstration regions once for each database, unless both are noted there.

        Without a demonstration come the code lists every site needs. One process does both: loading the product twice
        would cost more than migrating.
        """
        digest, demo = setup_stamps.migration_digest(), f"demo:{self.demo}"
        what = "code lists" if self.demo == "none" else f"demonstration {self.demo}"
        loader = setup_stamps.demonstration_digest()
        is_migrated, is_there = setup_stamps.read(url, "migrations") == digest, setup_stamps.read(url, demo) == loader
        if is_migrated:
            say("tables: up to date")
        if is_there:
            say(f"{what}: there")
        if is_there and not is_migrated:
            run_step("tables: migrating", Step(["manage", "migrate", "--no-input", "-v", "0"], environment))
        if not is_there:
            first = [] if is_migrated else ["--migrate"]
            run_step(f"{what}: loading", self.loader or Step(["demo", "load", self.demo, *first], environment))
            setup_stamps.write(url, demo, loader)
        if not is_migrated:
            setup_stamps.write(url, "migrations", digest)

    def start_children(self, environment: Mapping[str, str]) -> None:
        """Web server and worker, beside each other; they load the product and wait at the door."""
        self.door = door.Door(self.site.folder.path)
        environment = {**environment, door.VARIABLE: str(self.door.path)}
        processes = os.environ.get("KANGQIAO_WEB_PROCESSES") or str(min(2, os.cpu_count() or 1))
        web = [
            sys.executable, "-m", "granian", "kangqiao.config.wsgi:application", "--interface", "wsgi",
            "--host", self.host, "--port", str(self.port), "--workers", processes, "--blocking-threads", "4",
            "--no-ws", "--log-level", "warning", "--respawn-failed-workers", "--workers-kill-timeout", "8",
        ]  # fmt: skip
        worker = [sys.executable, "-m", "kangqiao", "manage", "procrastinate", "worker"]
        folder = self.site.folder
        self.children = [
            Child("web server", web, folder.log("web"), environment),
            Child("worker", worker, folder.log("worker"), environment, orphan_signal=signal.SIGKILL),
        ]
        for child in self.children:
            child.start()
            alive = lambda child=child: child.status() is None  # noqa: E731 one line says it
            self.watched.append(Watched(child.name, alive, child.start, child.last_words))

    def let_in(self) -> None:
        """The tables are there: web server and worker begin."""
        assert self.door is not None
        self.door.open()

    def wait_healthy(self) -> None:
        """Until `/healthz` says that database, tables and worker are well."""
        deadline = time.monotonic() + HEALTHY_SECONDS
        told = "no answer"
        while time.monotonic() < deadline:
            for child in self.children:
                if child.status() is not None:
                    raise ServerProblem(f"The {child.name} did not start: {child.last_words()}")
            well, told = health(self.address)
            if well:
                say("web server and worker: running")
                return
            time.sleep(0.05)
        raise ServerProblem(
            f"The site is not well after {HEALTHY_SECONDS} s: {told}",
            next_step=f"See the logs in {self.site.folder.logs}.",
        )

    def stop(self) -> None:
        """Web server, worker, database, in this order; then the folder is free."""
        if self.loader:
            self.loader.stop()
        for child in self.children:
            # Behind a closed door nothing was begun that would have to be brought to an end.
            (child.stop if self.door is None or self.door.is_open else child.end_group)()
        if self.server:
            self.server.stop()
        self.site.folder.release()


def health(site_address: str) -> tuple[bool, str]:
    """What `/healthz` answers: well or not, and its text."""
    try:
        with urllib.request.urlopen(f"{site_address}healthz", timeout=5) as answer:  # noqa: S310 our own address
            return answer.status == 200, answer.read(2000).decode()
    except urllib.error.HTTPError as error:
        return False, error.read(2000).decode(errors="replace")
    except OSError as error:
        return False, str(error)


class Step:
    """One command of ours that runs to its end: its lines are shown, what it says of errors is kept."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kangqiao", *arguments],
            env=dict(environment),
            stdin=subprocess.PIPE,
            text=True,
            stderr=subprocess.PIPE,
            process_group=0,
        )

    def finish(self) -> tuple[int, str]:
        """Tell it to begin, where it waits for that, and wait for its end; how it ended, and what it said of errors."""
        try:
            _, errors = self._process.communicate("begin\n")
        except BaseException:
            self.stop()
            raise
        return self._process.returncode, errors

    def stop(self) -> None:
        """End it and what it began, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


def run_step(title: str, step: Step) -> None:
    """A step of the start, with its time; its failure ends the start."""
    say(title)
    began = time.monotonic()
    code, errors = step.finish()
    if code:
        raise ServerProblem(
            f"{title} failed: {errors.strip()[-1500:]}", next_step="Nothing was started; the data is as it was before."
        )
    say(f"{title.partition(':')[0]}: done ({time.monotonic() - began:.1f} s)")


def start_detached(site: Site, arguments: list[str]) -> None:
    """Start a supervisor of its own session, show its lines, and return once the site answers."""
    site.folder.create()
    log = site.folder.log("kangqiao")
    with log.open("ab") as output, log.open("rb") as lines:
        lines.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            [sys.executable, "-m", "kangqiao", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        try:
            follow(process, lines.readline, site)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise


def follow(process: subprocess.Popen[bytes], next_line: Callable[[], bytes], site: Site) -> None:
    """Show the lines of a detached start until it is ready or has failed."""
    while True:
        ended = process.poll()
        ready = ended is None and bool(site.folder.holder().get("ready"))
        while line := next_line():
            click.echo(line.decode(errors="replace").replace(" Ctrl-C stops it.", ""), nl=False)
        if ready:
            return
        if ended is not None:
            sys.exit(ended or 1)
        time.sleep(0.05)


@click.command()
@click.option("--data", default=DEFAULT_FOLDER, show_default=True, help="The data folder.")
def down(data: str) -> None:
    """Stop the site of a data folder; nothing to stop is no error."""
    folder = Site.at(data).folder
    holder = folder.holder()
    if not holder:
        click.echo(f"No Kangqiao runs on {folder.path}.")
        return
    if not isinstance(holder.get("pid"), int):
        raise ServerProblem(f"A Kangqiao runs on {folder.path}, but it cannot be reached from here.")
    try:
        os.kill(holder["pid"], signal.SIGTERM)
    except (ProcessLookupError, PermissionError) as error:
        raise ServerProblem(
            f"The Kangqiao on {folder.path} (process {holder['pid']}) cannot be stopped from here: {error.strerror}."
        ) from error
    deadline = time.monotonic() + DOWN_SECONDS
    while folder.holder():
        if time.monotonic() > deadline:
            raise ServerProblem(f"Process {holder['pid']} did not stop within {DOWN_SECONDS} s: {json.dumps(holder)}")
        time.sleep(0.05)
    click.echo("Kangqiao is stopped.")
