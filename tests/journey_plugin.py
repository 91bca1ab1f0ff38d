"""How journeys reach the product: its live server, and a Chromium chosen by `tests.browser`."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from tests import browser

AXE = pathlib.Path(__file__).parent / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Without a browser this raises, and every journey fails: none is left out silently."""
    return {**browser_type_launch_args, "executable_path": browser.find(), "args": browser.FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any], live_server: Any) -> dict[str, Any]:
    """A desk in China: language, time zone, an ordinary screen; `page.goto("/path")` opens the product under test."""
    return {
        **browser_context_args,
        "base_url": str(live_server.url),
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1440, "height": 900},
    }


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker's script, put there by `kangqiao assets`."""
    if not AXE.exists():
        pytest.fail("tests/vendor/axe.min.js is missing; run `make assets`.")
    return AXE.read_text(encoding="utf-8")
