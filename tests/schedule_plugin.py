"""Which tests of a parallel run stay together on one worker: those that share something costly or stress the machine.

pytest-xdist's own `xdist_group` has no effect under pytest 9.2 (pytest-xdist issue 1386), and says nothing of it. So
the folder decides; that also tells, without reading marks, what runs together.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/journeys/", "tests/races/", "tests/faults/", "tests/repository/test_planted_faults.py")


class ByFolder(LoadScopeScheduling):
    """Everything of a folder named above goes to one worker, largest first; every other test goes wherever is room."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder | None:
    """With `--dist loadgroup`, as in `make test`; other ways of distribution stay as they are."""
    return ByFolder(config, log) if config.getoption("dist") == "loadgroup" else None
