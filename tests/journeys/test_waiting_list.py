"""A full clinic on a telephone: one waits, another gives a place back, and one tap takes what is offered."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import F
from playwright.sync_api import expect

from kangqiao.domain.scheduling.models import Booking, Slot, Waiting
from tests.journey_plugin import Site
from tests.journeys.steps import Person

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def test_who_waits_is_offered_the_place_given_back_and_takes_it_by_one_tap(
    people: Any, site: Site, faults: list[str]
) -> None:
    """Nobody else gets it in between, and the place is where the notice said it would be."""
    first: Person = people("resident-bailu", **PHONE)
    first.opens("/slots/")
    # Not today's: what is given back too late to ask anybody is free to all.
    first.page.locator(".days a").last.click()
    first.page.locator(".slot:enabled").first.click()
    first.presses(re.compile("^(确认)?预约"))
    first.sees("已预约")
    given = Booking.objects.get(resident__name="白露", status="booked")
    Slot.objects.filter(session=given.session_id).update(capacity=F("taken"))

    second: Person = people("resident-jiangxiaoman", **PHONE)
    second.opens(f"/slots/sessions/{given.session_id}/")
    second.sees("这一场没有空号了")
    second.presses("只候补这一场")
    second.sees("排在最前面，有人退号最先问")
    second.fits()

    first.opens(f"/slots/bookings/{given.pk}/cancel/")
    first.presses("取消预约")
    first.sees("已取消")
    first.opens(f"/slots/sessions/{given.session_id}/")
    expect(first.page.locator(".slot:enabled")).to_have_count(0)

    second.opens("/notices/")
    second.presses(re.compile("江小满候补的号来了"))
    second.sees("不回答就问下一位")
    second.fits()
    second.taps = 0
    second.presses("要这个号")
    second.sees("已预约，到时见")

    assert second.taps == 1
    mine = Booking.objects.get(resident__name="江小满", status="booked")
    assert mine.slot_id == given.slot_id
    assert Waiting.objects.get(resident__name="江小满").status == "served"
    assert faults == []
