"""Another time: the new place first, then the old one back, or nothing at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.transition import history
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, first_slot, own_actor
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


def booked(people: Cast, slot: Slot, resident: Resident, **changes) -> Booking:
    values = {"channel": "self", "attempt": f"{resident.pk}-{slot.pk}", "by": SYSTEM, "at": people.at}
    return actions.book(slot_id=slot.pk, resident_id=resident.pk, **{**values, **changes})


def move(people: Cast, booking: Booking, slot: Slot, **changes) -> Booking:
    values = {"attempt": f"move-{slot.pk}", "by": own_actor(booking.resident), "at": people.at}
    return actions.move_booking(booking_id=booking.pk, slot_id=slot.pk, **{**values, **changes})


def counts(*slots: Slot) -> list[tuple[int, list]]:
    return [(slot.taken, slot.held) for slot in Slot.objects.filter(pk__in=[one.pk for one in slots]).order_by("pk")]


@pytest.mark.parametrize("is_same_session", [True, False])
def test_the_new_place_is_booked_and_the_old_one_free(people, is_same_session):
    old_slot = first_slot(people.session())
    other = old_slot.session if is_same_session else people.session(starts_at=people.at + timedelta(days=8))
    new_slot = Slot.objects.filter(session=other).order_by("starts_at")[4]
    resident = people.resident(1)
    old = booked(people, old_slot, resident)

    new = move(people, old, new_slot)
    again = move(people, old, new_slot)

    old.refresh_from_db()
    assert (old.status, new.status, again.pk) == ("cancelled", "booked", new.pk)
    assert (new.slot_id, new.channel) == (new_slot.pk, "self")
    assert counts(old_slot, new_slot) == [(0, []), (1, [])]
    assert "改约到" in history(old).last().reason
    assert queries.holds_of(resident.pk, people.at) == []
    assert Basis.objects.filter(source=f"booking:{new.pk}", until__gt=people.at).exists()
    assert booked(people, old_slot, people.resident(2)), "the old place is seen at once"


def test_a_new_place_that_is_gone_leaves_the_old_one(people):
    slots = list(Slot.objects.filter(session=people.session()))
    old = booked(people, slots[0], people.resident(1))
    booked(people, slots[1], people.resident(2))

    with pytest.raises(Taken):
        move(people, old, slots[1])

    old.refresh_from_db()
    assert old.status == "booked"
    assert counts(slots[0], slots[1]) == [(1, []), (1, [])]


def test_what_cannot_be_moved_says_why(people):
    slots = list(Slot.objects.filter(session=people.session()))
    resident = people.resident(1)
    old = booked(people, slots[0], resident)

    with pytest.raises(RuleBroken, match="就是这个时间"):
        move(people, old, slots[0])
    with pytest.raises(RuleBroken, match="不能再改"):
        move(people, old, slots[5], at=slots[0].starts_at)
    with pytest.raises(Denied):
        move(people, old, slots[5], by=own_actor(people.resident(2)))
    actions.cancel_booking(booking_id=old.pk, by=SYSTEM, at=people.at)
    with pytest.raises(RuleBroken, match="已经不能改"):
        move(people, old, slots[5])


def test_a_resident_moves_what_the_doctor_booked(people):
    slots = list(Slot.objects.filter(session=people.session()))
    old = booked(people, slots[0], people.resident(1), channel="gp")

    assert move(people, old, slots[1]).channel == "self"


def test_a_place_of_a_referral_moves_with_its_letter(people):
    slots = list(Slot.objects.filter(session=people.session()))
    old = booked(people, slots[0], people.resident(1), channel="referral")

    with pytest.raises(RuleBroken, match="转诊占的号"):
        move(people, old, slots[1], by=SYSTEM)


def test_one_tap_on_the_page_moves_and_the_slower_keeps_theirs(people):
    slots = list(Slot.objects.filter(session=people.session()))
    resident, client = people.resident(1), Client()
    client.force_login(resident.user)
    old = booked(people, slots[0], resident)
    address = f"/slots/bookings/{old.pk}/move/"

    offered = client.get(address).content.decode()
    booked(people, slots[1], people.resident(2))
    late = client.post(address, {"slot": str(slots[1].pk), "idempotency_key": "a"})
    odd = client.post(address, {"slot": "x", "idempotency_key": "b"})
    done = client.post(address, {"slot": str(slots[2].pk), "idempotency_key": "c"})

    assert f'value="{slots[1].pk}"' in offered
    assert (late.status_code, odd.status_code, done.status_code) == (409, 409, 302)
    assert f'value="{slots[2].pk}"' in late.content.decode()
    assert Booking.objects.get(resident=resident, status="booked").slot_id == slots[2].pk
