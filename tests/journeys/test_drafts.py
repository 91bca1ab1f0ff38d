"""The session is over in the middle of a form: nothing typed is lost, and nobody else gets to read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

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


def begins_a_letter(people: Callable[..., Person]) -> tuple[Person, str]:
    """A family doctor has filled in a letter, and the session ends."""
    who = people(GP)
    centre = Membership.objects.filter(user__username=GP).values("organization")
    resident = Resident.objects.filter(centre__in=centre).order_by("pk")[0]
    who.opens(f"/referrals/new/?resident={resident.pk}")
    for label, words in LETTER.items():
        who.page.get_by_label(label).first.fill(words)
    who.page.locator("#id_has_consent").check()
    who.page.locator("#id_urgency input[value=urgent]").check()
    forget(who)
    who.presses("发出转诊并占号")
    return who, resident.name


def test_htmx_form_comes_back_filled_after_signing_in(people: Any, site: Site) -> None:
    """The letter of a referral, sent by HTMX: the whole page goes to the door and back."""
    who, resident = begins_a_letter(people)
    before = Referral.objects.count()

    comes_back(who, GP)

    who.sees(f"把{resident}转给医院")
    who.sees("已放回表单")
    for label, words in LETTER.items():
        expect(who.page.get_by_label(label).first).to_have_value(words)
    expect(who.page.locator("#id_has_consent")).to_be_checked()
    expect(who.page.locator("#id_urgency input[value=urgent]")).to_be_checked()
    assert Referral.objects.count() == before


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
