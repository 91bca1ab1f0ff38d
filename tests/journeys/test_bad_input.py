"""What people do wrong in a browser, and what they then read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from kangqiao.domain.accounts.models import User
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from tests.journey_plugin import Site
from tests.journeys.steps import Person, door, sign_in


@pytest.fixture
def people(browser: Browser, desk: dict[str, Any]) -> Any:
    """How people come in; these walks end in refusals, so what the console says of them is no fault."""
    return door(browser, desk, [])


def test_a_double_click_on_the_button_books_once(people: Any, site: Site) -> None:
    """An impatient finger gets one place."""
    who: Person = people("resident-bailu")
    who.opens("/slots/")
    who.page.locator(".days a").first.click()
    who.page.locator(".slot:enabled").first.click()

    who.page.get_by_role("button", name="确认预约").dblclick(no_wait_after=True)
    who.sees("已预约")

    assert Booking.objects.filter(resident__name="白露", status="booked").count() == 1


def test_the_same_form_sent_again_by_hand_books_once(people: Any, site: Site) -> None:
    """Two tabs with one key, or a reload of the answer: the second call gets the first one's answer."""
    who: Person = people("resident-jiangxiaoman")
    who.opens("/slots/")
    who.page.locator(".days a").first.click()
    who.page.locator(".slot:enabled").first.click()
    who.page.wait_for_url(re.compile(r"/slots/\d+/$"))

    answers = who.page.evaluate(
        """async () => {
            const form = document.querySelector('form[action$="/book/"]');
            const body = () => new URLSearchParams(new FormData(form));
            const send = () => fetch(form.action, {method: 'POST', body: body()}).then(answer => answer.status);
            return [await send(), await send()];
        }"""
    )

    assert answers == [200, 200]
    assert Booking.objects.filter(resident__name="江小满", status="booked").count() == 1


def test_a_second_tab_that_accepts_the_same_referral_is_told_who_was_first(people: Any, site: Site) -> None:
    """The slower of two clerks loses nothing and learns why."""
    first: Person = people("desk-zh_people1")
    first.opens("/referrals/desk/")
    second = Person(first.page.context.new_page())
    second.opens("/referrals/desk/")
    accept = re.compile("^接收")

    first.presses(accept, inside=first.page.locator("footer.act"))
    first.sees("已接收并占号")
    with second.page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        second.presses(accept, inside=second.page.locator("footer.act"))

    assert answer.value.status == 409
    expect(second.page.locator("#problem")).to_contain_text(User.objects.get(username="desk-zh_people1").name)


def test_a_second_letter_for_one_problem_is_shown_and_joined_by_one_press(people: Any, site: Site) -> None:
    """What was written is added to the letter that is open; there is no second one."""
    first = Referral.objects.filter(from_organization__code="c_xiangwan", status="sent", direction="up").earliest("pk")
    letters = Referral.objects.count()
    who: Person = people("gp-xiangwan-1")
    who.opens(f"/referrals/new/?resident={first.resident_id}&specialty={first.specialty}")
    who.sees(f"已有一张没有结束的转诊单：{first.number}")
    who.page.fill("#id_history", "昨夜胸闷两小时。")
    for name in ("examination", "medicines", "allergies", "reason"):
        who.page.fill(f"#id_{name}", "无")
    who.page.locator("#id_has_consent").check()
    who.presses(re.compile("^发出转诊并占号"))
    who.sees("还没有发出，您填的都在")
    expect(who.page.locator("#id_history")).to_have_value("昨夜胸闷两小时。")

    who.presses(f"补到 {first.number}")
    who.sees(f"已补到 {first.number}")
    who.sees("昨夜胸闷两小时。")

    first.refresh_from_db()
    assert "昨夜胸闷两小时。" in first.history
    assert Referral.objects.count() == letters


def test_a_time_that_is_over_is_refused_in_a_sentence(people: Any, site: Site) -> None:
    """An old address from the history of a browser books nothing."""
    slot = Slot.objects.filter(
        starts_at__lt=timezone.now(), session__kind=Session.Kind.POSTED_EXPERT, session__status="open"
    ).first()
    if slot is None:
        slot = Slot.objects.filter(session__kind=Session.Kind.POSTED_EXPERT).order_by("starts_at", "pk")[0]
        day = timezone.localtime(slot.starts_at)
        site.clock.go_to(day.date(), day.time().replace(hour=day.hour + 1))
    who: Person = people("resident-chenliqiu")
    who.opens(f"/slots/{slot.pk}/")

    who.presses("确认预约")

    expect(who.page.get_by_role("main")).to_contain_text("已经过了，不能再约")
    assert not Booking.objects.filter(resident__name="陈立秋", slot=slot).exists()


def test_a_wrong_password_opens_nothing_and_says_so(people: Any, site: Site) -> None:
    """The same sentence whether the name exists or not."""
    who: Person = people()
    sentences = []

    for name in ("dispatcher", "nobody-of-this-name"):
        sign_in(who, name, "wrong")
        sentences.append(who.page.locator(".problems").inner_text())

    assert "没有登录" in sentences[0]
    assert sentences[0] == sentences[1]
