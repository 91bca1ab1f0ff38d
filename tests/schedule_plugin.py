"""Which tests of a parallel run stay together on one worker: those that share something costly or stress the machine.

pytest-xdist's own `xdist_group` has no effect under pytest 9.2 (pytest-xdist issue 1386), and says nothing of it. So
the folder decides; that also tells, without reading marks, what runs together. They come first: what takes minutes and
begins last leaves the other worker idle.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# The longest first.
TOGETHER = (
    "tests/faults/",
    "tests/journeys/",
    "tests/pages/",
    "tests/web/test_odd_words.py",
    "tests/web/test_scripts.py",
    "tests/audit/test_secrets.py",
    "tests/races/",
)


class ByFolder(LoadScopeScheduling):
    """Everything of a place named above goes to one worker, in that order; then every test goes wherever is room."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        early = next((place for place in TOGETHER if place in self.workqueue), None)
        if early is not None:
            self.workqueue.move_to_end(early, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder | None:
    """With `--dist loadgroup`, as in `make test`; other ways of distribution stay as they are."""
    return ByFolder(config, log) if config.getoption("dist") == "loadgroup" else None
