"""Keeps web server, worker and database running together, and stops them in order.

A child that ends is started again after a pause that doubles; one that keeps ending brings everything down with a
sentence. Each child dies with the supervisor, also when that is killed.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType

from kangqiao.base.server import unprivileged
from kangqiao.base.server.problems import ServerProblem

PAUSES_S = (1, 2, 4, 8, 16)
# Ended this long ago, an earlier failure no longer counts.
FORGIVEN_AFTER_S = 300
LOOK_EVERY_S = 0.2


class Stopped(BaseException):
    """Somebody asked to stop: Ctrl-C, `kangqiao down`, or the system going down."""


def stop_on_signals() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into Stopped, once; what follows is a stop already under way."""

    def handle(number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def reset_signals_and_die_with(parent: int, number: int) -> Callable[[], None]:
    """Between fork and exec: default signals, and the kernel's promise to end with us."""

    def prepare() -> None:
        for usual in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(usual, signal.SIG_DFL)
        unprivileged.die_with_parent(number, parent)

    return prepare


@dataclass
class Child:
    """One process that must run. `seconds` is how long it may take to stop when asked.

    `orphan_signal` is what it gets if the supervisor is killed. The database ends at the same moment then, so what
    would tidy up there first must not be asked to.
    """

    name: str
    command: list[str]
    log: pathlib.Path
    environment: Mapping[str, str]
    seconds: float = 15
    orphan_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it in a process group of its own, writing to its log; what an earlier one left behind goes first."""
        self.end_group()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                process_group=0,
                preexec_fn=reset_signals_and_die_with(os.getpid(), self.orphan_signal),
            )
        finally:
            os.close(log)

    def status(self) -> int | None:
        """None while it runs, else how it ended."""
        return self.process.poll() if self.process else 0

    def stop(self) -> None:
        """Ask, wait, then end its whole group."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.seconds)
        self.end_group()

    def end_group(self) -> None:
        """Kill itself, if it would not end, and whatever processes of its own it left behind."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-5:] if self.log.exists() else []
        return " / ".join(line for line in lines if line.strip())


@dataclass
class Watched:
    """One thing to keep alive, be it a Child or the embedded server."""

    name: str
    alive: Callable[[], bool]
    start: Callable[[], object]
    last_words: Callable[[], str]
    failures: list[float] = field(default_factory=list)
    due: float | None = None

    def look(self, now: float, say: Callable[[str], None]) -> None:
        """Start again what has ended, after its pause; ServerProblem when it ends too often."""
        if self.due is not None:
            if now >= self.due:
                self.due = None
                self.start()
            return
        if self.alive():
            return
        self.failures = [at for at in self.failures if now - at < FORGIVEN_AFTER_S] + [now]
        if len(self.failures) > len(PAUSES_S):
            raise ServerProblem(
                f"The {self.name} ended {len(self.failures)} times within five minutes: {self.last_words()}",
                next_step="Everything is stopped; the logs in the data folder tell more.",
            )
        pause = PAUSES_S[len(self.failures) - 1]
        say(f"the {self.name} ended unexpectedly; starting it again in {pause} s")
        self.due = now + pause


def watch(things: list[Watched], say: Callable[[str], None]) -> None:
    """Look after the children until somebody asks to stop."""
    while True:
        now = time.monotonic()
        for thing in things:
            thing.look(now, say)
        time.sleep(LOOK_EVERY_S)
