"""Many give back, pass, leave and let go at once: each freed place is offered to exactly one who waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from kangqiao.domain.institutions.models import Place
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, organization
from kangqiao.kernel.errors import RuleBroken, Taken
from tests.races.test_booking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
PLACES, PEOPLE = 10, 16


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now().astimezone(CHINA).replace(hour=10, minute=0, second=0, microsecond=0))


@pytest.fixture
def session(people: Cast) -> Session:
    """A morning whose ten places are all booked, and sixteen who wait for one."""
    made = people.session(starts_at=(people.at + timedelta(days=3)).replace(hour=9))
    slots = list(Slot.objects.filter(session=made).order_by("pk"))
    Slot.objects.filter(pk__in=[slot.pk for slot in slots[PLACES:]]).update(capacity=0)
    residents = [people.resident(number, with_user=False) for number in range(PLACES + PEOPLE)]
    for number, slot in enumerate(slots[:PLACES]):
        actions.book(
            slot_id=slot.pk, resident_id=residents[number].pk, channel="self", attempt=f"b{number}", by=SYSTEM,
            at=people.at,
        )  # fmt: skip
    for number, resident in enumerate(residents[PLACES:]):
        actions.join_line(
            session_id=made.pk, resident_id=resident.pk, is_for_all=True, channel="self", by=SYSTEM,
            at=people.at + timedelta(seconds=number),
        )  # fmt: skip
    return made


def check(session: Session, at) -> Counter[int]:
    """No slot over its places, nobody asked twice at once; how many are asked about each slot."""
    running = Hold.objects.filter(until__gt=at)
    offers = Counter(running.values_list("slot", flat=True))
    for slot in Slot.objects.filter(session=session):
        assert slot.taken + offers[slot.pk] <= slot.capacity
        assert len([until for until in slot.held if until > at]) == offers[slot.pk]
    assert max(Counter(running.values_list("waiting", flat=True)).values(), default=0) <= 1
    return offers


def test_ten_places_given_back_at_once_are_offered_to_ten_people(people, session):
    at = people.at + timedelta(hours=1)
    bookings = list(Booking.objects.order_by("pk"))

    together(PLACES, lambda n: actions.cancel_booking(booking_id=bookings[n].pk, by=SYSTEM, at=at))

    offers = check(session, at)
    # Two who gave back in the same moment pass each other by; what is left the job offers, and nothing stays over.
    actions.offer_free_places(by=SYSTEM, at=at)
    offers = check(session, at)
    assert sorted(offers.values()) == [1] * PLACES
    asked = set(Hold.objects.values_list("resident", flat=True))
    assert len(asked) == PLACES


def test_everybody_answers_gives_back_and_leaves_at_once(people, session):
    """Bookers cancel, those asked accept, pass or leave, the job runs: four rounds."""
    said: Counter[str] = Counter()

    def act(number: int, at) -> str:
        lines = list(Waiting.objects.filter(status="waiting").order_by("pk"))
        booked = list(Booking.objects.filter(status="booked").order_by("pk"))
        try:
            if number % 4 == 0 and booked:
                actions.cancel_booking(booking_id=booked[number % len(booked)].pk, by=SYSTEM, at=at)
                return "cancelled"
            if number == 1 or not lines:
                actions.offer_free_places(by=SYSTEM, at=at)
                return "job"
            pk = lines[number % len(lines)].pk
            if number % 4 == 1:
                actions.accept_offer(waiting_id=pk, attempt=f"{at}-{number}", by=SYSTEM, at=at)
                return "accepted"
            if number % 4 == 2:
                actions.pass_offer(waiting_id=pk, by=SYSTEM, at=at)
                return "passed"
            actions.leave_line(waiting_id=pk, by=SYSTEM, at=at)
            return "left"
        except (Taken, RuleBroken) as refusal:
            return type(refusal).__name__

    for turn in range(6):
        at = people.at + timedelta(minutes=30 * (turn + 1))
        said.update(together(12, lambda n, at=at: act(n, at)))
        check(session, at)

    assert said["cancelled"] > 0
    assert said["accepted"] + said["passed"] + said["left"] > 0
    end = people.at + timedelta(hours=6)
    actions.offer_free_places(by=SYSTEM, at=end)
    free = queries.free_slots([people.centre.pk], starts=end, ends=session.ends_at, now=end)
    unasked = Waiting.objects.filter(status="waiting", offers=None)
    assert not free or not unasked, "a free place and somebody who was never asked do not stand beside each other"


def test_a_place_offered_while_somebody_leaves_goes_on_with_its_slot_locked(people, session):
    """Who leaves waits for their line, and is offered a place meanwhile; a stranger keeps the slot's other place."""
    at = people.at + timedelta(hours=1)
    booking = Booking.objects.select_related("slot").order_by("pk").first()
    slot = booking.slot
    waiting = Waiting.objects.order_by("joined_at").first()
    Waiting.objects.exclude(pk=waiting.pk).update(status="left")
    Slot.objects.filter(pk=slot.pk).update(capacity=2, taken=2)
    begun, queued = threading.Event(), threading.Event()

    def leave(number: int) -> None:
        begun.wait(10)
        # Pressed a moment before the offer was made.
        actions.leave_line(waiting_id=waiting.pk, by=SYSTEM, at=at - timedelta(seconds=1))

    def free(number: int) -> None:
        with transaction.atomic():
            list(Waiting.objects.select_for_update().filter(pk=waiting.pk))
            begun.set()
            time.sleep(0.5)
            actions.cancel_booking(booking_id=booking.pk, by=SYSTEM, at=at)
            assert Hold.objects.filter(waiting=waiting).exists()
            queued.set()
            time.sleep(0.5)

    def keep(number: int) -> None:
        queued.wait(10)
        with transaction.atomic():
            locked = Slot.objects.select_for_update().get(pk=slot.pk)
            time.sleep(0.5)
            locked.capacity, locked.held = 3, [*locked.held, at + timedelta(hours=2)]
            locked.save()

    together(3, lambda n: (leave, free, keep)[n](n))

    assert Waiting.objects.get(pk=waiting.pk).status == "left"
    assert Slot.objects.get(pk=slot.pk).held == [at + timedelta(hours=2)]
    assert not Hold.objects.filter(waiting=waiting, until__gt=at).exists()


