"""The portal on a phone without network: pages are read again, readings are sent once, nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, BrowserContext, Page, expect

from kangqiao.base.models import Draft
from kangqiao.domain.records.models import Observation
from tests.pages.conftest import City
from tests.pages.test_helpers import KEPT, TAKEN

RECORD = "/residents/record/"
OWN = ("/", RECORD, "/slots/mine/", "/referrals/mine/", "/contracts/mine/", "/plans/mine/")
# Each kept answer of the phone's own store, whole.
WORDS = """async () => {
  const store = await caches.open("kangqiao-phone-1"), kept = await store.keys();
  return Promise.all(kept.map(async (one) => new URL(one.url).pathname + " " + await (await store.match(one)).text()));
}"""

AGAIN = """(body) => fetch("/residents/record/", { method: "POST", body: new URLSearchParams(body) })
  .then((answer) => answer.status)"""


@pytest.fixture
def phone(browser: Browser, city: City) -> Iterator[BrowserContext]:
    """A telephone nobody has signed in at."""
    context = browser.new_context(base_url=city.url, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    yield context
    context.set_offline(False)
    context.close()


@pytest.fixture
def resident(phone: BrowserContext, city: City) -> Page:
    """A resident with the portal installed."""
    comes(phone, city, "resident")
    page = phone.new_page()
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.evaluate(TAKEN)
    return page


def comes(phone: BrowserContext, city: City, role: str) -> None:
    """Somebody in a role takes the phone."""
    phone.clear_cookies(name="sessionid")
    phone.add_cookies(city.cookies(role, "zh-hans"))  # type: ignore[arg-type]


def kept(page: Page) -> list[str]:
    """What the phone holds beyond the files of the product."""
    found: list[str] = page.evaluate(KEPT)
    return sorted(path for path in found if path != "/offline/" and not path.startswith("/static/"))


def comes_online(page: Page) -> None:
    """The network is back, and the kept page on the screen loads anew by itself."""
    page.context.set_offline(False)
    expect(page.locator("body:not([data-kept-at])")).to_have_count(1)
    page.wait_for_load_state()


def types(page: Page, value: str, what: str = "glucose_fasting") -> None:
    """A reading in the form of the page, and the press of its button."""
    page.locator(f"[name={what}]").fill(value)
    page.get_by_role("button", name="记下来").click()


def readings(city: City) -> int:
    """How many values were measured at home."""
    return Observation.objects.filter(source="home").count()


def test_own_pages_are_read_again_with_the_time_they_are_from(resident: Page) -> None:
    for path in OWN:
        resident.goto(path)
    resident.goto("/slots/")
    heads = {}
    for path in OWN:
        resident.goto(path)
        heads[path] = resident.locator("h1").inner_text()

    resident.context.set_offline(True)
    for path in OWN:
        resident.goto(path)
        expect(resident.locator("h1")).to_have_text(heads[path])
        expect(resident.locator("#main > .hint").first).to_contain_text("没有网络。这一页是 20")
        others = "form:not([data-phone]):not(:has([data-signs-out])) button:enabled"
        assert resident.locator(others).count() == 0
        assert resident.evaluate("document.documentElement.scrollWidth <= 390")
    resident.goto("/slots/")

    expect(resident.locator("h1")).to_have_text("现在没有网络")
    assert set(kept(resident)) == {*OWN, "/kept/about"}


def test_a_reading_without_network_is_sent_once_when_it_returns(resident: Page, city: City) -> None:
    resident.goto(RECORD)
    before = readings(city)
    resident.context.set_offline(True)
    resident.goto(RECORD)
    types(resident, "6.1")
    expect(resident.locator("#main")).to_contain_text("1 次自测记在手机上，还没有送出")
    types(resident, "61", "weight")
    expect(resident.locator("#main")).to_contain_text("2 次自测记在手机上，还没有送出")
    assert readings(city) == before
    words = [one for one in resident.evaluate(WORDS) if one.startswith("/kept/unsent/")]

    comes_online(resident)
    resident.goto(RECORD)

    assert len(words) == 2
    assert readings(city) == before + 2
    assert [path for path in kept(resident) if "unsent" in path] == []
    for _again in range(5):
        body = words[0].split(" ", 1)[1]
        assert resident.evaluate(AGAIN, body) == 200
    assert readings(city) == before + 2


def test_a_reading_that_the_phone_cannot_keep_is_not_said_to_be_kept(resident: Page, city: City) -> None:
    resident.goto(RECORD)
    before = readings(city)
    resident.evaluate("caches.open('kangqiao-phone-1').then((store) => store.delete('/kept/about'))")
    resident.context.set_offline(True)

    types(resident, "72", "pulse")

    resident.wait_for_url("chrome-error://**")
    assert readings(city) == before
    resident.context.set_offline(False)
    resident.reload()  # the browser still has the words
    assert RECORD in resident.url
    assert [path for path in kept(resident) if "unsent" in path] == []
    assert readings(city) == before + 1


def test_a_reading_the_server_refuses_comes_back_with_every_word(resident: Page, city: City) -> None:
    resident.goto(RECORD)
    before = readings(city)
    resident.context.set_offline(True)
    resident.goto(RECORD)
    types(resident, "600")
    expect(resident.locator("#main")).to_contain_text("1 次自测记在手机上")

    comes_online(resident)
    resident.goto("/slots/mine/")
    resident.get_by_role("button", name="看一看").click()

    expect(resident.locator("[name=glucose_fasting]")).to_have_value("600")
    expect(resident.locator(".problems")).to_be_visible()
    resident.locator("[name=taken_at]").fill("2026-01-01T07:00")
    types(resident, "6.0")
    expect(resident.locator(".problems")).to_have_count(0)
    assert readings(city) == before + 1
    assert [path for path in kept(resident) if "unsent" in path] == []


@pytest.mark.parametrize("has_network", [True, False])
def test_after_signing_out_nothing_of_the_person_is_left(resident: Page, city: City, *, has_network: bool) -> None:
    resident.goto(RECORD)
    resident.goto("/slots/mine/")
    assert RECORD in kept(resident)

    resident.context.set_offline(not has_network)
    resident.goto("/slots/mine/")
    resident.locator(".app-hd summary").click()
    resident.get_by_role("button", name="退出登录").click()
    resident.wait_for_url("**/sign-in/**" if has_network else "**/offline/")
    resident.context.set_offline(True)

    for path in OWN:
        resident.goto(path)
        expect(resident.locator("h1")).to_have_text("现在没有网络")
    resident.context.set_offline(False)
    resident.goto("/slots/mine/")
    assert "/sign-in/" in resident.url
    assert kept(resident) == []


def test_a_change_of_person_empties_the_phone_and_late_words_reach_nobody_else(resident: Page, city: City) -> None:
    resident.goto(RECORD)
    resident.context.set_offline(True)
    resident.goto(RECORD)
    types(resident, "6.3")
    before = readings(city)
    comes(resident.context, city, "gp")
    comes_online(resident)

    assert kept(resident) == []
    assert readings(city) == before
    for path in ("/", "/referrals/", "/residents/"):
        resident.goto(path)
    assert kept(resident) == []


def test_when_the_session_has_ended_the_words_go_to_the_server_and_the_phone_is_empty(
    resident: Page, city: City
) -> None:
    resident.goto(RECORD)
    resident.context.set_offline(True)
    resident.goto(RECORD)
    types(resident, "6.4")
    expect(resident.locator("#main")).to_contain_text("1 次自测记在手机上")
    before = readings(city)
    Session.objects.all().delete()
    comes_online(resident)

    assert "/sign-in/" in resident.url
    assert kept(resident) == []
    assert readings(city) == before
    assert Draft.objects.filter(owner_id=city.side.users["resident"].pk, action=RECORD, page=RECORD).count() == 1


def test_pages_are_not_shown_after_the_session_would_have_ended(resident: Page) -> None:
    resident.goto(RECORD)
    age: Any = """async () => {
      const store = await caches.open("kangqiao-phone-1"), who = await (await store.match("/kept/about")).json();
      await store.put("/kept/about", new Response(JSON.stringify({ ...who, until: Date.now() - 1 })));
    }"""
    resident.evaluate(age)
    resident.context.set_offline(True)

    resident.goto(RECORD)

    expect(resident.locator("h1")).to_have_text("现在没有网络")
    assert kept(resident) == ["/kept/about"]
