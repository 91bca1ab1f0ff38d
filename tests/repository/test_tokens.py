"""U-4: the colours of the token file hold their contrast in every display."""

from __future__ import annotations

import re

import pytest

from tests.repository.sources import PRODUCT

TOKENS = (PRODUCT / "base/static/kangqiao/tokens.css").read_text(encoding="utf-8")
TEXTS = ("ink", "ink-2", "ink-3", "primary", "seal", "wait", "go", "done", "back", "gone", "demo")
# Each state's ink stands on its own wash too; the mark of invented people on the wash of a hue.
WASHES = {"wait": "wait-bg", "go": "go-bg", "done": "done-bg", "back": "back-bg", "gone": "gone-bg", "demo": "c4-bg"}
DISPLAYS = {"": 4.5, '[data-mode="elder"]': 7.0, '[data-contrast="more"]': 7.0}


def colours(display: str) -> dict[str, str]:
    """The colours of a display: its own over the ordinary ones."""
    found: dict[str, str] = {}
    for selector in (":root", display) if display else (":root",):
        block = re.search(rf"^{re.escape(selector)} {{(.*?)^}}", TOKENS, re.S | re.M)
        assert block is not None, selector
        found |= dict(re.findall(r"--kq-([a-z0-9-]+): *(#[0-9a-f]{6});", block.group(1)))
    return found


def light(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_twenty_one() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(("display", "least"), DISPLAYS.items(), ids=["normal", "elder", "contrast"])
def test_every_text_colour_holds_its_contrast(display: str, least: float) -> None:
    found = colours(display)
    pairs = [(text, ground) for text in TEXTS for ground in ("paper", "ground")] + list(WASHES.items())

    weak = {
        f"{text} on {ground}": round(contrast(found[text], found[ground]), 2)
        for text, ground in pairs
        if contrast(found[text], found[ground]) < least
    }

    assert weak == {}


@pytest.mark.parametrize("display", DISPLAYS, ids=["normal", "elder", "contrast"])
def test_edges_of_fields_and_the_ring_are_seen(display: str) -> None:
    found = colours(display)

    assert contrast(found["field"], found["paper"]) >= 3
    assert contrast(found["ring"], found["paper"]) >= 3
