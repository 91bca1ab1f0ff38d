"""The world every test of the matrix stands in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine
from django.utils import timezone

from tests.access_matrix.world import Side, four_sides


@pytest.fixture
def at() -> Iterator[datetime]:
    """Ten in the morning of today: what is due today has begun, and the day does not end meanwhile."""
    moment = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    with time_machine.travel(moment, tick=False):
        yield moment


@pytest.fixture
def sides(db: None, at: datetime, caplog: pytest.LogCaptureFixture) -> dict[str, Side]:
    """The four sides of the world."""
    caplog.set_level("CRITICAL", "django.request")
    return four_sides(at)
