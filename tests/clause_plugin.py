"""Ties tests to clauses: `@pytest.mark.clause("ZH-2a")`, and keeps what each marked test showed.

A mark that names no clause stops the run at collection. After a full run the outcomes are written to
`var/clauses/results.json` with a digest of the sources, which is what lets `kangqiao clauses` say verified. A run
narrowed by -k, -m, a path or --lf leaves the file alone, and so does one during which a source was edited.
`--clause-results=part` is for a full run made of several calls: each adds its outcomes as long as the sources stay
the same.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from kangqiao import policy
from kangqiao.policy import register

PROPERTY = "clause"
ORDINARY = "not slow"
SEVERITY = ("passed", "skipped", "failed", "error")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says whether this run may write the outcomes of the clauses."""
    parser.addoption(
        "--clause-results",
        choices=("auto", "part", "off"),
        default="auto",
        help="auto: write after a full run; part: add to the parts of one full run; off: never write",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the recorder on the process that sees every report."""
    config.addinivalue_line("markers", 'clause("ZH-2a", …): this test would fail if the clause were not carried out')
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "clause-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse marks without a known clause; hand the clause ids on to the reports, across processes."""
    known = {clause.id for clause in policy.default().clauses()}
    faults = []
    for item in items:
        for mark in item.iter_markers("clause"):
            if not mark.args:
                faults.append(f"{item.nodeid}: a clause mark needs a clause id")
            for clause in mark.args:
                if clause not in known:
                    faults.append(f"{item.nodeid}: there is no clause {clause!r} in the catalogue")
                elif (PROPERTY, clause) not in item.user_properties:
                    item.user_properties.append((PROPERTY, clause))
    if faults:
        raise pytest.UsageError("\n".join(faults))


class Recorder:
    """Collects the worst outcome of every marked test, all its parameters together."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        self._root = Path(config.rootpath)
        self._sources = ""

    def pytest_sessionstart(self) -> None:
        """Remember the sources the run begins with."""
        self._sources = register.source_digest(self._root)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of one test; a broken set-up or tear-down counts as an error."""
        outcome = str(report.outcome)
        if report.when != "call":
            if outcome == "passed":
                return
            outcome = "error" if outcome == "failed" else outcome
        if hasattr(report, "wasxfail"):
            outcome = "failed"
        test = report.nodeid.split("[")[0]
        for name, clause in report.user_properties:
            if name == PROPERTY:
                earlier = self._outcomes[str(clause)].get(test, outcome)
                self._outcomes[str(clause)][test] = max(earlier, outcome, key=SEVERITY.index)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the outcomes when every test had its chance: finished, whether or not some failed."""
        mode = self._config.getoption("--clause-results")
        finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if not finished or mode == "off" or (mode == "auto" and not is_full(self._config)):
            return
        if register.source_digest(self._root) == self._sources:
            path = register.results_file(self._root)
            register.write_results(path, self._root, self._outcomes, merge=mode == "part")


def is_full(config: pytest.Config) -> bool:
    """Whether nothing narrows the run: no -k, --lf, --ff, --deselect, --maxfail, no path below the usual ones.

    `-m "not slow"` is what `make test` runs and counts as full; a clause shown by slow tests alone stays built there.
    """
    option = config.option
    if getattr(option, "markexpr", "") not in ("", ORDINARY):
        return False
    narrowed = ("keyword", "lf", "failedfirst", "deselect", "maxfail", "stepwise", "ignore", "ignore_glob", "trust")
    if any(getattr(option, name, None) for name in narrowed):
        return False
    usual = {str(path) for path in config.getini("testpaths")} or {"."}
    given = {str(argument).rstrip("/") for argument in config.args}
    root = str(config.rootpath)
    return given in ({path.rstrip("/") for path in usual}, {root}, {"."})
