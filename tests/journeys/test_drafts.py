"""The session is over in the middle of a form: nothing typed is lost, and nobody else gets to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from kangqiao.domain.accounts.models import Membership
from kangqiao.domain.finance.models import BudgetFigure
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.models import Resident
from kangqiao.pathways.demonstration import PASSWORD
from tests.journey_plugin import Site
from tests.journeys.steps import Person, door, sign_in

GP = "gp-xiangwan-1"
LETTER = {"诊断": "高血压病3级", "病史摘要": "头晕两周", "查体和检查": "血压 182/110", "现用药": "无", "过敏史": "无"}


@pytest.fixture
def people(browser: Browser, desk: dict[str, Any]) -> Any:
    """How people come in; refusals are what these walks are about."""
    return door(browser, desk, [])


def forget(who: Person) -> None:
    """The session ends while the page stays open."""
    who.page.context.clear_cookies(name="sessionid")


def comes_back(who: Person, name: str) -> None:
    """Sign in on the page one was sent to."""
    who.sees("您刚才填的内容还在")
    who.page.fill("#id_username", name)
    sign_in_here(who)


def sign_in_here(who: Person) -> None:
    """The password, on the page as it stands."""
    who.page.fill("#id_password", PASSWORD)
    who.page.locator("form button.btn").first.click()


def writes_a_letter(people: Callable[..., Person]) -> tuple[Person, str]:
    """A family doctor has filled in a letter and has not sent it."""
    who = people(GP)
    centre = Membership.objects.filter(user__username=GP).values("organization")
    resident = Resident.objects.filter(centre__in=centre).order_by("pk")[0]
    who.opens(f"/referrals/new/?resident={resident.pk}")
    for label, words in LETTER.items():
        who.page.get_by_label(label).first.fill(words)
    who.page.locator("#id_has_consent").check()
    who.page.locator("#id_urgency input[value=urgent]").check()
    return who, resident.name


def begins_a_letter(people: Callable[..., Person]) -> tuple[Person, str]:
    """The session ends, and the doctor sends the letter."""
    who, name = writes_a_letter(people)
    forget(who)
    who.presses("发出转诊并占号")
    return who, name


def stands_there_again(who: Person, resident: str) -> None:
    """Every word of the letter is back in its form."""
    who.sees(f"把{resident}转给医院")
    expect(who.page.locator("[data-put-back]")).to_be_visible()
    for label, words in LETTER.items():
        expect(who.page.get_by_label(label).first).to_have_value(words)
    expect(who.page.locator("#id_has_consent")).to_be_checked()
    expect(who.page.locator("#id_urgency input[value=urgent]")).to_be_checked()


def test_htmx_form_comes_back_filled_after_signing_in(people: Any, site: Site) -> None:
    """The letter of a referral, sent by HTMX: the whole page goes to the door and back."""
    who, resident = begins_a_letter(people)
    before = Referral.objects.count()

    comes_back(who, GP)

    stands_there_again(who, resident)
    assert Referral.objects.count() == before


def test_what_the_page_asks_by_itself_leads_nobody_away_from_a_letter(people: Any, site: Site) -> None:
    """What is filled is counted while the doctor types on: the page stays, and sending it keeps every word."""
    who, resident = writes_a_letter(people)
    who.page.wait_for_load_state("networkidle")
    forget(who)
    with who.page.expect_response(re.compile("new/whole")):
        who.fills("病史摘要", "头晕")
    who.sees("您的登录已结束。您填的内容还在页面上")
    who.fills("病史摘要", LETTER["病史摘要"])
    who.presses("发出转诊并占号")

    comes_back(who, GP)

    stands_there_again(who, resident)


def test_count_that_arrives_after_the_letter_does_not_take_its_place(people: Any, site: Site) -> None:
    """Both calls are under way as the session ends; the server hears of the letter first, the browser of the count."""
    who, resident = writes_a_letter(people)
    who.page.wait_for_load_state("networkidle")
    forget(who)
    counts: list[Route] = []
    letters: list[Route] = []
    who.page.route("**/new/whole/", lambda route: counts.append(route))
    who.page.route("**/new/?*", lambda route: letters.append(route))
    with who.page.expect_request(re.compile("new/whole")):
        who.fills("现用药", "暂无")
        who.fills("现用药", LETTER["现用药"])
    with who.page.expect_request(re.compile(r"new/\?")):
        who.presses("发出转诊并占号")
    letter = letters[0]
    answer = letter.fetch()
    with who.page.expect_response(re.compile("new/whole")):
        counts[0].continue_()
    who.page.unroute("**/new/?*")
    letter.fulfill(response=answer)

    comes_back(who, GP)

    stands_there_again(who, resident)


def test_somebody_else_at_the_desk_does_not_read_it(people: Any, site: Site) -> None:
    """A colleague signs in where the doctor's session ended."""
    who, _ = begins_a_letter(people)

    comes_back(who, "manager-xiangwan")
    who.page.wait_for_load_state()
    who.opens("/")

    assert LETTER["诊断"] not in who.page.content()


def test_plain_form_comes_back_and_is_then_sent(people: Any, site: Site) -> None:
    """A figure of the money: back at the form, one more press sends it, and the draft is gone."""
    who: Person = people("finance-zhuhai")
    who.opens("/finance/inputs/")
    who.page.locator("#id_number").fill("1234567")
    who.page.locator("#id_source").fill("财政年报第 3 页")
    forget(who)
    who.page.locator("main form:has(#id_number) button").first.click()

    comes_back(who, "finance-zhuhai")
    who.sees("已放回表单")
    expect(who.page.locator("#id_number")).to_have_value("1234567")
    assert not BudgetFigure.objects.filter(source="财政年报第 3 页").exists()
    who.page.locator("main form:has(#id_number) button").first.click()
    expect(who.page.locator("#id_number")).to_have_value("")

    assert BudgetFigure.objects.filter(source="财政年报第 3 页").count() == 1


def test_signed_in_elsewhere_meanwhile_the_form_says_so_and_comes_back(people: Any, site: Site) -> None:
    """The mark of the form is an old one: refused in words, and filled again on the fresh page."""
    who: Person = people("guidance-zh_people1")
    who.opens("/agreements/new/")
    who.page.locator("#id_justification").fill("两个标签页")
    other = Person(who.page.context.new_page())
    other.page.context.clear_cookies(name="sessionid")
    sign_in(other, "guidance-zh_people1")
    other.page.wait_for_url("**/")

    who.page.locator("main form button.btn-primary").first.click()
    who.sees("您在别处重新登录过")
    who.presses("回到刚才的页面")

    expect(who.page.locator("#id_justification")).to_have_value("两个标签页")
