"""Counts what a task costs the person who does it, and ends with one table (`make ux`).

A journey hands over what it counted: `costs("accept a referral", asked="≤ 3 keys after reading", counted=…)`. `--ux`
runs the tests marked `ux` alone; their table is also written to `var/ux/table.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = ("task", "budget", "counted", "verdict")
COST = "ux-cost"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option behind `make ux`."""
    parser.addoption("--ux", action="store_true", help="run the budgets of use alone and print their table")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the table on the process that sees every report."""
    config.addinivalue_line("markers", "ux: counts keys, clicks, page loads and time of a task against its budget")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(config), "ux-table")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--ux`, only the marked tests."""
    if not config.getoption("--ux"):
        return
    others = [item for item in items if not item.get_closest_marker("ux")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item.get_closest_marker("ux")]


@pytest.fixture
def costs(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """Hands over what a task cost: its name, its budget, what was counted; call it before the assertion."""

    def hand_over(task: str, asked: str, counted: str) -> None:
        request.node.user_properties.append((COST, (task, asked, counted)))

    return hand_over


class Table:
    """The rows as the reports come in."""

    def __init__(self, config: pytest.Config) -> None:
        self.wanted = bool(config.getoption("--ux"))
        self.file = Path(config.rootpath) / "var" / "ux" / "table.md"
        self.rows: list[tuple[str, ...]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test of its own may hand over several tasks; a failed one says so in each of its rows."""
        if report.when != "call":
            return
        verdict = "held" if report.passed else "FAILED"
        self.rows += [(*cost, verdict) for name, cost in report.user_properties if name == COST]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table, printed and kept."""
        if not self.wanted:
            return
        lines = [f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *self.rows)]
        terminalreporter.section("budgets of use")
        terminalreporter.write_line("\n".join(lines))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
