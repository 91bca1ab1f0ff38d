"""The table of promises: figures and outcomes from every process, promises without a test, unknown names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        '@pytest.mark.trust("T-RACE-1")\ndef test_race(measured): measured("30 booked")\n'
        '@pytest.mark.trust("T-MIG")\n@pytest.mark.parametrize("x", [1, 2])\ndef test_half(x): assert x == 1\n'
        '@pytest.mark.trust("T-BAK", "a part")\ndef test_part(measured): measured("7 rows")\n'
        "def test_other(): assert False\n"
    )
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "tests.trust_plugin", "-p", "no:django", "-q", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_table_holds_what_was_measured(project: Path, processes: tuple[str, ...]) -> None:
    done = run(project, "--trust", *processes)

    lines = (project / "var/trust/table.md").read_text().splitlines()
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[3:6]] for line in lines}
    assert done.returncode == 1
    assert "test_other" not in done.stdout
    assert rows["T-RACE-1"][1] == "30 booked"
    assert rows["T-RACE-1"][2].startswith("held")
    assert rows["T-MIG"][1:] == ["2 tests", rows["T-MIG"][2]]
    assert rows["T-MIG"][2].startswith("FAILED")
    assert rows["T-BAK"][:2] == ["a part", "7 rows"]
    assert rows["T-KILL-1"][2] == "NO TEST"
    assert rows["T-ACL-7"][2] == "slow, not run"
    assert rows["T-ACL-8"][2] == "slow, not run"


def test_slow_promise_without_a_test_is_named_when_slow_ones_run(project: Path) -> None:
    (project / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--slow', action='store_true')\n"
    )

    done = run(project, "--trust", "--slow")

    assert "slow, not run" not in done.stdout
    assert done.returncode == 1


def test_promise_without_a_test_fails_the_whole(project: Path) -> None:
    done = run(project, "--trust", "-k", "race")

    assert "1 passed" in done.stdout
    assert done.returncode == 1


def test_unknown_promise_stops_the_run(project: Path) -> None:
    (project / "test_b.py").write_text('import pytest\n@pytest.mark.trust("T-NONE")\ndef test_b(): pass\n')

    done = run(project)

    assert done.returncode == 4
    assert "there is no promise ('T-NONE',)" in done.stderr


def test_ordinary_run_prints_no_table(project: Path) -> None:
    done = run(project)

    assert "test_other" in done.stdout
    assert "figure asked" not in done.stdout
    assert not (project / "var").exists()
