"""A team's day at a care home, and a school whose student the centre had never seen."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Any

from playwright.sync_api import expect

from kangqiao.domain.contracting.models import Affiliation, Community, CommunityVisit, Contract
from kangqiao.domain.records.models import Encounter, Observation
from kangqiao.domain.referral.models import SchoolCase
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.identifiers import id_check_digit
from tests.journey_plugin import Site
from tests.journeys.steps import Person

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
VISIT_DAY = date(2025, 3, 3)
# Somebody who moved in last week, on no register.
NEW = "47049919380112014"


def moved_in(doctor: Person, home: Community) -> Resident:
    """Put on the list by name and number, registered from it, and signed up at the bedside."""
    doctor.presses("加一个人")
    doctor.page.fill("#id_name", "演示新住户")
    doctor.page.fill("#id_identifier", NEW + id_check_digit(NEW))
    doctor.page.locator("main form button.btn-primary").click()
    doctor.sees("已加进“香湾演示养老院”的名册")
    row = doctor.page.locator("#roll tr", has_text="演示新住户")
    row.get_by_role("link", name="建档").click()
    doctor.presses(re.compile("^建档"))
    doctor.page.wait_for_url(re.compile(r"/residents/\d+/"))

    doctor.opens(f"/communities/{home.pk}/?show=unsigned")
    doctor.page.locator("#roll tr", has_text="演示新住户").get_by_role("link", name="登记签约申请").click()
    doctor.presses(re.compile("^登记申请"))
    doctor.sees("申请已登记")
    doctor.presses(re.compile("^接受"))
    doctor.presses(re.compile("^签署"))
    expect(doctor.page.locator("#id_community_id option:checked")).to_contain_text("香湾演示养老院")
    doctor.page.fill("#id_filed_as", "养-1")
    doctor.presses(re.compile("^签署"))
    doctor.sees("已签约，今天起生效")
    return Resident.objects.get(name="演示新住户")


def test_a_day_at_the_care_home_from_the_list_to_the_record(people: Any, site: Site, faults: list[str]) -> None:
    """Who lives there stands on one page: who is new is registered and signed, who is seen has it in the record."""
    site.clock.go_to(VISIT_DAY, time(9, 0))
    home = Community.objects.get(zh="香湾演示养老院")
    doctor: Person = people("gp-xiangwan-1")
    doctor.opens("/communities/")
    doctor.page.locator("a[data-open]", has_text="香湾演示养老院").click()
    doctor.sees("2025-03-03")
    who = moved_in(doctor, home)

    doctor.presses("香湾演示养老院")
    doctor.presses(re.compile("^全部"))
    doctor.page.locator("#roll a[data-open]", has_text="演示新住户").click()
    doctor.page.wait_for_url(re.compile(r"/residents/\d+/"))
    doctor.keys("Alt+v")
    doctor.page.wait_for_url(re.compile("/visit/"))
    doctor.page.fill("#id_reason", "养老院巡诊")
    doctor.page.fill("[name=systolic]", "138")
    doctor.page.fill("[name=diastolic]", "82")
    doctor.page.select_option("#id_diagnosis", "I10")
    doctor.keys("Alt+s")
    doctor.sees("已同步到")
    doctor.opens(f"/communities/{home.pk}/")
    day = doctor.page.locator(".rows > div", has_text="2025-03-03")
    day.get_by_role("button", name=re.compile("去过")).click()
    doctor.sees("已记下")

    contract = Contract.objects.get(resident=who)
    assert (contract.status, contract.where, contract.community) == ("active", "care_home", home)
    assert Affiliation.objects.get(community=home, identifier=who.identifier).ends_on is None
    assert Encounter.objects.filter(resident=who, organization=home.organization).count() == 1
    assert Observation.objects.get(resident=who, code="systolic").value == 138
    assert CommunityVisit.objects.get(community=home, on=VISIT_DAY).status == "done"
    assert faults == []


def reported(teacher: Person, listed: Affiliation) -> SchoolCase:
    """From the yard, by the number of the school's list alone."""
    teacher.opens("/referrals/school/")
    teacher.presses(re.compile("^报急诊"))
    teacher.fills("出了什么事", "课间发热，39 度，没有精神。")
    teacher.page.get_by_label("清醒").check()
    teacher.page.get_by_label("呼吸正常").check()
    teacher.fills("学生的证件号", listed.identifier)
    teacher.fills("谁能接电话", "班主任")
    teacher.fills("联系电话", "0756-8881234")
    teacher.presses(re.compile("^马上报给中心"))
    teacher.sees("待中心答复")
    teacher.fits()
    return SchoolCase.objects.get(identifier=listed.identifier)


def test_a_student_the_school_reports_has_a_record_and_the_paired_centre_reads_it(
    people: Any, site: Site, faults: list[str]
) -> None:
    """Only the number of the school's list is typed; the record is made from it, and the school reads none of it."""
    site.clock.go_to(date(2025, 3, 4), time(10, 0))
    school = Community.objects.get(zh="香湾演示小学")
    known = Resident.objects.values("identifier")
    listed = Affiliation.objects.filter(community=school).exclude(identifier__in=known).earliest("pk")
    teacher: Person = people("school-xiangwan", **PHONE)
    case = reported(teacher, listed)

    site.clock.go_to(date(2025, 3, 4), time(10, 4))
    doctor: Person = people("gp-xiangwan-1")
    doctor.opens("/")
    doctor.sees(listed.name)
    doctor.opens(f"/referrals/school/{case.pk}/")
    doctor.presses(re.compile("^转到医院"))
    doctor.page.locator("#id_has_consent").check()
    doctor.presses(re.compile("^按急诊转出"))
    doctor.sees("已按急诊转出")

    child = Resident.objects.get(identifier=listed.identifier)
    doctor.keys("Control+k")
    doctor.page.locator("#find-palette").fill(child.name)
    doctor.page.locator("#found-palette [role=option]", has_text=child.name).first.click()
    doctor.page.wait_for_url(re.compile(f"/residents/{child.pk}/"))
    doctor.sees("香湾演示小学")
    case.refresh_from_db()
    assert case.referral is not None
    assert (child.centre_id, case.referral.resident_id) == (school.organization_id, child.pk)
    doctor.opens(f"/referrals/{case.referral_id}/")
    doctor.sees("39 度")
    answer = teacher.page.goto(f"/residents/{child.pk}/")
    assert answer is not None
    assert answer.status in (403, 404)
    expect(teacher.page.locator("body")).not_to_contain_text(child.name)
    assert [one for one in faults if "403" not in one and "404" not in one] == []
