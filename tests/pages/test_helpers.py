"""What helps on every page, by keyboard: the search, the sheet of keys, the tour; the portal without network."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from kangqiao.base.signatures import DRAWN
from tests.pages.conftest import City

KEPT = """async () => {
  const stores = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const asked = (await Promise.all(stores.map((store) => store.keys()))).flat();
  return asked.map((one) => new URL(one.url).pathname);
}"""

TAKEN = """() => new Promise((taken) => {
  const worker = navigator.serviceWorker;
  if (worker.controller) taken(); else worker.addEventListener("controllerchange", () => taken(), { once: true });
})"""


def someone(browser: Browser, city: City, role: str) -> Iterator[Page]:
    """Somebody in a role, at the first page."""
    context = browser.new_context(base_url=city.url, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.add_cookies(city.cookies(role, "zh-hans"))  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


@pytest.fixture
def doctor(browser: Browser, city: City) -> Iterator[Page]:
    """A family doctor."""
    yield from someone(browser, city, "gp")


@pytest.fixture
def resident(browser: Browser, city: City) -> Iterator[Page]:
    """A resident with the portal open."""
    yield from someone(browser, city, "resident")


def test_a_page_is_found_and_opened_by_keys_alone(doctor: Page) -> None:
    doctor.keyboard.press("Control+k")
    field = doctor.locator("#find-palette")
    expect(field).to_be_focused()
    # Everything the role may open stands there before a letter is typed.
    expect(doctor.locator("#found-palette [role=option]").first).to_be_visible()

    doctor.keyboard.type("zhuanzhen")
    expect(doctor.locator("#found-palette [role=option]").first).to_contain_text("转诊")
    expect(field).to_have_attribute("aria-activedescendant", "hit-deeds-1")
    doctor.keyboard.press("ArrowDown")
    chosen = doctor.locator("#found-palette [aria-selected=true]")
    expect(chosen).to_have_count(1)
    address = chosen.get_attribute("href")
    doctor.keyboard.press("Enter")

    assert address
    doctor.wait_for_url(f"**{address}")


def test_what_is_typed_before_the_page_listens_is_answered(doctor: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    doctor.route("**/htmx.min*", hold)
    doctor.goto("/find/", wait_until="commit")
    doctor.fill("#find-page", "zhuanzhen")
    while not held:
        doctor.wait_for_timeout(50)

    for one in held:
        one.continue_()

    expect(doctor.locator("#find-page")).to_have_attribute("data-answered", "zhuanzhen")
    expect(doctor.locator("#found-page [role=option]").first).to_contain_text("转诊")


def test_enter_in_haste_opens_nobody(doctor: Page) -> None:
    """The list still answers older words: Enter asks anew, and only the next one opens."""
    doctor.keyboard.press("Control+k")
    expect(doctor.locator("#found-palette [role=option]").first).to_be_visible()
    before = doctor.url

    doctor.keyboard.type("paiban")
    doctor.keyboard.press("Enter")
    expect(doctor.locator("#find-palette")).to_have_attribute("data-answered", "paiban")

    assert doctor.url == before


def test_the_sheet_tells_the_keys_of_this_page_and_gives_the_focus_back(doctor: Page) -> None:
    doctor.goto("/referrals/")
    doctor.keyboard.press("?")
    expect(doctor.locator("#help")).to_be_visible()
    expect(doctor.locator("#help [data-page-keys]")).to_contain_text("Alt N")

    doctor.keyboard.press("Escape")

    expect(doctor.locator("#help")).to_be_hidden()


def test_the_tour_goes_to_its_end_by_enter(doctor: Page) -> None:
    doctor.keyboard.press("?")
    doctor.locator("[data-tour]").focus()
    doctor.keyboard.press("Enter")
    card = doctor.locator("dialog.tour")
    expect(card).to_be_visible()
    expect(card).to_contain_text("1 /")

    marked = 0
    for _stop in range(30):
        if not card.count():
            break
        marked += doctor.locator(".tour-at").count()
        doctor.keyboard.press("Enter")

    expect(card).to_have_count(0)
    assert marked >= 6


def test_keys_of_one_letter_can_be_switched_off(doctor: Page) -> None:
    doctor.goto("/mode/")
    doctor.get_by_label("单个字母可以当快捷键").uncheck()
    doctor.get_by_role("button", name="按这样显示").click()
    doctor.goto("/referrals/")

    doctor.keyboard.press("?")

    expect(doctor.locator("#help")).to_be_hidden()
    expect(doctor.locator("body")).to_have_attribute("data-single-keys", "off")


def test_large_pages_stay_large_and_the_account_remembers(resident: Page, city: City) -> None:
    resident.get_by_role("button", name="长辈版").click()
    expect(resident.locator("html")).to_have_attribute("data-mode", "elder")
    resident.goto("/slots/")

    expect(resident.locator("html")).to_have_attribute("data-mode", "elder")
    person = city.side.users["resident"]
    person.refresh_from_db()
    assert person.display == "elder"
    resident.get_by_role("button", name="回标准版").click()
    expect(resident.locator("html")).not_to_have_attribute("data-mode", "elder")


def test_a_signature_is_kept_as_it_is_drawn_and_cleared(doctor: Page, city: City) -> None:
    doctor.goto(reverse("contracting-step", args=(city.side.contract.pk, "renew")))
    pad = doctor.locator("[data-sign-pad]")
    pad.scroll_into_view_if_needed()
    box = pad.locator("canvas").bounding_box()
    assert box is not None
    doctor.mouse.move(box["x"] + 10, box["y"] + 10)
    doctor.mouse.down()
    doctor.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    doctor.mouse.up()

    drawn = pad.locator("input").input_value()
    assert drawn.startswith("M")
    assert drawn.count("L") >= 2
    assert re.fullmatch(DRAWN, drawn)
    pad.locator("[data-sign-clear]").click()
    assert pad.locator("input").input_value() == ""
