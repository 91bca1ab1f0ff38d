"""An expert falls ill: twelve people have a place. Each is told, moves, lets go, or stays on the desk's worklist.

With `--pictures` the walk also writes docs/guide/withdrawal.md.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import expect

from kangqiao.base.actor import Actor
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Displaced, Session, Slot
from tests.journey_plugin import Site
from tests.journeys import in_chinese
from tests.journeys.steps import DOCS, Album, Person

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PEOPLE = 12
LEAD = (
    "Written by the journey test that walks it in a browser (`pytest tests/journeys/test_withdrawal.py --pictures`)."
    " Hospitals and centres are those of the Zhuhai paper; every person is invented (演示)."
)


@pytest.fixture
def session(site: Site) -> Session:
    """A morning or afternoon of an expert at the centre in which exactly twelve people have a place."""
    now, job = timezone.now(), Actor.system("journey")
    free = Session.objects.filter(
        organization__code__endswith="c_xiangwan", status="open", kind="posted_expert",
        starts_at__gt=now + timedelta(days=1),
    )  # fmt: skip
    found = next(
        one
        for one in free
        if not Booking.objects.filter(session=one).exists()
        and Session.objects.filter(
            status="open", specialty=one.specialty, starts_at__gt=now + timedelta(days=1), slots__opens_at__lte=now,
            slots__release_at=None,
        ).exclude(pk=one.pk).exists()
    )  # fmt: skip
    slots = list(Slot.objects.filter(session=found).order_by("starts_at"))
    Slot.objects.filter(session=found).update(capacity=4, opens_at=now)
    named = list(Resident.objects.filter(name__in=("白露", "林惊蛰")))
    others = Resident.objects.filter(centre=found.organization_id, user=None, deceased_on=None)
    for number, resident in enumerate((*named, *others[: PEOPLE - len(named)])):
        actions.book(
            slot_id=slots[number // 4].pk, resident_id=resident.pk, channel="gp", attempt=f"journey{number}", by=job,
            at=now,
        )  # fmt: skip
    return found


def called_off_after_a_mistake(desk: Person, session: Session, album: Album) -> None:
    """The desk sees everybody before, takes a mistake back, and calls it off for good."""
    desk.page.set_default_timeout(60_000)
    desk.opens(f"/slots/sessions/{session.pk}/withdraw/")
    desk.sees("有 12 人约了这一场")
    album.heads("Before: everybody whom it concerns")
    album.takes(desk.page, "before", "Twelve people, each with the nearest equal places")
    desk.fills("停诊原因", "医生突发高热")
    desk.presses("停诊并通知")
    desk.sees("已停诊，有号的人都已通知")
    expect(desk.page.locator("tr[data-item]")).to_have_count(PEOPLE)
    album.heads("Called off: told at once, and taken back when it was a mistake")
    album.takes(desk.page, "after", "Who still waits for another place, with the telephone")
    desk.presses("撤销")
    desk.sees("停诊已撤销")
    assert Booking.objects.filter(session=session, status="booked").count() == PEOPLE
    desk.opens(f"/slots/sessions/{session.pk}/withdraw/")
    desk.fills("停诊原因", "医生突发高热")
    desk.presses("停诊并通知")
    desk.sees("已停诊，有号的人都已通知")


def answered_on_the_phone(people: Any, album: Album) -> None:
    """One moves with one tap, another needs no other time."""
    bailu: Person = people("resident-bailu", **PHONE)
    bailu.opens("/notices/")
    bailu.presses(re.compile("白露.*因停诊取消"))
    bailu.sees("医生突发高热")
    bailu.fits()
    album.heads("On the telephone: one tap")
    album.takes(bailu.page, "phone", "Why, and three places to choose from")
    bailu.taps = 0
    bailu.page.locator("button[name=slot]").first.click()
    bailu.sees("已改好时间")
    assert Displaced.objects.get(resident__name="白露", status="placed").instead is not None

    other: Person = people("resident-linjingzhe", **PHONE)
    other.opens(f"/slots/displaced/{Displaced.objects.get(resident__name='林惊蛰', status='open').pk}/")
    other.presses("不用另约了")
    other.sees("已记下不用另约")


def worked_from_the_list(desk: Person, album: Album) -> None:
    """The desk places the first of those who did not answer."""
    desk.opens("/?list=displaced")
    desk.sees("停诊待安置")
    desk.opens("/slots/displaced/")
    expect(desk.page.locator("tr[data-item]")).to_have_count(PEOPLE - 2)
    album.heads("The worklist of the house: until each is settled")
    album.takes(desk.page, "worklist", "Whom to call, and what is free for each")
    desk.page.locator("tr[data-item] a.open").first.click()
    desk.page.locator("button[name=slot]").first.click()
    desk.sees("已改好时间")
    expect(desk.page.locator("tr[data-item]")).to_have_count(PEOPLE - 3)


def test_of_twelve_who_lose_a_place_each_is_settled_or_on_the_worklist(
    people: Any, session: Session, faults: list[str], request: pytest.FixtureRequest
) -> None:
    """The desk sees everybody before, takes a mistake back, and nobody is lost."""
    album = Album("withdrawal", keep=request.config.getoption("--pictures"))
    desk: Person = people("manager-xiangwan")
    called_off_after_a_mistake(desk, session, album)
    answered_on_the_phone(people, album)
    worked_from_the_list(desk, album)

    assert Counter(Displaced.objects.filter(booking__session=session).values_list("status", flat=True)) == {
        "restored": PEOPLE, "placed": 2, "let_go": 1, "open": PEOPLE - 3,
    }  # fmt: skip
    assert faults == []
    album.says("Two have another place, one needs none, nine stand on the worklist: nobody is lost.")
    album.binds(DOCS / "guide" / "withdrawal.md", "A session is called off", LEAD, in_chinese.WITHDRAWAL)


def test_a_substitute_takes_the_session_and_everybody_keeps_the_place(
    people: Any, site: Site, faults: list[str]
) -> None:
    """Chosen from those who can; who booked reads it on the appointment."""
    now = timezone.now()
    slot = Slot.objects.filter(
        session__status="open", session__kind="posted_expert", session__organization__code__endswith="c_xiangwan",
        starts_at__gt=now, opens_at__lte=now, taken__lt=F("capacity"),
    ).earliest("starts_at")  # fmt: skip
    held = Booking.objects.filter(session=slot.session_id).values("resident")
    who = Resident.objects.filter(centre=slot.session.organization_id, deceased_on=None).exclude(pk__in=held)[0]
    booking = actions.book(
        slot_id=slot.pk, resident_id=who.pk, channel="gp", attempt="substitute", by=Actor.system("journey"), at=now
    )
    desk: Person = people("manager-xiangwan")
    desk.opens(f"/slots/sessions/{booking.session_id}/substitute/")
    if desk.page.get_by_role("radio").count() == 0:
        desk.sees("没有能替这一场的医生")
        return
    desk.page.get_by_role("radio").first.check()
    desk.fills("替诊原因", "外出会诊")
    desk.presses("换成这位医生")
    desk.sees("已换医生")
    booking.session.refresh_from_db()
    assert booking.session.stands_in_for_id is not None
    desk.opens(f"/slots/bookings/{booking.pk}/")
    desk.sees("来不了，改由")
    assert faults == []
