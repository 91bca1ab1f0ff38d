"""U-3, U-4, U-5: every page of every role, in three displays and two languages, on three screens.

A display changes tokens only, so it is put on the page that is open; a language is asked for anew. The usual run opens
every address once, as one role, in one language, in every display and on every desk screen in turn; the slow one opens
all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.access_matrix.cells import Address, addresses
from tests.access_matrix.world import SEATS
from tests.pages.conftest import City
from tests.pages.looks import SCREENS, SCRIPT, show, spills, too_small, unreadable

LANGUAGES = ("zh-hans", "en")
AXE_IN = ("normal", "elder", "contrast")
*DESKS, PHONE = SCREENS
# MIIT's rules for older people. On the dense pages of staff the checker asks for 24 px or room around (WCAG 2.5.8).
RESIDENT_SIZES = {"targets": 44, "letters": 14, "main_targets": 44}
ELDER_SIZES = {"targets": 44, "letters": 18, "main_targets": 60}
# Answers only as part of another page.
PARTS = ("referral-slots", "contracting-of", "work-bar")
ROLES = (None, *(role.value for role in SEATS))


def looked_at(page: Page, displays: tuple[str, ...], desks: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Everything wrong with the page that is open, in these displays, on these screens and a phone."""
    is_resident = page.evaluate("document.documentElement.dataset.skin") == "resident"
    for display in displays:
        show(page, display)
        for fault in unreadable(page, strict=display != "normal"):
            yield f"{display}: {fault}"
    for width, height in (*desks, PHONE):
        show(page, "normal", width, height)
        for fault in spills(page):
            yield f"{width}: {fault}"
    # The largest letters are for the portal on a phone, and for a desk.
    for width, height in (desks[0], *(PHONE,) * is_resident):
        show(page, "elder200", width, height)
        for fault in spills(page):
            yield f"elder 200% at {width}: {fault}"
    if is_resident:
        for display, sizes in (("normal", RESIDENT_SIZES), ("elder", ELDER_SIZES)):
            show(page, display, *PHONE)
            for fault in too_small(page, **sizes):
                yield f"{display}: {fault}"


def visit(
    browser: Browser, city: City, role: str | None, language: str, mine: list[Address], axe: str,
    take: Callable[[int, Sequence[Any]], tuple[Any, ...]],
) -> tuple[int, list[str]]:  # fmt: skip
    """Opens pages as somebody; how many there were, and what was wrong."""
    context = browser.new_context(
        base_url=city.url, viewport={"width": 1366, "height": 768}, reduced_motion="reduce"
    )  # colours in motion would be measured half-way
    context.add_cookies(city.cookies(role, language))  # type: ignore[arg-type]
    context.add_init_script(axe + SCRIPT)
    page = context.new_page()
    count, found = 0, []
    for number, address in enumerate(mine):
        if address.name in PARTS or not city.is_page(role, address):
            continue
        page.goto(address.on(city.side), wait_until="load")
        faults = looked_at(page, take(number, AXE_IN), take(number, DESKS))
        found += [f"{role} {language} /{address.route} {fault}" for fault in faults]
        count += 1
    context.close()
    return count, found


def admitted(role: str | None) -> list[Address]:
    """The addresses a role may open."""
    return [one for one in addresses() if one.admits(role or "anonymous")]


def sample() -> dict[str | None, list[Address]]:
    """Every address once, spread over the roles that may open it."""
    shares: dict[str | None, list[Address]] = {role: [] for role in ROLES}
    for number, address in enumerate(addresses()):
        readers = [role for role in ROLES if address.admits(role or "anonymous")]
        shares[readers[number % len(readers)]].append(address)
    return shares


def one(number: int, of: Sequence[Any]) -> tuple[Any, ...]:
    """One for each page, in turn."""
    return (of[number % len(of)],)


def every(_number: int, of: Sequence[Any]) -> tuple[Any, ...]:
    """All of them, for each page."""
    return tuple(of)


def test_each_page_is_fit_to_be_read(
    city: City, browser: Browser, axe_source: str, request: pytest.FixtureRequest
) -> None:
    """Every page by `make matrix`; `make test` opens every third one of each role."""
    step = 1 if request.config.getoption("--slow") else 3
    count, found = 0, []
    for number, (role, mine) in enumerate(sample().items()):
        pages, faults = visit(browser, city, role, LANGUAGES[number % 2], mine[number % step :: step], axe_source, one)
        count, found = count + pages, found + faults

    assert not found, "\n".join(("", f"{len(found)} faults on {count} pages", *found[:400]))
    assert count >= 100 // step


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_every_page_of_a_role_is_fit_to_be_read(
    role: str | None, language: str, city: City, browser: Browser, axe_source: str
) -> None:
    count, found = visit(browser, city, role, language, admitted(role), axe_source, every)

    assert not found, "\n".join(("", f"{len(found)} faults on {count} pages", *found[:400]))
    assert count >= 3
