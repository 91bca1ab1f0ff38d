"""People and their family doctors: signed at home, renewed on the telephone, another team, a daughter who helps."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from playwright.sync_api import expect

from kangqiao.domain.contracting.models import Contract, Team
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.identifiers import id_check_digit
from tests.journey_plugin import DAY, Site
from tests.journeys.steps import Person

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# The husband is on no register yet.
HUSBAND = "47049919900312013"


def draws(who: Person) -> None:
    """A name written by hand in the box of the page."""
    pad = who.page.locator("[data-sign-pad] canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    left, top = box["x"] + 40, box["y"] + 30
    who.page.mouse.move(left, top)
    who.page.mouse.down()
    for step in range(1, 6):
        who.page.mouse.move(left + 25 * step, top + (40 if step % 2 else 5))
    who.page.mouse.up()


def test_a_household_signs_at_home_with_one_signature(people: Any, site: Site, faults: list[str]) -> None:
    """At the kitchen table: the husband is registered, both apply, and the wife signs on the screen for the two."""
    site.clock.go_to(DAY, time(9, 0))
    wife = Resident.objects.get(name="白露")
    doctor: Person = people("gp-xiangwan-1", viewport={"width": 1024, "height": 768}, has_touch=True)
    doctor.opens("/residents/new/")
    doctor.page.fill("#id_identifier", HUSBAND + id_check_digit(HUSBAND))
    doctor.page.fill("#id_name", "演示丈夫")
    doctor.page.fill("#id_address", wife.address)
    doctor.presses(re.compile("^建档"))
    doctor.page.wait_for_url(re.compile(r"/residents/\d+/"))

    doctor.opens("/contracts/new/")
    doctor.page.fill("#q", "bl")
    doctor.page.locator("#found a", has_text="白露").click()
    doctor.page.get_by_label(re.compile("演示丈夫")).check()
    doctor.presses(re.compile("^登记申请"))
    doctor.sees("还要演示丈夫本人同意")
    expect(doctor.page.get_by_label(re.compile("演示丈夫"))).to_be_checked()
    doctor.page.get_by_label("一起签约的成年家人都已同意").check()
    doctor.presses(re.compile("^登记申请"))
    doctor.sees("申请已登记")
    doctor.presses(re.compile("^接受"))
    doctor.sees("名额已留好")
    doctor.presses(re.compile("^签署"))
    doctor.sees("家庭一起办理，共 2 人")
    doctor.page.get_by_role("radio", name=re.compile("屏幕")).check()
    doctor.page.select_option("#id_where", "home")
    doctor.presses(re.compile("^签署"))
    doctor.sees("屏幕签署要有手写签名")
    draws(doctor)
    doctor.fits()
    doctor.presses(re.compile("^签署"))
    doctor.sees("已签约，今天起生效")

    rows = Contract.objects.filter(resident__name__in=("白露", "演示丈夫"))
    assert {(one.status, one.where, one.way, one.signed_by) for one in rows} == {("active", "home", "screen", "白露")}
    assert len({one.household_id for one in rows}) == 1
    assert all(one.signature for one in rows)
    assert [one for one in faults if "422" not in one] == []


def test_a_resident_renews_on_the_telephone_and_loses_no_day(people: Any, site: Site, faults: list[str]) -> None:
    """Reminded a month before; one press goes on the day the present term ends, in the same place."""
    old = Contract.objects.get(resident__name="林惊蛰", status="active")
    site.clock.go_to(date(2026, 3, 20), time(19, 0))
    who: Person = people("resident-linjingzhe", **PHONE)
    who.taps = 0
    who.opens("/contracts/mine/")
    who.presses("续约")
    who.sees("签署后团队可以看您的健康档案")
    who.fits()
    who.presses("续约")
    who.sees("已续约，接着上一期生效")
    who.sees("2026-04-10 起接着服务")
    who.fits()

    new = Contract.objects.get(previous=old)
    assert who.taps == 2
    assert (new.status, new.starts_on, new.way, new.signed_by) == ("signed", old.ends_on, "screen", "林惊蛰")
    assert Team.objects.get(pk=old.team_id).taken == Team.objects.get(pk=new.team_id).taken
    expect(who.page.get_by_role("link", name="续约", exact=True)).to_have_count(0)
    assert faults == []


def test_who_changes_teams_has_one_at_every_moment(people: Any, site: Site, faults: list[str]) -> None:
    """Asked for on the telephone, accepted at the centre, signed with the code read out: no gap and no overlap."""
    site.clock.go_to(DAY, time(10, 0))
    old = Contract.objects.get(resident__name="周谷雨", status="active")
    who: Person = people("resident-zhouguyu", **PHONE)
    who.opens("/contracts/mine/")
    who.presses("换团队")
    who.page.get_by_role("radio", name=re.compile("拱北第二")).check()
    who.presses("申请签约")
    who.sees("申请已送给团队")
    who.sees("签约中")

    doctor: Person = people("gp-gongbei-1")
    doctor.opens("/contracts/?tab=applied")
    doctor.page.locator("a[data-open]", has_text="周谷雨").click()
    doctor.presses(re.compile("^接受"))
    doctor.sees("名额已留好")
    who.opens("/contracts/mine/")
    code = who.page.locator("p.h1").inner_text()
    doctor.opens(f"/contracts/{Contract.objects.get(resident__name='周谷雨', status='accepted').pk}/sign/")
    doctor.page.get_by_role("radio", name=re.compile("签约码")).check()
    doctor.page.fill("#id_code", "12345")
    doctor.presses(re.compile("^签署"))
    doctor.sees("签约码不对，还可以试")
    doctor.page.fill("#id_code", code)
    doctor.presses(re.compile("^签署"))
    doctor.sees("已签约，今天起生效")

    old.refresh_from_db()
    new = Contract.objects.get(previous=old)
    assert (old.status, old.ends_on, new.status, new.starts_on) == ("transferred", DAY, "active", DAY)
    who.opens("/contracts/mine/")
    who.sees("拱北第二家庭医生团队")
    who.fits()
    assert [one for one in faults if "422" not in one] == []


def names_her(elder: Person, daughter: Resident) -> None:
    """On his own telephone, by the name and number of her papers."""
    elder.opens("/residents/consents/")
    elder.fills("姓名", "江小满")
    elder.fills("证件号", daughter.identifier[:-1] + "0")
    elder.presses("添加代办人")
    elder.sees("姓名和证件号")
    elder.fills("证件号", daughter.identifier)
    elder.presses("添加代办人")
    elder.sees("江小满")
    elder.fits()


def test_a_daughter_books_for_her_father_and_reads_where_he_goes(people: Any, site: Site, faults: list[str]) -> None:
    """He names her; she books and reads for him, sees none of his record, and nothing once he takes it back."""
    site.clock.go_to(DAY, time(8, 0))
    father, daughter = Resident.objects.get(name="周谷雨"), Resident.objects.get(name="江小满")
    elder: Person = people("resident-zhouguyu", **PHONE)
    names_her(elder, daughter)

    she: Person = people("resident-jiangxiaoman", **PHONE)
    she.opens("/residents/consents/")
    she.presses("替TA预约")
    she.sees("周谷雨")
    she.page.locator(".days a").last.click()
    she.page.locator(".slot:enabled").first.click()
    she.sees("就诊人")
    she.sees("周谷雨")
    she.presses("确认预约")
    she.sees("已预约")
    booking = Booking.objects.get(resident=father, status="booked")
    she.opens(f"/slots/mine/?resident={father.pk}")
    she.sees("周谷雨的预约")
    she.sees("下一次就诊")
    she.presses("再约一位专家")
    she.sees("正在为 周谷雨 预约")
    she.fits()
    elder.opens("/slots/mine/")
    elder.sees("下一次就诊")
    answer = she.page.goto(f"/residents/record/?resident={father.pk}")

    assert answer is not None
    assert answer.status == 404
    assert (booking.channel, booking.booked_by) == ("self", daughter.name)
    assert not Booking.objects.filter(resident=daughter).exists()
    elder.opens("/residents/consents/")
    elder.presses("撤回")
    she.opens(f"/slots/mine/?resident={father.pk}")
    assert "周谷雨的预约" not in she.page.content()
    assert [one for one in faults if "422" not in one and "404" not in one] == []
