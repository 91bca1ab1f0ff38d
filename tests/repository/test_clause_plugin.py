"""The plugin refuses marks without a clause and keeps outcomes after full runs only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nmarkers = slow\n")
    (tmp_path / "tests/test_a.py").write_text(
        "import pytest\n"
        '@pytest.mark.clause("ZH-2a")\ndef test_passes(): pass\n'
        '@pytest.mark.clause("ZH-2a")\n@pytest.mark.parametrize("x", [1, 2])\ndef test_half(x): assert x == 1\n'
        '@pytest.mark.clause("ZH-1a")\ndef test_skipped(): pytest.skip("no")\n'
    )
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "tests.clause_plugin", "-p", "xdist", "-q", *arguments]
    paths = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    environment = {**os.environ, "PYTHONPATH": paths, "KANGQIAO_PACKS": str(ROOT / "packs")}
    environment.pop("PYTEST_ADDOPTS", None)
    # Only what is used is loaded; a browser's plugin alone takes a second.
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def outcomes(project: Path) -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, dict[str, str]]] = json.loads((project / "var/clauses/results.json").read_text())
    return content["clauses"]


def test_full_run_keeps_the_worst_outcome_of_each_marked_test(project: Path) -> None:
    run(project)

    assert outcomes(project) == {
        "ZH-2a": {"tests/test_a.py::test_passes": "passed", "tests/test_a.py::test_half": "failed"},
        "ZH-1a": {"tests/test_a.py::test_skipped": "skipped"},
    }


def test_run_on_two_processes_keeps_the_same(project: Path) -> None:
    run(project, "-n", "2")

    assert outcomes(project)["ZH-2a"]["tests/test_a.py::test_half"] == "failed"
    assert outcomes(project)["ZH-2a"]["tests/test_a.py::test_passes"] == "passed"


def test_ordinary_run_without_slow_tests_counts_as_full(project: Path) -> None:
    run(project, "-m", "not slow")

    assert outcomes(project)["ZH-2a"]["tests/test_a.py::test_passes"] == "passed"


def test_run_during_which_a_source_changed_keeps_nothing(project: Path) -> None:
    (project / "tests/test_b.py").write_text("def test_edit():\n    open(__file__, 'a').write('# edited')\n")

    run(project)

    assert not (project / "var/clauses/results.json").exists()


@pytest.mark.parametrize("narrowed", [["-k", "passes"], ["-m", "slow"], ["tests/test_a.py::test_passes"], ["-x"]])
def test_narrowed_run_keeps_nothing(project: Path, narrowed: list[str]) -> None:
    run(project, *narrowed)

    assert not (project / "var/clauses/results.json").exists()


def test_part_of_a_full_run_adds_its_outcomes(project: Path) -> None:
    run(project, "-k", "passes", "--clause-results=part")
    run(project, "-k", "skipped", "--clause-results=part")

    assert set(outcomes(project)) == {"ZH-2a", "ZH-1a"}


def test_mark_without_a_known_clause_stops_the_run(project: Path) -> None:
    (project / "tests/test_b.py").write_text('import pytest\n@pytest.mark.clause("ZH-99")\ndef test_b(): pass\n')

    result = run(project)

    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "tests/test_b.py::test_b: there is no clause 'ZH-99'" in result.stdout + result.stderr
    assert not (project / "var/clauses/results.json").exists()
