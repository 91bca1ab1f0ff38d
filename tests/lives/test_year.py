"""A small district lives some weeks: nobody is lost between two houses, and no place is given twice."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from unittest import mock

import pytest
from bench import year
from bench.district.life import Life
from bench.district.places import District

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.queries import faults
from kangqiao.edges.home import worklists

pytestmark = pytest.mark.django_db
SMALL, LARGER = year.Size(4_000, 10, 6, 4), year.Size(12_000, 40, 12, 40)


def lived(size: year.Size) -> year.Told:
    told = year.lived(size, time.process_time, lambda _line: None)
    assert told.lost == []
    assert told.faults == []
    assert sum(told.letters.values()) == told.done["send_up"] + told.done["propose_down"]
    # Whatever is refused is refused by a sentence; nothing but that stops anybody.
    assert told.done["book"] > told.done["cancel_booking"] > 0
    return told


def test_a_small_district_loses_nobody() -> None:
    """And who looks would find it: a letter on nobody's list, a place that is not counted."""
    told = lived(SMALL)
    assert told.done["keep_weeks_open"] == SMALL.days * year.HOSPITALS
    assert any(name.startswith("up closed") for name in told.letters)

    one = Referral.objects.filter(status="sent").first() or Referral.objects.order_by("pk")[0]
    Referral.objects.filter(pk=one.pk).update(status="sent")
    shorter = dict.fromkeys(worklists.LISTS, ()) | {Role.GP: worklists.LISTS[Role.GP]}
    with mock.patch.object(worklists, "LISTS", shorter):
        assert one.pk in year.lost(told.life)
    slot = Slot.objects.filter(taken=0).order_by("pk")[0]
    Slot.objects.filter(pk=slot.pk).update(taken=1)
    assert [(fault.what, fault.row) for fault in faults(told.life.now)] == [("slot.taken", slot.pk)]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_small_district_that_two_processes_live_loses_nobody() -> None:
    """Everybody's steps are told, the rounds are gone by one process alone."""
    told = lived(replace(SMALL, processes=2))
    assert told.done["keep_weeks_open"] == SMALL.days * year.HOSPITALS
    assert told.done["book"] >= Booking.objects.filter(channel="self").count() > 0


def test_the_clock_never_goes_back() -> None:
    """Somebody seen late has parts whose hour is past: they are settled then, not the day before."""
    life = Life(District([], [], [], {}, {}, 15), date(2026, 1, 5), 3, seed=1)
    began, days, seen = life.now, [], []

    def late() -> None:
        life.at(began, lambda: seen.append(life.now))

    life.at(began + timedelta(days=1, hours=9), late)
    life.at(began + timedelta(days=2), lambda: seen.append(life.now))
    for number in (3, 1, 2):
        life.round(began + timedelta(days=number), days.append, number)
    life.run()

    assert seen == [began + timedelta(days=1, hours=9), began + timedelta(days=2)]
    assert days == [1, 2]


@pytest.mark.slow
def test_a_larger_district_loses_nobody() -> None:
    told = lived(LARGER)
    assert {"withdraw_session", "rebook_referral", "accept_offer", "propose_down"} <= set(told.done)
