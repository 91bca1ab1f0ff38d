"""The reconciliation of every night finds each way in which a place can be counted wrongly, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Displaced, Hold, PartnerCount, Slot
from kangqiao.domain.scheduling.queries import faults
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, first_slot
from kangqiao.edges.jobs import scheduling as jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    """Somebody is booked, somebody holds a place, a hold has ended, and somebody lost a place."""
    found = cast()
    session, gone = found.session(), found.session(starts_at=found.at + timedelta(days=6), source="half_day:2")
    slots = list(Slot.objects.filter(session=session).order_by("starts_at"))
    for number, slot in enumerate(slots[:3]):
        given = {"slot_id": slot.pk, "resident_id": found.resident(number).pk, "channel": "self", "by": SYSTEM}
        if number:
            actions.hold_slot(**given, at=found.at - timedelta(minutes=30 * (number - 1)))
        else:
            actions.book(**given, attempt="a0", at=found.at)
    actions.book(
        slot_id=first_slot(gone).pk, resident_id=found.resident(9).pk, channel="self", attempt="a9", by=SYSTEM,
        at=found.at,
    )  # fmt: skip
    actions.withdraw_session(session_id=gone.pk, reason="演示", by=SYSTEM, at=found.at)
    return found


def told(people: Cast) -> list[str]:
    return [one.what for one in faults(people.at + timedelta(minutes=1))]


def test_what_is_used_as_it_should_be_is_no_fault(people: Cast) -> None:
    assert Booking.objects.filter(status="booked").count() == Displaced.objects.count() == 1
    assert told(people) == []
    assert jobs.reconcile(0) == 0


@pytest.mark.parametrize("column", ["taken", "extra"])
def test_a_count_that_differs_from_the_bookings(people: Cast, column: str) -> None:
    slot = Slot.objects.order_by("-starts_at")[0]
    Slot.objects.filter(pk=slot.pk).update(**{column: 1})

    (one,) = faults(people.at)
    assert (one.what, one.row, one.counted, one.found) == (f"slot.{column}", slot.pk, 1, 0)
    assert jobs.reconcile(0) == 1


def test_a_hold_the_place_does_not_know_and_one_that_nobody_has(people: Cast) -> None:
    Slot.objects.filter(pk__in=Hold.objects.filter(until__gt=people.at).values("slot")).update(held=[])
    free = Slot.objects.filter(taken=0, session__status="open").order_by("-starts_at")[0]
    Slot.objects.filter(pk=free.pk).update(held=[people.at + timedelta(minutes=9)])

    assert told(people) == ["slot.held", "slot.held"]


def test_a_share_that_differs_and_people_left_in_what_was_called_off(people: Cast) -> None:
    lost = Displaced.objects.get().booking
    PartnerCount.objects.create(session=lost.session, centre=people.centre, most=3, taken=2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scheduling_booking SET status = 'booked' WHERE id = %s", [lost.pk])

    assert sorted(told(people)) == ["displaced.again", "partner_count.taken", "session.withdrawn", "slot.taken"]
