"""Every place in every rail: it opens, says no error, fits the screens of clinics and phones, and reads aloud."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from kangqiao.domain.accounts.models import Role
from kangqiao.edges.home.rail import RAILS
from tests.journey_plugin import Site
from tests.journeys.steps import Person, door

SCREENS = ((1440, 900), (1366, 768), (390, 844))
PEOPLE = {
    Role.RESIDENT: "resident-linjingzhe",
    Role.GP: "gp-xiangwan-1",
    Role.EXPERT: "expert-zh_people1-1",
    Role.CENTRE_MANAGER: "manager-xiangwan",
    Role.REFERRAL_DESK: "desk-zh_people1",
    Role.GUIDANCE_OFFICE: "guidance-zh_people1",
    Role.DISPATCHER: "dispatcher",
    Role.HOSPITAL_DIRECTOR: "director-zh_people1",
    Role.PHARMACIST: "pharmacist-zh_people1",
    Role.BUREAU_OFFICER: "bureau-zhuhai",
    Role.FINANCE_OFFICER: "finance-zhuhai",
    Role.INSURER: "insurer",
    Role.HELPER: "helper-xiangwan",
    Role.SCHOOL_HEALTH: "school-xiangwan",
    Role.SYSTEM_ADMIN: "system-admin",
    Role.SECURITY_ADMIN: "security-admin",
    Role.AUDIT_ADMIN: "audit-admin",
}
GRAVE = ("serious", "critical")
HANZI = re.compile("[\u4e00-\u9fff]")
CHROME = "nav.rail, .pgh h1, h1, th[scope=col], label, button:not([name=language])"


def too_wide(page: Page) -> list[str]:
    """The screens this page does not fit, and by how much; the widest first part that sticks out is named."""
    found = []
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        excess = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
        if excess > 0:
            found.append(f"{page.url} at {width}: {excess} px too wide")
    return found


def unreadable(page: Page, axe: str) -> list[str]:
    """Grave faults of accessibility on the page as it stands."""
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations'], iframes: false})")
    return [
        f"{page.url} {fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in result["violations"]
        if fault["impact"] in GRAVE
    ]


def test_every_role_with_a_rail_has_somebody_in_this_test() -> None:
    """A new role must be walked too."""
    assert set(PEOPLE) == set(RAILS)


# Their rails hold every kind of place; tests/pages opens the others' places.
ALWAYS = (Role.RESIDENT, Role.GP, Role.REFERRAL_DESK, Role.DISPATCHER, Role.BUREAU_OFFICER, Role.SYSTEM_ADMIN)


@pytest.mark.parametrize(
    "role", [pytest.param(role, marks=() if role in ALWAYS else pytest.mark.slow, id=role.value) for role in PEOPLE]
)
def test_every_place_of_the_rail_opens_fits_and_reads(
    role: Role, browser: Browser, desk: dict[str, Any], site: Site, axe_source: str
) -> None:
    """200, silence in the console, no sideways scrolling; home and the first place of work without grave faults."""
    faults: list[str] = []
    person: Person = door(browser, desk, faults)(PEOPLE[role])
    page = person.page

    addresses = page.locator("nav.rail a:not(.brand), nav.app-bar a").evaluate_all(
        "links => links.map(a => a.pathname)"
    )
    for number, address in enumerate(addresses):
        answer = page.goto(address, wait_until="load")
        if answer is None or answer.status != 200:
            faults.append(f"{address} answered {answer and answer.status}")
            continue
        faults += too_wide(page)
        if number < 2:
            page.set_viewport_size({"width": 1366, "height": 768})
            faults += unreadable(page, axe_source)
    page.context.close()

    assert len(addresses) == len(RAILS[role])
    assert faults == []


@pytest.mark.parametrize(("username", "address"), [("dispatcher", "/roster/"), ("gp-xiangwan-1", "/referrals/")])
def test_english_leaves_no_chinese_in_what_the_product_says(
    username: str, address: str, browser: Browser, desk: dict[str, Any], site: Site
) -> None:
    """Rail, titles, heads of tables, labels and buttons; names of people and places stay as they are."""
    faults: list[str] = []
    page = door(browser, desk, faults)(username).page
    page.goto(address)

    page.locator("summary", has=page.locator(".face")).click()
    page.get_by_role("button", name="English").click()
    page.wait_for_function("document.documentElement.lang === 'en'")
    said = page.locator(CHROME).evaluate_all(
        "all => all.filter(e => !e.closest('form[action*=step], tbody')).map(e => e.innerText)"
    )
    page.context.close()

    assert [words for words in said if HANZI.search(words)] == []
    assert faults == []
