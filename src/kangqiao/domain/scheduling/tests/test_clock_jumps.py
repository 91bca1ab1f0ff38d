"""The night the clock jumps, back or ahead: no place is given twice, nothing is opened twice, nobody loses theirs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Hold, OpeningNote, Session, Slot
from kangqiao.domain.scheduling.tests.factories import (
    CHINA,
    HOUR,
    SYSTEM,
    Cast,
    book,
    cast,
    first_slot,
    join,
    one_place,
    own_actor,
    parameters,
)
from kangqiao.domain.scheduling.tests.test_nights import night
from kangqiao.domain.scheduling.tests.test_weekly import template
from kangqiao.kernel.errors import Taken

pytestmark = pytest.mark.django_db
MINUTES = timedelta(minutes=parameters().hold_minutes)
JUMP = timedelta(hours=2)
# Ten minutes before midnight: a jump goes over the turn of the day.
NIGHT = datetime(2026, 9, 18, 23, 50, tzinfo=CHINA)


@pytest.fixture
def people() -> Cast:
    return cast(NIGHT)


def take(slot: Slot, who: object, at: datetime, attempt: str = "") -> Booking:
    return actions.book(
        slot_id=slot.pk, resident_id=who.pk, channel="self", attempt=attempt or f"{who.pk}-{slot.pk}",  # type: ignore[attr-defined]
        by=own_actor(who), at=at,
    )  # fmt: skip


def test_a_clock_back_within_a_hold_that_ended_gives_the_place_once(people: Cast) -> None:
    slot, first, second = first_slot(people.session()), people.resident(1), people.resident(2)
    actions.hold_slot(slot_id=slot.pk, resident_id=first.pk, channel="self", by=own_actor(first), at=NIGHT)
    take(slot, second, NIGHT + MINUTES)

    back = NIGHT + MINUTES - timedelta(minutes=2)  # by this clock the hold is running again
    with pytest.raises(Taken, match="约走了"):
        take(slot, first, back)
    with pytest.raises(Taken):
        actions.hold_slot(slot_id=slot.pk, resident_id=first.pk, channel="self", by=own_actor(first), at=back)

    slot.refresh_from_db()
    assert (slot.taken, Booking.objects.filter(slot=slot, status="booked").count()) == (1, 1)


def test_a_clock_ahead_costs_who_holds_a_place_nothing_while_it_is_free(people: Cast) -> None:
    slot, first = first_slot(people.session()), people.resident(1)
    actions.hold_slot(slot_id=slot.pk, resident_id=first.pk, channel="self", by=own_actor(first), at=NIGHT)

    made = take(slot, first, NIGHT + JUMP)

    slot.refresh_from_db()
    assert (made.status, slot.taken, slot.held) == ("booked", 1, [])


def test_a_booking_sent_again_after_the_clock_went_back_is_the_same_one(people: Cast) -> None:
    slot, who = first_slot(people.session()), people.resident(1)
    made = take(slot, who, NIGHT, "one form")

    again = take(slot, who, NIGHT - JUMP, "one form")
    actions.cancel_booking(booking_id=made.pk, reason="有事", by=own_actor(who), at=NIGHT - JUMP)
    slot.refresh_from_db()

    assert again.pk == made.pk
    assert (slot.taken, Booking.objects.get().status) == (0, "cancelled")


def test_a_night_that_is_lived_twice_opens_every_week_once(people: Cast) -> None:
    template(people)
    first = night(people, 1)
    opened = set(Session.objects.values_list("starts_at", flat=True))

    again = night(people)  # the clock is a day back

    assert first is not None
    assert again is not None
    assert (first.opened > 0, again.opened) == (True, 0)
    assert set(Session.objects.values_list("starts_at", flat=True)) == opened
    assert OpeningNote.objects.count() == 1


def test_a_clock_back_within_an_offer_that_went_on_leaves_it_with_the_next_in_line() -> None:
    people = cast()
    session = one_place(people)
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    slow, following = join(people, session, second), join(people, session, third, 1)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    end = Hold.objects.get(slot=mine.slot_id).until
    assert actions.offer_free_places(by=SYSTEM, at=end) == 1

    back = end - timedelta(minutes=30)  # by this clock the first offer is still good
    assert actions.offer_free_places(by=SYSTEM, at=back) == 0
    with pytest.raises(Taken):
        actions.accept_offer(waiting_id=slow.pk, attempt="late", by=own_actor(second), at=back)
    got = actions.accept_offer(waiting_id=following.pk, attempt="tap", by=own_actor(third), at=back)

    assert (got.slot_id, got.resident_id) == (mine.slot_id, third.pk)
    assert Slot.objects.get(pk=mine.slot_id).taken == 1