def test_a_line_left_and_a_place_without_rules_hold_up_nobody_else(people, session):
    """The job waits for a line that is left meanwhile; before it one place has no policy, after it another has."""
    at = people.at + timedelta(hours=1)
    nowhere = Place.objects.create(code="990000", zh="演示无政策地")
    lonely = organization("c9", "centre", "演示无政策社区卫生服务中心", nowhere)
    abroad = people.session(
        starts_at=(people.at + timedelta(days=2)).replace(hour=9), practitioner_id=people.other_expert.pk
    )
    Session.objects.filter(pk=abroad.pk).update(organization=lonely)
    first, second, third = Waiting.objects.order_by("joined_at")[:3]
    gone = people.session(
        starts_at=(people.at + timedelta(days=4)).replace(hour=9), practitioner_id=people.other_expert.pk
    )
    actions.withdraw_session(session_id=gone.pk, reason="专家生病", by=SYSTEM, at=people.at)
    Waiting.objects.filter(pk__in=[first.pk, second.pk]).update(session=gone)
    Waiting.objects.filter(pk=third.pk).update(organization=lonely)
    slot = Booking.objects.order_by("pk").first().slot
    Slot.objects.filter(pk=slot.pk).update(capacity=2)
    locked = threading.Event()

    def leave(number: int) -> int:
        with transaction.atomic():
            list(Waiting.objects.select_for_update().filter(pk=first.pk))
            locked.set()
            time.sleep(0.5)
            Waiting.objects.filter(pk=first.pk).update(status="left")
        return 0

    def job(number: int) -> int:
        locked.wait(10)
        return actions.offer_free_places(by=SYSTEM, at=at)

    assert together(2, lambda n: (leave, job)[n](n)) == [0, 1]
    assert Waiting.objects.get(pk=first.pk).status == "left"
    assert Waiting.objects.get(pk=second.pk).status == "ended"
    assert Hold.objects.get(until__gt=at).slot_id == slot.pk
