"""Up through the green channel: visit, CT and bed with one letter, received at the window, done on one page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils.timezone import localtime
from playwright.sync_api import Browser, expect

from kangqiao.domain.referral.models import Referral
from tests.journey_plugin import Site
from tests.journeys.steps import Person, door

LETTER = {
    "diagnosis": "I10", "history": "胸闷一周。", "examination": "血压 162/98 mmHg。", "medicines": "缬沙坦",
    "allergies": "无",
}  # fmt: skip


@pytest.mark.clause("SZ16-2.2c")
@pytest.mark.clause("XH23-5.1.2d")
def test_a_patient_goes_up_with_visit_ct_and_bed(browser: Browser, desk: dict[str, Any], site: Site) -> None:
    """The doctor keeps all three, the desk accepts, the window receives the patient and the visit is done there."""
    faults: list[str] = []
    enter = door(browser, desk, faults)
    number = sends(enter("gp-xiangwan-1"))
    window = enter("desk-zh_people1")
    window.opens(f"/referrals/desk/?open={number}")
    window.keys("1")
    window.sees("已接收并占号")

    visit = localtime(Referral.objects.get(pk=number).booking.slot.starts_at)  # type: ignore[union-attr]
    site.clock.go_to(visit.date(), visit.time())
    window = enter("desk-zh_people1")
    window.opens("/referrals/arrivals/")
    row = window.page.locator(f"#r{number}")
    expect(row).to_contain_text("门诊")
    row.get_by_role("button", name=re.compile("到院签到")).click()
    window.sees("已到院，转出中心会收到通知")
    expect(window.page.locator("ol.inline-queue")).to_contain_text("绿色通道")
    window.presses("已就诊", inside=row)
    window.sees("已确认就诊")
    doctor = enter("gp-xiangwan-1")
    doctor.opens(f"/referrals/{number}/")
    doctor.sees("现由 市人民医院 照管")
    assert faults == []


def sends(doctor: Person) -> int:
    """A letter with a visit, a CT and a bed; returns its number in the address."""
    page = doctor.page
    doctor.opens("/referrals/new/?q=ljz")
    page.get_by_role("option").first.click()
    page.wait_for_url(re.compile("resident="))
    page.locator("#id_specialty").select_option(index=1)
    page.locator("#part-ct").select_option(index=1)
    page.locator("#part-ward").select_option(index=3)
    page.locator("#id_reason_code").select_option(index=1)
    for field, words in LETTER.items():
        page.locator(f"#id_{field}").fill(words)
    page.locator("#id_has_consent").check()
    doctor.keys("Alt+s")
    page.wait_for_url(re.compile(r"/referrals/\d+/"))
    for kind in ("门诊", "CT", "住院床位"):
        expect(page.locator("section.blk", has_text="就诊安排")).to_contain_text(kind)
    return int(page.url.rstrip("/").rsplit("/", 1)[-1])
