"""The model site is made once for a run; each test has a copy of its folder."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator

import pytest

from tests.faults.live import LiveSite, copy_of, make


@pytest.fixture(scope="session")
def model_site() -> Iterator[LiveSite]:
    """A site with people and places, stopped. Short path: the database's socket lies below it."""
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        yield make(pathlib.Path(name) / "data")


@pytest.fixture
def site(model_site: LiveSite) -> Iterator[LiveSite]:
    """A copy of the model site, not started yet."""
    with tempfile.TemporaryDirectory(prefix="kq-") as name:
        yield copy_of(model_site, pathlib.Path(name) / "data")
