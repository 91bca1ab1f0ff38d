import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from kangqiao.base.server import door

WAITING = "from kangqiao.base.server import door; print('loaded', flush=True); door.wait(); print('in', flush=True)"


def behind(path: pathlib.Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        env=os.environ | {door.VARIABLE: str(path), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loaded\n"
    return process


def rest_of(process: subprocess.Popen[str]) -> str:
    """What it says until its end."""
    with process:
        assert process.stdout is not None
        return process.stdout.read()


def test_whoever_is_loaded_waits_until_the_door_is_open(tmp_path: pathlib.Path) -> None:
    closed = door.Door(tmp_path)
    process = behind(closed.path)
    time.sleep(0.2)
    waited = process.poll() is None

    closed.open()
    said = rest_of(process)

    assert waited
    assert said == "in\n"
    assert closed.is_open


def test_whoever_comes_later_finds_it_open(tmp_path: pathlib.Path) -> None:
    opened = door.Door(tmp_path)
    opened.open()

    said = rest_of(behind(opened.path))

    assert said == "in\n"


def test_one_who_waits_can_be_ended(tmp_path: pathlib.Path) -> None:
    closed = door.Door(tmp_path)
    process = behind(closed.path)

    process.send_signal(signal.SIGTERM)
    said = rest_of(process)
    closed.open()

    assert process.returncode == -signal.SIGTERM
    assert said == ""


def test_without_a_door_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(door.VARIABLE, raising=False)

    door.wait()

    assert not door.is_there()
