"""Between two houses: everything kept in one letter up, a patient handed back and forgotten, a student sent on at once.

With `--pictures` each walk also writes its page of docs/guide.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from kangqiao.base.acting import as_system
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral, SchoolCase
from tests.journey_plugin import DAY, Site
from tests.journeys import in_chinese
from tests.journeys.steps import DOCS, Album, Person

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LEAD = (
    "Written by the journey test that walks it in a browser (`pytest tests/journeys/test_two_ways.py --pictures`)."
    " Hospitals and centres are those of the Zhuhai paper; every person is invented (演示)."
)


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> bool:
    """Whether pictures are wanted."""
    return bool(request.config.getoption("--pictures"))


def a_letter_with_three_places(doctor: Person, album: Album) -> Referral:
    """The doctor keeps the visit, a CT and a bed with the letter, all or none."""
    doctor.chooses("转诊")
    doctor.keys("Alt+n")
    doctor.page.fill("#find-person", "ljz")
    doctor.page.locator("#found-person [role=option]").first.click()
    doctor.page.wait_for_url(re.compile("resident="))
    doctor.page.wait_for_load_state()
    doctor.page.select_option("#id_specialty", index=1)
    visit = doctor.page.locator("#slots input[name=slot]:not([value=''])").first
    visit.check()
    doctor.page.select_option("#part-ct", index=1)
    doctor.page.select_option("#part-ward", index=6)  # after the CT: what overlaps is refused
    doctor.fills("诊断", "I20 不稳定型心绞痛")
    doctor.page.fill("#id_reason", "胸闷加重，社区不能做造影和CT。")
    doctor.page.fill("#id_history", "高血压五年，两周来活动后胸闷。")
    doctor.page.fill("#id_examination", "血压 162/98 mmHg，心率 88 次/分。")
    doctor.page.fill("#id_medicines", "缬沙坦 80mg 每日一次")
    doctor.page.fill("#id_allergies", "无")
    doctor.page.locator("#id_has_consent").check()
    doctor.sees(re.compile("资料 (\\d)/\\1 项"))
    album.heads("One letter: the visit, the CT and the bed are kept together")
    album.takes(doctor.page, "letter", "What is kept beside the visit is chosen in the same page")
    doctor.keys("Alt+s")
    doctor.sees("已发出转诊单")
    doctor.sees("住院床位")
    number = doctor.page.url.rstrip("/").rsplit("/", 1)[1]
    return Referral.objects.get(pk=number)


def done_at_the_hospital(people: Any, site: Site, letter: Referral, album: Album) -> None:
    """Day by day at the window: received once a day, and each thing is done in its own queue."""
    slots = [letter.booking.slot, *(part.booking.slot for part in letter.parts.all())]  # type: ignore[union-attr]
    for number, day in enumerate(sorted({timezone.localtime(slot.starts_at).date() for slot in slots})):
        site.clock.go_to(day, time(7, 40))
        desk: Person = people("desk-zh_people1")
        desk.chooses("接收台")
        desk.presses("转诊专窗")
        desk.page.locator(f"#r{letter.pk}").get_by_role("button", name=re.compile("^到院签到")).click()
        row = desk.page.locator(f"#r{letter.pk}")
        expect(row.get_by_role("button").first).to_have_text(re.compile("做完|已"))
        if number == 0:
            album.heads("At the window: received once a day, in three queues by points")
        album.takes(desk.page, f"window-{number}", "Who came today, and the three queues")
        for done in row.get_by_role("button").all_inner_texts():
            desk.page.locator(f"#r{letter.pk}").get_by_role("button", name=done).click()
            expect(desk.page.locator(f"#r{letter.pk}").get_by_role("button", name=done)).to_have_count(0)


def test_visit_examination_and_bed_are_kept_in_one_letter_and_used(
    people: Any, site: Site, faults: list[str], keep: bool
) -> None:
    """The patient stands in three queues without having asked for any of them."""
    album = Album("green", keep=keep)
    doctor: Person = people("gp-xiangwan-1")
    letter = a_letter_with_three_places(doctor, album)
    assert {part.kind for part in letter.parts.all()} == {"ct", "ward"}
    assert letter.booking is not None

    desk: Person = people("desk-zh_people1")
    desk.opens(f"/referrals/desk/?open={letter.pk}")
    desk.sees("占好的号、检查和床位")
    album.heads("The desk: three places wait for one press")
    album.takes(desk.page, "desk", "The letter with everything that is kept")
    desk.presses(re.compile("^接收"), inside=desk.page.locator("footer.act"))
    desk.sees("已接收并占号")

    done_at_the_hospital(people, site, letter, album)
    letter.refresh_from_db()
    assert letter.status == "seen"
    assert letter.arrived_at is not None
    assert {part.booking.status for part in letter.parts.all()} == {"fulfilled"}
    doctor = people("gp-xiangwan-1")
    doctor.opens(f"/referrals/{letter.pk}/")
    doctor.sees(re.compile("现由 .*人民医院 照管"))
    assert faults == []
    album.says("The patient stood in three queues without having asked for any of them, and the centre knows where.")
    album.binds(DOCS / "guide" / "green-channel.md", "One letter, three places", LEAD, in_chinese.GREEN)


def a_letter_without_a_place(doctor: Person, hospital: Organization) -> Referral:
    """The specialty has no places there, and the doctor sends the letter all the same."""
    doctor.opens("/referrals/new/")
    doctor.page.fill("#find-person", "bl")
    doctor.page.locator("#found-person [role=option]", has_text="白露").click()
    doctor.page.wait_for_url(re.compile("resident="))
    doctor.page.wait_for_load_state()
    with doctor.page.expect_response(re.compile("/referrals/new/slots/")):
        doctor.page.select_option("#id_to_organization", str(hospital.pk))
    with doctor.page.expect_response(re.compile("/referrals/new/slots/")):
        doctor.page.select_option("#id_specialty", "cardiology")
    doctor.page.locator("#slots label", has_text="不占号").click()
    doctor.fills("诊断", "I47 阵发性心动过速")
    doctor.page.fill("#id_reason", "反复心悸，社区不能做动态心电图。")
    for name, words in (
        ("history", "心悸两月。"),
        ("examination", "心率 112。"),
        ("medicines", "无"),
        ("allergies", "无"),
    ):
        doctor.page.fill(f"#id_{name}", words)
    doctor.page.locator("#id_has_consent").check()
    doctor.keys("Alt+s")
    doctor.sees("已发出转诊单")
    return Referral.objects.latest("pk")


def redirected(desk: Person, letter: Referral, second: Organization) -> None:
    """The first desk sees who has places, calls, and sends the letter on."""
    desk.opens(f"/referrals/desk/?open={letter.pk}")
    desk.presses(re.compile("^改投别处"))
    desk.sees("个号")
    desk.presses(re.compile("^改投别处"))
    desk.sees("请先打电话说好，再勾选")
    desk.page.get_by_role("radio", name=re.compile(f"{second.zh}.*个号")).check()
    desk.page.fill("#id_reason", "本院心血管内科两周内没有号，那里有。")
    desk.page.get_by_label("已和居民或转出医生说好").check()
    desk.presses(re.compile("^改投别处"))
    desk.sees("已改投，新的医院会收到")


def test_without_a_place_there_the_letter_goes_on_to_a_hospital_that_has_one(
    people: Any, site: Site, faults: list[str]
) -> None:
    """Nobody begins again: the desk redirects, the next desk takes the patient, the doctor reads where."""
    site.clock.go_to(DAY, time(8, 30))
    first, second = (Organization.objects.get(code=code) for code in ("zh_people1", "gdtcm_zh"))
    doctor, desk = people("gp-xiangwan-1"), people("desk-zh_people1")
    letter = a_letter_without_a_place(doctor, first)
    redirected(desk, letter, second)
    letter.refresh_from_db()
    assert (letter.status, letter.booking_id) == ("sent", None)

    other: Person = people("desk-gdtcm_zh")
    other.opens(f"/referrals/desk/?open={letter.pk}")
    other.sees("I47 阵发性心动过速")
    other.presses(re.compile("^接收"), inside=other.page.locator("footer.act"))
    other.sees("已接收并占号")
    doctor.opens(f"/referrals/{letter.pk}/")
    doctor.sees("那里有。")
    doctor.sees("就诊安排")
    desk.opens(f"/referrals/{letter.pk}/")
    letter.refresh_from_db()

    assert letter.booking is not None
    assert letter.booking.session.organization_id == letter.to_organization_id == second.pk
    assert desk.page.get_by_text("I47 阵发性心动过速").count() == 0
    assert [one for one in faults if "422" not in one and "404" not in one] == []


def the_clocks_are_read() -> None:
    """What the job of every ten minutes does."""
    with as_system("referral-clocks") as by:
        actions.escalate_overdue(by=by, at=timezone.now())


def opened(page: Page) -> None:
    """The first of the list, in the drawer beside it."""
    page.locator("tr[data-item] [data-open]").first.click()
    page.locator(".drawer").wait_for()


def made_up_for(doctor: Person, letter: Referral, album: Album) -> None:
    """The contact stands on the worklist, overdue, until it is written down."""
    doctor.opens("/?list=contact")
    row = doctor.page.locator("tr[data-item]", has_text=letter.resident.name)
    expect(row).to_contain_text("超时")
    album.takes(doctor.page, "worklist", "It stands on the worklist until it is done")
    row.get_by_role("link", name=re.compile("记录首次随访")).click()
    doctor.page.fill("#id_note", "电话随访：血压 136/84，无不适，下周来中心。")
    doctor.presses(re.compile("^记录首次随访"))
    doctor.sees("下转完成")


def test_a_patient_handed_back_and_forgotten_is_not_lost(
    people: Any, site: Site, faults: list[str], keep: bool
) -> None:
    """Taken over, not called within the limit: the doctor is reminded, the manager told, the contact made up for."""
    album = Album("back", keep=keep)
    site.clock.go_to(DAY, time(8, 0))
    doctor: Person = people("gp-xiangwan-1")
    doctor.opens("/?list=down")
    opened(doctor.page)
    doctor.sees("康复与随访计划")
    album.heads("Handed back: medicines, plan and danger signs before anybody agrees")
    album.takes(doctor.page, "plan", "The plan of the hospital beside the worklist", opened)
    doctor.presses(re.compile("^接收并安排随访"))
    doctor.sees("已接收，请在时限内完成首次随访")
    letter = Referral.objects.filter(direction="down", status="taken_over").latest("clock_from")
    assert letter.due_at is not None
    until = timezone.localtime(letter.due_at)

    halfway = timezone.localtime(letter.clock_from + (letter.due_at - letter.clock_from) * 0.6)
    site.clock.go_to(halfway.date(), time(halfway.hour, halfway.minute))
    the_clocks_are_read()
    doctor = people("gp-xiangwan-1")
    doctor.opens("/notices/")
    doctor.sees(f"转诊单{letter.number}时限已过半")

    site.clock.go_to(until.date() + timedelta(days=1), time(8, 0))
    the_clocks_are_read()
    manager: Person = people("manager-xiangwan")
    manager.opens("/notices/")
    manager.sees(f"转诊单{letter.number}超过时限")
    album.heads("Forgotten: the doctor was reminded, now the manager knows")
    album.takes(manager.page, "overdue", "The manager reads whose first contact is overdue")

    made_up_for(people("gp-xiangwan-1"), letter, album)
    letter.refresh_from_db()
    assert letter.status == "followed_up"
    assert faults == []
    album.says("The contact came late, but it came; both houses read when.")
    album.binds(DOCS / "guide" / "handed-back.md", "Handed back and followed up", LEAD, in_chinese.HANDED_BACK)


def reported_from_the_yard(school: Person, album: Album) -> SchoolCase:
    """On the telephone: what happened, how the student is, whom to call."""
    school.opens("/referrals/school/")
    school.sees("有生命危险先叫急救车")
    school.presses(re.compile("^报急诊"))
    school.fills("出了什么事", "操场摔倒，右手腕肿，很疼。")
    school.page.get_by_label("清醒").check()
    school.page.get_by_label("呼吸正常").check()
    school.page.get_by_label("外伤或骨折").check()
    school.fills("学生姓名", "演示小满")
    school.fills("班级", "三（2）班")
    school.fills("联系电话", "13")
    album.heads("At school, 10:00: reported from the telephone")
    album.takes(school.page, "report", "What happened and how the student is; the emergency number stands above")
    school.presses(re.compile("^马上报给中心"))
    school.sees("联系电话不像电话号码")
    assert school.page.get_by_label("出了什么事").first.input_value().startswith("操场摔倒")
    school.fills("联系电话", "0756-8881234")
    school.presses(re.compile("^马上报给中心"))
    school.sees("待中心答复")
    assert school.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return SchoolCase.objects.get(student="演示小满")


def test_a_student_hurt_at_ten_stands_before_the_hospital_three_minutes_later(
    people: Any, site: Site, faults: list[str], keep: bool
) -> None:
    """The school reports, the centre sends on, the hospital reads both times, the school reads where it stands."""
    album = Album("school", keep=keep)
    today = date(DAY.year, 3, 24)
    site.clock.go_to(today, time(10, 0))
    school: Person = people("school-xiangwan", **PHONE)
    case = reported_from_the_yard(school, album)

    site.clock.go_to(today, time(10, 3))
    doctor: Person = people("gp-xiangwan-1")
    doctor.opens("/")
    doctor.sees(re.compile("已等 [23] 分钟"))
    album.heads("At the centre, 10:03: first on the worklist, sent on with one page")
    album.takes(doctor.page, "worklist", "Before everything else, with the minutes it waits")
    doctor.presses(re.compile("^转到医院"))
    doctor.page.select_option("#id_sex", "female")
    doctor.page.fill("#id_birth_date", "2016-05-21")
    doctor.page.locator("#id_has_consent").check()
    album.takes(doctor.page, "forward", "What travels along stands beside")
    doctor.presses(re.compile("^按急诊转出"))
    doctor.sees("已按急诊转出")

    case.refresh_from_db()
    desk: Person = people("desk-zh_people1")
    desk.opens("/referrals/desk/")
    expect(desk.page.locator(".queue [data-item]").first).to_contain_text("演示小满")
    desk.opens(f"/referrals/desk/?open={case.referral_id}")
    for told in ("香湾演示小学", "0756-8881234", "外伤或骨折", "10:00", "10:03"):
        expect(desk.page.locator("section.data")).to_contain_text(told)
    album.heads("At the hospital: school, contact, first findings and both times")
    album.takes(desk.page, "desk", "An emergency needs no place; the desk accepts it as it is")
    desk.presses(re.compile("^接收"), inside=desk.page.locator("footer.act"))
    desk.sees("已接收")

    school.opens(f"/referrals/school/{case.pk}/")
    school.sees("已接收，可以直接去急诊")
    album.heads("At school: one sentence, and nothing of the record")
    album.takes(school.page, "sentence", "Where the student goes")
    assert [one for one in faults if "422" not in one] == []  # the telephone number was refused once
    album.binds(DOCS / "guide" / "school-emergency.md", "An emergency at school", LEAD, in_chinese.SCHOOL)
