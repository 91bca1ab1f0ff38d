"""How people come into a walk; a module whose walks end in refusals has its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.journeys.steps import Person, door


@pytest.fixture
def faults() -> list[str]:
    """What the browsers complained of."""
    return []


@pytest.fixture
def people(browser: Browser, desk: dict[str, Any], faults: list[str]) -> Callable[..., Person]:
    """How people come in."""
    return door(browser, desk, faults)
