"""Start-up: first page, restart, stop, backup, and the size of an installation, each against its target."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from bench.table import Row, row

FIRST_PAGE_TARGET_S, RESTART_TARGET_S, INSTALL_TARGET_MB = 30, 4, 500


def run() -> list[Row]:
    """A site with the Zhuhai demonstration from nothing, then again; CPU seconds of all its processes beside."""
    demo = "zhuhai" if (source() / "kangqiao/pathways/demonstration").exists() else "none"
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        data, port = pathlib.Path(name) / "data", free_port()
        up = ["up", "--detach", "--port", str(port), "--data", str(data), "--demo", demo]
        first = seconds(lambda: kangqiao(*up))
        stop = seconds(lambda: kangqiao("down", "--data", str(data)))
        again = seconds(lambda: kangqiao(*up))
        backup = seconds(lambda: kangqiao("backup", f"{name}/file", "--data", str(data)))
        kangqiao("down", "--data", str(data))
        size = megabytes(data)
    load = f"demo {demo}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return [
        row("start: nothing to first page", first, FIRST_PAGE_TARGET_S, "s", f"against the target; {load}"),
        row("start: restart", again, RESTART_TARGET_S, "s", f"against the target; {load}"),
        Row("start: stop", stop, None, None, "s", ""),
        Row("start: backup while running", backup, None, None, "s", f"data folder {size:.0f} MB"),
        row("start: base install", install_megabytes(), INSTALL_TARGET_MB, "MB", "against the target"),
    ]


def source() -> pathlib.Path:
    """The folder of the product's source."""
    return pathlib.Path(__file__).resolve().parent.parent / "src"


def kangqiao(*arguments: str) -> None:
    """Run the command; its failure ends the benchmark."""
    facts = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "KANGQIAO_DATA")}
    subprocess.run([sys.executable, "-m", "kangqiao", *arguments], env=facts, check=True, stdout=subprocess.DEVNULL)


def seconds(work: Callable[[], None]) -> float:
    """Wall time: what the person waits."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def megabytes(folder: pathlib.Path) -> float:
    """Room on the disk, as `du` counts it."""
    done = subprocess.run([shutil.which("du") or "du", "-sk", str(folder)], text=True, capture_output=True)
    return int(done.stdout.split()[0]) / 1024


def install_megabytes() -> float:
    """The base packages installed anew into a folder that is thrown away, so that test tools do not count."""
    root = source().parent
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        facts = os.environ | {"VENV": f"{name}/venv"}
        command = [sys.executable, str(root / "requirements/install.py"), "base"]
        subprocess.run(command, env=facts, check=True, stdout=subprocess.DEVNULL)
        return megabytes(pathlib.Path(name))
