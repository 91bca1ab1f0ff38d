"""Runs the tests that concern each flip until the first of them is red: `python -m tests.mutation.run --help`.

Needs KANGQIAO_TEST_DATABASE_URL; `tests/mutation/test_policies.py` gives it the server of the run. The libraries are
loaded once, and each flip is tried in a fork of that process, which then reads the product anew: a list of roles that
other modules copied at import is flipped everywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import plugin
from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
EQUAL = Path(__file__).with_name("equal.toml")
SOURCE = ROOT / "src/kangqiao"
TESTS = (
    *(f"src/kangqiao/{package}" for package in ("domain", "pathways", "edges")),
    *(f"tests/{folder}" for folder in ("access_matrix", "web", "audit")),
)
# What the customer reads is held against every declaration; it costs a second.
WORKBOOK = "tests/access_matrix/test_workbook.py"
QUIET = ("-q", "-x", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--reuse-db")
LONGEST, BROKEN = 240, 70


def policies() -> list[Path]:
    """Every file with decisions or declarations of access."""
    sources = [file for file in SOURCE.rglob("*.py") if "tests" not in file.parts and file.parent.name != "base"]
    views = [file for file in sources if "@access(" in file.read_text(encoding="utf-8")]
    return sorted({*views, *(file for file in sources if file.name == "permissions.py")})


def module_of(file: Path) -> str:
    """The name a file is imported by."""
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def main() -> int:
    """Record, try each flip, print; 1 when one survived."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", help="files whose path holds this")
    options.add_argument("--shard", default="1/1", help="such as 2/4")
    options.add_argument("--tests", nargs="*", default=TESTS, help="where the tests lie that are tried")
    options.add_argument("--record", type=Path, help="keep which test comes by which line, or take it from there")
    options.add_argument("--report", type=Path, help="write the outcome as JSON")
    asked = options.parse_args()
    began, record = time.monotonic(), asked.record or Path(tempfile.mkdtemp()) / "record.json"
    if not record.exists() and _fork(lambda: _record(record, asked.tests)) not in (0, 1):
        sys.exit("the tests could not be recorded")
    seen = json.loads(record.read_text())
    part, parts = map(int, asked.shard.split("/"))
    every = [one for file in policies() if asked.only in str(file) for one in mutants_of(file, ROOT)]
    _preload(seen.get("modules", ()))
    if _fork(lambda: _trial(None, [WORKBOOK])) != 0:
        sys.exit(f"{WORKBOOK} is red without any flip, and proves nothing")
    outcome = _try_all(every[part - 1 :: parts], seen)
    outcome |= {"recorded": len(seen["seconds"]), "minutes": round((time.monotonic() - began) / 60, 1)}
    if asked.report:
        asked.report.write_text(json.dumps(outcome, ensure_ascii=False))
    for line in outcome["survivors"]:
        print("survived:", line)
    print(f"{outcome['killed']}/{outcome['tried']} found, {outcome['equal']} equal, {outcome['minutes']} minutes")
    return 1 if outcome["survivors"] else 0


def _try_all(every: list[Mutant], seen: dict[str, Any]) -> dict[str, Any]:
    equal = tomllib.loads(EQUAL.read_text(encoding="utf-8"))
    found: dict[str, Any] = {"tried": 0, "killed": 0, "equal": 0, "survivors": [], "unused": []}
    for number, one in enumerate(every, 1):
        if one.key in equal:
            found["equal"] += 1
            continue
        began = time.monotonic()
        tests = _tests(one, seen)
        is_killed = bool(tests) and _fork(lambda one=one, tests=tests: _trial(one, tests)) != 0  # type: ignore[misc]
        found["tried"] += 1
        found["killed"] += is_killed
        if not is_killed:
            found["survivors"].append(f"{one.file}:{one.line} {one.key} ({len(tests)} tests)")
        spent = time.monotonic() - began
        verdict = "found" if is_killed else "SURVIVED"
        print(f"{number}/{len(every)} {one.file}:{one.line} {one.what} {verdict} ({spent:.1f} s)", flush=True)
    return found


def _tests(one: Mutant, seen: dict[str, Any]) -> list[str]:
    """The tests that came by the line of the flip, quickest first; all of its file's where it stands in no function."""
    prefix = f"{one.file}:"
    lines = {int(at.removeprefix(prefix)): tests for at, tests in seen["lines"].items() if at.startswith(prefix)}
    if one.file.endswith("permissions.py") and one.where:
        return list(lines.get(max((line for line in lines if line <= one.line), default=0), ()))
    if one.where:
        return [WORKBOOK, *lines.get(min((line for line in lines if line > one.line), default=0), ())]
    every = {test for tests in lines.values() for test in tests}
    return [WORKBOOK, *sorted(every, key=lambda test: float(seen["seconds"][test]))]


def _fork(work: Any) -> int:
    """What a fork of this process answers; a flip that never comes to an end is found too."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            os._exit(int(work()))
        except BaseException:
            traceback.print_exc()
            os._exit(BROKEN)
    began = time.monotonic()
    while time.monotonic() - began < LONGEST * 20:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code == BROKEN:
                sys.exit("the run itself broke, and proves nothing: see KANGQIAO_MUTANT_LOG")
            return code
        time.sleep(0.05)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 124


def _quiet() -> None:
    log = os.open(os.environ.get("KANGQIAO_MUTANT_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _trial(one: Mutant | None, tests: list[str]) -> int:
    _quiet()
    if one is not None:
        file = ROOT / one.file
        plugin.read_instead({module_of(file): (file, one.source)})
    signal.alarm(LONGEST)
    return int(pytest.main([*QUIET, *tests], plugins=[plugin]))


def _record(record: Path, tests: Iterable[str]) -> int:
    _quiet()
    plugin.read_instead({module_of(file): (file, plugin.marked(file, ROOT)) for file in policies()})
    quiet = [one for one in QUIET if one != "-x"]
    done = int(pytest.main([*quiet, "--create-db", *tests], plugins=[plugin, plugin.Recorder(record)]))
    seen = json.loads(record.read_text())
    seen["modules"] = sorted(name for name in sys.modules if not name.startswith(("kangqiao", "tests", "conftest")))
    record.write_text(json.dumps(seen))
    return done


def _preload(names: Iterable[str]) -> None:
    """Loads the libraries the product stands on, but for those of pytest, which it wants to load itself."""
    for name in names:
        top = name.split(".")[0]
        is_of_pytest = "pytest" in name or "hypothesis" in name or top in ("xdist", "anyio", "time_machine")
        if is_of_pytest or name.startswith("django.contrib") or top in sys.stdlib_module_names:
            continue
        with contextlib.suppress(Exception):
            importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
