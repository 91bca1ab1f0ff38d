"""Inside a run of pytest: one module is read from another source, or every policy line tells which test came by it."""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.util
import json
import sys
from collections import defaultdict
from collections.abc import Generator, Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.mutants import with_marks

# What begins a database of its own, or commits: it would leave something for the next flip.
NOT_HERE = {"transactional_db", "live_server", "site", "django_db_serialized_rollback", "page", "browser"}


class OtherSource(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives some modules another source than their file's."""

    def __init__(self, sources: Mapping[str, tuple[Path, str]]) -> None:
        self.sources = sources

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Ours, or None for every other module."""
        if fullname not in self.sources:
            return None
        return importlib.util.spec_from_file_location(fullname, self.sources[fullname][0], loader=self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: Any) -> None:
        """Run the other source under the name of the file."""
        file, source = self.sources[module.__name__]
        exec(compile(source, str(file), "exec"), module.__dict__)


class Recorder:
    """Which tests came by which lines, and how long each took."""

    def __init__(self, target: Path) -> None:
        self.target, self.test = target, ""
        self.tests: defaultdict[str, set[str]] = defaultdict(set)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        builtins.__kq_line__ = self.note  # type: ignore[attr-defined]

    def note(self, name: str, line: int) -> None:
        """A line is about to run."""
        if self.test:
            self.tests[f"{name}:{line}"].add(self.test)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """From set-up to tear-down of one test."""
        self.test = item.nodeid
        try:
            return (yield)
        finally:
            self.test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.seconds[report.nodeid] = float("inf")  # a test that is red anyhow proves nothing

    def pytest_sessionfinish(self) -> None:
        """Keep what was seen, the quickest test of each line first."""
        lines = {
            line: sorted((one for one in tests if self.seconds[one] != float("inf")), key=lambda one: self.seconds[one])
            for line, tests in self.tests.items()
        }
        self.target.write_text(json.dumps({"lines": lines, "seconds": self.seconds}))


class FirstRed:
    """The first test that fails."""

    test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self.test = self.test or (report.nodeid if report.failed else "")


def read_instead(sources: Mapping[str, tuple[Path, str]]) -> None:
    """From now on these modules are read from the sources given."""
    sys.meta_path.insert(0, OtherSource(sources))


def marked(file: Path, root: Path) -> str:
    """A source that tells of its lines."""
    name = str(file.relative_to(root))

    def mark(line: int) -> ast.stmt:
        return ast.parse(f"__kq_line__({name!r}, {line})").body[0]

    return with_marks(file.read_text(encoding="utf-8"), mark)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what would not take back what it wrote."""
    items[:] = [one for one in items if not _commits(one)]


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    is_marked = mark is not None and bool(mark.kwargs.get("transaction") or mark.args)
    return is_marked or bool(NOT_HERE & set(getattr(item, "fixturenames", ())))
