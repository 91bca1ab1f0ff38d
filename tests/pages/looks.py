"""What is wrong with a page as it stands in the browser: read from computed styles, boxes and the checker's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

GRAVE = ("serious", "critical")
# How a display is put on a page: its tokens hang on attributes of <html> alone.
DISPLAYS = {
    "normal": {},
    "elder": {"mode": "elder", "scale": "100"},
    "elder200": {"mode": "elder", "scale": "200"},
    "contrast": {"contrast": "more"},
}
SCREENS = ((1366, 768), (1440, 900), (390, 844))
SCRIPT = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")


def show(page: Page, display: str, width: int = 1366, height: int = 768) -> None:
    """Puts a display and a size of screen on the page that is open."""
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("display => looks.show(display)", DISPLAYS[display])


def unreadable(page: Page, strict: bool = False) -> list[str]:
    """Grave faults of accessibility as the page stands; `strict` asks for 7 : 1 too. The checker is loaded already."""
    rules = {"color-contrast-enhanced": {"enabled": strict}, "target-size": {"enabled": True}}
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "rules": rules}
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:160]} ({len(fault['nodes'])})"
        for fault in result["violations"]
        if fault["impact"] in GRAVE
    ]


def spills(page: Page) -> list[str]:
    """What runs over the edge of the screen, and texts that are cut."""
    return list(page.evaluate("looks.spills()"))


def too_small(page: Page, *, targets: int, letters: float, main_targets: int) -> list[str]:
    """Letters, lines and targets under the given sizes in px."""
    return list(page.evaluate("sizes => looks.tooSmall(sizes)", [targets, letters, main_targets]))
