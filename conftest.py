"""What every test of the project can use; the tests themselves lie in `src/**/tests` and `tests`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.utils import translation

pytest_plugins = ["tests.journey_plugin", "tests.clause_plugin", "tests.trust_plugin", "tests.schedule_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--slow` runs everything; a marker expression would do too, but then counts as a narrowed run."""
    parser.addoption("--slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests to `make test-all`, and say how many by pytest's own count."""
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    """Every test begins in Chinese: a language switched on by one test would stay for the next."""
    with translation.override(settings.LANGUAGE_CODE):
        yield
