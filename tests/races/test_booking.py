"""One place, many hands: first the race itself, then that the product lets exactly one person win."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, own_actor
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken, Taken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
CLIENTS = 50
LEAVE_FREE = 3


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def session(people: Cast) -> Session:
    morning = (people.at + timedelta(days=3)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
    return people.session(starts_at=morning)


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Runs `work(0..count-1)` in threads that start at the same moment, each on its own connection."""
    start = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def outcome(work: Callable[[], Any]) -> str:
    """The kind of answer: `won`, or the name of the refusal."""
    try:
        work()
    except (Taken, RuleBroken) as error:
        return type(error).__name__
    return "won"


def sold(slot: Slot) -> int:
    return Booking.objects.filter(slot=slot, status="booked").count()


def test_without_the_guard_a_place_is_sold_twice(people, session):
    """Reading, judging in Python and writing afterwards oversells: the race is real on this database."""
    slot = Slot.objects.filter(session=session)[0]
    residents = [people.resident(number, with_user=False) for number in range(4)]
    all_have_read = threading.Barrier(4)

    def naive(number: int) -> str:
        with transaction.atomic():
            seen = Slot.objects.get(pk=slot.pk)
            all_have_read.wait(timeout=30)
            if seen.taken >= seen.capacity:
                return "full"
            Slot.objects.filter(pk=slot.pk).update(taken=seen.taken + 1)
            Booking.objects.create(
                slot=slot,
                session=session,
                resident=residents[number],
                channel="self",
                booked_by="naive",
                booked_at=people.at,
                attempt=f"naive-{number}",
            )
        return "won"

    assert together(4, naive) == ["won"] * 4
    assert sold(slot) == 4 > slot.capacity


def test_one_of_fifty_clients_wins_and_the_rest_are_shown_the_next_free_times(people, session):
    slots = list(Slot.objects.filter(session=session))
    wanted = slots[5]
    clients = [signed_in(people.resident(number)) for number in range(CLIENTS)]

    answers = together(
        CLIENTS, lambda n: clients[n].post(f"/slots/{wanted.pk}/book/", {"idempotency_key": f"client-{n}"})
    )

    assert Counter(answer.status_code for answer in answers) == {302: 1, 409: CLIENTS - 1}
    assert sold(wanted) == 1
    wanted.refresh_from_db()
    assert wanted.taken == 1
    winner = next(answer for answer in answers if answer.status_code == 302)
    assert winner.url == f"/slots/bookings/{Booking.objects.get().pk}/"
    free = {slot.pk for slot in slots} - {wanted.pk}
    for loser in (answer for answer in answers if answer.status_code == 409):
        offered = {int(found) for found in re.findall(r'action="/slots/(\d+)/book/"', loser.content.decode())}
        assert len(offered) == LEAVE_FREE
        assert offered <= free


def test_the_refusal_is_final_and_the_offered_time_can_be_taken(people, session):
    slots = list(Slot.objects.filter(session=session))
    actions.book(
        slot_id=slots[5].pk,
        resident_id=people.resident(1).pk,
        channel="self",
        attempt="first",
        by=SYSTEM,
        at=people.at,
    )
    client = signed_in(people.resident(2))
    body = {"idempotency_key": "second"}

    first, again = (client.post(f"/slots/{slots[5].pk}/book/", body) for _ in range(2))
    offered = re.findall(r'action="(/slots/\d+/book/)"', first.content.decode())[0]
    taken = client.post(offered, {"idempotency_key": "third"})

    assert (first.status_code, again.status_code, taken.status_code) == (409, 409, 302)


def test_a_form_sent_by_ten_hands_at_once_is_one_booking(people, session):
    slot, resident = Slot.objects.filter(session=session)[0], people.resident()
    clients = [signed_in(resident) for _ in range(10)]

    answers = together(10, lambda n: clients[n].post(f"/slots/{slot.pk}/book/", {"idempotency_key": "same"}))
    later = clients[0].post(f"/slots/{slot.pk}/book/", {"idempotency_key": "same"})

    assert Booking.objects.count() == 1
    slot.refresh_from_db()
    assert slot.taken == 1
    assert {answer.status_code for answer in answers} <= {302, 409}  # 409: the first is still being answered
    assert later.status_code == 302
    assert later.headers["Location"] == f"/slots/bookings/{Booking.objects.get().pk}/"


