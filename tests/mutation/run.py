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
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import plugin
from tests.mutation.bench import NO_START, Bench, forked
from tests.mutation.mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
EQUAL = Path(__file__).with_name("equal.toml")
SOURCE = ROOT / "src/kangqiao"
TESTS = (
    *(f"src/kangqiao/{package}" for package in ("domain", "pathways", "edges")),
    *(f"tests/{folder}" for folder in ("access_matrix", "web", "audit")),
)
# What the customer reads, the table of reach, and the policies of the database are held against every declaration.
DECLARED = (
    "tests/access_matrix/test_workbook.py::test_workbook_says_what_the_pages_declare",
    "tests/access_matrix/test_workbook.py::test_no_page_admits_somebody_who_reaches_none_of_its_rows",
    "tests/access_matrix/test_second_lock.py::test_the_policies_of_the_database_follow_from_what_is_declared",
)
QUIET = ("-q", "-x", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--reuse-db")


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
    if not record.exists():
        forked(lambda: _record(record, asked.tests))
    part, parts = map(int, asked.shard.split("/"))
    every = [one for file in policies() if asked.only in str(file) for one in mutants_of(file, ROOT)]
    outcome = Run(json.loads(record.read_text())).outcome(every[part - 1 :: parts])
    outcome["minutes"] = round((time.monotonic() - began) / 60, 1)
    if asked.report:
        asked.report.write_text(json.dumps(outcome, ensure_ascii=False))
    for line in outcome["survivors"]:
        print("survived:", line)
    print(f"{outcome['killed']}/{outcome['tried']} found, {outcome['equal']} equal, {outcome['minutes']} minutes")
    return 1 if outcome["survivors"] else 0


class Run:
    """The flips, which tests concern each, and what became of it."""

    def __init__(self, seen: dict[str, Any]) -> None:
        self.lines: dict[str, list[str]] = seen["lines"]
        self.seconds: dict[str, float] = seen["seconds"]
        self.modules: list[str] = seen["modules"]
        self.out = os.fdopen(os.dup(1), "w")

    def outcome(self, every: list[Mutant]) -> dict[str, Any]:
        """All are tried in a product that stands; a list nobody missed there once more in one that is read with it."""
        equal = tomllib.loads(EQUAL.read_text(encoding="utf-8"))
        tried = [one for one in every if one.key not in equal]
        _preload(self.modules)
        left = [tried[number] for number in json.loads(forked(lambda: self._stand(tried)))]
        left = [one for one in left if one.where or not self._anew(one)]
        survivors = [f"{one.file}:{one.line} {one.key} ({len(self.tests(one))} tests)" for one in left]
        killed = len(tried) - len(survivors)
        return {"tried": len(tried), "killed": killed, "equal": len(every) - len(tried), "survivors": survivors}

    def _stand(self, tried: list[Mutant]) -> str:
        left = []

        def work(bench: Bench) -> None:
            for number, one in enumerate(tried):
                began = time.monotonic()
                red = bench.convict(one, module_of(ROOT / one.file), self.tests(one))
                if not red:
                    left.append(number)
                spent = time.monotonic() - began
                self._say(f"{number + 1}/{len(tried)} {one.file}:{one.line} {one.what} {red or 'LEFT'} ({spent:.1f} s)")

        _quiet()
        files = sorted({test.partition("::")[0] for test in (*DECLARED, *self.seconds)})
        bench = Bench(work, self._warm(), map(module_of, policies()))
        if pytest.main([*QUIET, *files], plugins=[plugin, bench]):
            sys.exit("the run itself broke")
        return json.dumps(left)

    def _anew(self, one: Mutant) -> str:
        """The first test that is red when the product is read with this flip, and green when it is read as it is."""

        def red(source: str, tests: list[str]) -> str:
            _quiet()
            plugin.read_instead({module_of(file): (file, source)})
            done = pytest.main([*QUIET, *tests], plugins=[plugin, first := plugin.FirstRed()])
            return first.test or (NO_START if done else "")

        began, file = time.monotonic(), ROOT / one.file
        tests = self.tests(one)
        found = forked(lambda: red(one.source, tests))
        if found and forked(lambda: red(file.read_text(encoding="utf-8"), tests if found == NO_START else [found])):
            sys.exit(f"{found} is red without any flip, and proves nothing")
        self._say(f"anew {one.file}:{one.line} {one.what} {found or 'LEFT'} ({time.monotonic() - began:.1f} s)")
        return found

    def _say(self, line: str) -> None:
        print(line, file=self.out, flush=True)

    def _warm(self) -> list[str]:
        """For every file the quickest test that comes by it, if it is quick."""
        files = {line.rpartition(":")[0]: tests[0] for line, tests in self.lines.items() if tests}
        return [*DECLARED, *sorted(test for test in set(files.values()) if self.seconds[test] < 2)]

    def tests(self, one: Mutant) -> list[str]:
        """Those that came by the line of the flip; all of its file's where it stands in no function."""
        prefix = f"{one.file}:"
        lines = {int(at.removeprefix(prefix)): tests for at, tests in self.lines.items() if at.startswith(prefix)}
        if not one.where:
            return [*DECLARED, *self._likely(one, {test for tests in lines.values() for test in tests})]
        if one.file.endswith("permissions.py"):
            return self._likely(one, lines.get(max((line for line in lines if line <= one.line), default=0), ()))
        return [
            *DECLARED,
            *self._likely(one, lines.get(min((line for line in lines if line > one.line), default=0), ())),
        ]

    def _likely(self, one: Mutant, tests: Iterable[str]) -> list[str]:
        """The tests of the module's permissions first, then its others, the quickest first."""
        module = "/".join(one.file.split("/")[:4])
        first = (f"{module}/tests/test_permissions.py", module)
        return sorted(tests, key=lambda test: (*(not test.startswith(place) for place in first), self.seconds[test]))


def _quiet() -> None:
    log = os.open(os.environ.get("KANGQIAO_MUTANT_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _record(record: Path, tests: Iterable[str]) -> str:
    _quiet()
    plugin.read_instead({module_of(file): (file, plugin.marked(file, ROOT)) for file in policies()})
    quiet = [one for one in QUIET if one != "-x"]
    if pytest.main([*quiet, "--create-db", *tests], plugins=[plugin, plugin.Recorder(record)]) not in (0, 1):
        sys.exit("the tests could not be recorded")
    seen = json.loads(record.read_text())
    seen["modules"] = sorted(name for name in sys.modules if not name.startswith(("kangqiao", "tests", "conftest")))
    record.write_text(json.dumps(seen))
    return "recorded"


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
