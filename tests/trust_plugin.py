"""Ties tests to the promises of trust.toml: `@pytest.mark.trust("T-RACE-1")`, and prints what was measured.

`measured("30 booked, 510 refused")` hands over a figure of the running test. `--trust` runs the marked tests alone and
ends with one table, which is also written to `var/trust/table.md`: a promise without a test, or with one that was left
out, is in it and says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROMISE, FIGURE = "trust", "trust-figure"
LIST = Path(__file__).with_name("trust.toml")
HEAD = ("id", "what", "figure asked", "figure measured", "verdict")
SEVERITY = ("passed", "skipped", "failed")


@dataclass
class Row:
    """One promise, or one part of it that a mark words for itself."""

    id: str
    what: str
    asked: str
    is_slow: bool = False
    gap: str = ""
    figures: list[str] = field(default_factory=list)
    outcome: str = ""
    tests: set[str] = field(default_factory=set)
    seconds: float = 0

    def cells(self) -> tuple[str, ...]:
        """The row as it is printed."""
        figures = "; ".join(dict.fromkeys(self.figures)) or (not self.outcome and self.gap) or ""
        count = f"{len(self.tests)} tests" if len(self.tests) > 1 else ""
        return self.id, self.what, self.asked, " · ".join(filter(None, (figures, count))), self.verdict()

    def verdict(self) -> str:
        """Held, failed, or why neither can be said."""
        words = {"passed": "held", "failed": "FAILED", "skipped": "left out here"}
        if self.outcome:
            return f"{words[self.outcome]} ({self.seconds:.1f} s)"
        if self.gap:
            return "OPEN"
        return "slow, not run" if self.is_slow else "NO TEST"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option behind `make trust`."""
    parser.addoption("--trust", action="store_true", help="run the tests of the promises alone and print their table")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the table on the process that sees every report."""
    config.addinivalue_line("markers", 'trust("T-…", "figure asked"): this test measures that promise of trust.toml')
    if config.getoption("--trust") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(config), "trust-table")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse marks without a known promise; hand promise and figure on to the reports, across processes."""
    known = promises()
    faults = []
    for item in items:
        for mark in item.iter_markers("trust"):
            if not mark.args or mark.args[0] not in known:
                faults.append(f"{item.nodeid}: there is no promise {mark.args[:1]} in {LIST.name}")
                continue
            item.user_properties.append((PROMISE, (mark.args[0], mark.args[1] if len(mark.args) > 1 else "")))
    if faults:
        raise pytest.UsageError("\n".join(faults))
    if config.getoption("--trust"):
        others = [item for item in items if not item.get_closest_marker("trust")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item.get_closest_marker("trust")]


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Hands a figure of this test to the table, in the words and numbers that stand there."""

    def hand_over(figure: str) -> None:
        request.node.user_properties.append((FIGURE, figure))

    return hand_over


def promises() -> dict[str, Row]:
    """Every promise, in the order of the list; a `gap` says openly why nothing measures one yet."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return {
        name: Row(name, one["what"], one["asked"], bool(one.get("slow")), one.get("gap", ""))
        for name, one in listed.items()
    }


class Table:
    """Collects the outcomes and figures of every marked test."""

    def __init__(self, config: pytest.Config) -> None:
        self._place = Path(config.rootpath) / "var/trust/table.md"
        self._rows = {(name, ""): row for name, row in promises().items()}
        if config.getoption("--slow", default=False):  # then a promise that nothing measured has no test
            for row in self._rows.values():
                row.is_slow = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test; a broken set-up or tear-down is a failure."""
        marks = dict.fromkeys(value for name, value in report.user_properties if name == PROMISE)
        for name, asked in map(tuple, marks):
            row = self._row(str(name), str(asked))
            row.tests.add(report.nodeid)
            row.seconds += report.duration
            if report.when == "call":
                row.figures += [str(value) for key, value in report.user_properties if key == FIGURE]
            elif report.outcome == "passed":
                continue
            row.outcome = max(row.outcome or "passed", str(report.outcome), key=SEVERITY.index)

    def _row(self, name: str, asked: str) -> Row:
        """The row of a promise; a part with a figure of its own has a row of its own."""
        general = self._rows[name, ""]
        if not asked or asked == general.asked:
            return general
        return self._rows.setdefault((name, asked), Row(name, general.what, asked, general.is_slow))

    def rows(self) -> list[Row]:
        """Rows in the order of the list; the general one goes where all its tests word figures of their own."""
        order = list(promises())
        parts = {row.id for row in self._rows.values() if row.outcome}
        shown = [row for row in self._rows.values() if row.outcome or row.id not in parts]
        return sorted(shown, key=lambda row: order.index(row.id))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table and keep it."""
        rows = self.rows()
        lines = table([HEAD, *(row.cells() for row in rows)])
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._place.write_text("\n".join(lines) + "\n", encoding="utf-8")
        terminalreporter.section("trust")
        for line in lines:
            terminalreporter.write_line(line)
        held = sum(row.outcome == "passed" for row in rows)
        spent = sum(row.seconds for row in rows)
        terminalreporter.write_line(f"{held} of {len(rows)} held; {spent:.0f} s of tests. Kept in {self._place}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A promise that nothing measures is a failure of the whole."""
        if session.exitstatus == pytest.ExitCode.OK and any(row.verdict() == "NO TEST" for row in self.rows()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def table(rows: list[Iterable[str]]) -> list[str]:
    """The rows as a Markdown table whose columns stand under each other."""
    cells = [[cell.replace("|", "/").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