def test_the_same_attempt_at_the_action_is_one_booking(people, session):
    slot, resident = Slot.objects.filter(session=session)[0], people.resident()
    Slot.objects.filter(pk=slot.pk).update(capacity=9)

    booked = together(
        10,
        lambda _n: (
            actions.book(
                slot_id=slot.pk,
                resident_id=resident.pk,
                channel="self",
                attempt="same",
                by=own_actor(resident),
                at=people.at,
            ).pk
        ),
    )

    assert len(set(booked)) == 1
    slot.refresh_from_db()
    assert slot.taken == Booking.objects.count() == 1


def test_one_person_reaching_for_many_times_gets_one(people, session):
    resident = people.resident()
    slots = list(Slot.objects.filter(session=session))[:10]

    answers = together(
        10, lambda n: outcome(lambda: book_as(resident, slots[n], people.at, attempt=f"{resident.pk}-{n}"))
    )

    assert Counter(answers) == {"won": 1, "RuleBroken": 9}
    assert sum(Slot.objects.filter(session=session).values_list("taken", flat=True)) == 1


def test_thirty_places_go_to_thirty_people(people, session):
    slots = list(Slot.objects.filter(session=session))[:6]
    Slot.objects.filter(pk__in=[slot.pk for slot in slots]).update(capacity=5)
    residents = [people.resident(number, with_user=False) for number in range(40)]

    answers = together(40, lambda n: outcome(lambda: book_as(residents[n], slots[n % 6], people.at, by=SYSTEM)))

    assert Counter(answers) == {"won": 30, "Taken": 10}
    assert all(sold(slot) == 5 for slot in slots)


def test_nobody_is_left_in_a_session_that_is_withdrawn_meanwhile(people, session):
    """Either the withdrawal lists the booking and cancels it, or the booker is told of the withdrawal."""
    slots = list(Slot.objects.filter(session=session))
    residents = [people.resident(number, with_user=False) for number in range(10)]
    listed: list[int] = []

    def work(number: int) -> str:
        if number == 5:
            found = actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)
            listed.extend(booking.pk for booking in found)
            return "withdrawn"
        return outcome(lambda: book_as(residents[number], slots[number], people.at, by=SYSTEM))

    answers = Counter(together(10, work))

    assert Booking.objects.filter(status="booked").count() == 0
    assert set(Booking.objects.values_list("pk", flat=True)) == set(listed)
    assert answers["won"] == len(listed)
    assert answers["won"] + answers["RuleBroken"] == 9


def test_a_booking_cancelled_twice_at_once_frees_one_place(people, session):
    slot, resident = Slot.objects.filter(session=session)[0], people.resident()
    Slot.objects.filter(pk=slot.pk).update(capacity=3)
    other = people.resident(1, with_user=False)
    book_as(other, slot, people.at, by=SYSTEM)
    booking = book_as(resident, slot, people.at)

    def cancel(_number: int) -> str:
        try:
            actions.cancel_booking(booking_id=booking.pk, by=own_actor(resident), at=people.at)
        except AlreadyMoved:
            return "late"
        return "cancelled"

    assert Counter(together(6, cancel)) == {"cancelled": 1, "late": 5}
    slot.refresh_from_db()
    assert slot.taken == 1


def book_as(resident: Resident, slot: Slot, at: datetime, by: Any = None, attempt: str = "") -> Booking:
    return actions.book(
        slot_id=slot.pk,
        resident_id=resident.pk,
        channel="self",
        attempt=attempt or f"{resident.pk}-{slot.pk}",
        by=by or own_actor(resident),
        at=at,
    )


def signed_in(resident: Resident) -> Client:
    client = Client()
    assert resident.user is not None
    client.force_login(resident.user)
    return client
