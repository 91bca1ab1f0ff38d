"""Holding, letting go and booking at once: a place is never with two people, and a freed one is seen at once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Hold, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast
from kangqiao.kernel.errors import RuleBroken, Taken
from tests.races.test_booking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
CLIENTS, AT_ONCE, ROUNDS = 200, 20, 10


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def slots(people: Cast) -> list[Slot]:
    morning = (people.at + timedelta(days=3)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
    return list(Slot.objects.filter(session=people.session(starts_at=morning)))


def test_counting_holds_in_a_table_oversells(people, slots):
    """A condition that looks into another table is not asked again when the row was waited for: the race is real."""
    slot, at = slots[0], people.at
    residents = [people.resident(number, with_user=False) for number in range(2)]

    def naive(number: int) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "WITH place AS (UPDATE scheduling_slot SET taken = taken + 0 FROM pg_sleep(0.5) WHERE id = %(slot)s"
                " AND (SELECT count(*) FROM scheduling_hold WHERE slot_id = %(slot)s AND until > %(at)s) < capacity"
                " RETURNING id, starts_at, ends_at)"
                " INSERT INTO scheduling_hold (slot_id, resident_id, starts_at, ends_at, held_by, since, until)"
                " SELECT id, %(who)s, starts_at, ends_at, '', %(at)s, %(until)s FROM place",
                {"slot": slot.pk, "who": residents[number].pk, "at": at, "until": at + timedelta(minutes=5)},
            )
            return cursor.rowcount

    assert together(2, naive) == [1, 1]
    assert Hold.objects.filter(slot=slot).count() == 2 > slot.capacity


def live(slot: Slot, who: int, number: int, at: datetime) -> list[str]:
    """Twice: holds, then books, goes back or lets it end; what was told, in order."""
    dice = random.Random(number)
    told = []
    for attempt in range(2):
        at += timedelta(minutes=dice.choice((0, 2, 6)))
        try:
            actions.hold_slot(slot_id=slot.pk, resident_id=who, channel="self", by=SYSTEM, at=at)
            told.append("held")
            act = dice.choice(("book", "release", "expire"))
            if act == "book":
                mine = actions.book(
                    slot_id=slot.pk, resident_id=who, channel="self", attempt=f"{number}-{attempt}",
                    by=SYSTEM, at=at + timedelta(minutes=dice.choice((0, 4, 9))),
                )  # fmt: skip
                told.append("booked")
                if dice.random() < 0.8:
                    actions.cancel_booking(booking_id=mine.pk, by=SYSTEM, at=at)
            elif act == "release":
                actions.release_slot(slot_id=slot.pk, resident_id=who, channel="self", by=SYSTEM, at=at)
            told.append(act)
        except (Taken, RuleBroken) as refusal:
            told.append(type(refusal).__name__)
        row = Slot.objects.get(pk=slot.pk)
        assert row.taken <= row.capacity
        assert Booking.objects.filter(slot=slot, status="booked").count() <= row.capacity
    return told


def test_two_hundred_clients_hold_let_go_and_book_one_place(people, slots):
    """Ten rounds of twenty; each client looks, holds, and books, goes back or lets it end. Time goes on meanwhile."""
    slot = slots[0]
    residents = [people.resident(number, with_user=False) for number in range(CLIENTS)]
    said: Counter[str] = Counter()

    def one(number: int, at: datetime) -> list[str]:
        return live(slot, residents[number].pk, number, at)

    for turn in range(ROUNDS):
        at = people.at + timedelta(minutes=20 * turn)
        for told in together(AT_ONCE, lambda n, turn=turn, at=at: one(turn * AT_ONCE + n, at)):
            said.update(told)

    slot.refresh_from_db()
    held = Booking.objects.filter(slot=slot, status="booked").count()
    end = people.at + timedelta(minutes=20 * ROUNDS + 60)
    free = queries.free_slots([people.centre.pk], starts=people.at, ends=slot.ends_at, now=end)
    assert slot.taken == held <= slot.capacity
    assert (slot.pk in {one.pk for one in free}) is (held == 0)
    assert said["held"] > 0 < said["booked"]
    assert said["Taken"] > 0


def test_one_of_two_hundred_holds_a_place_and_none_waits_for_its_end(people, slots):
    slot = slots[0]
    residents = [people.resident(number, with_user=False) for number in range(CLIENTS)]

    def take(number: int, at: datetime) -> str:
        try:
            actions.hold_slot(slot_id=slot.pk, resident_id=residents[number].pk, channel="self", by=SYSTEM, at=at)
        except (Taken, RuleBroken) as refusal:
            return type(refusal).__name__
        return "held"

    for turn in range(ROUNDS):
        at = people.at + timedelta(minutes=5 * turn)  # the instant at which the last hold ends
        answers = Counter(together(AT_ONCE, lambda n, turn=turn, at=at: take(turn * AT_ONCE + n, at)))
        assert answers == {"held": 1, "Taken": AT_ONCE - 1}


def test_one_person_reaching_for_two_doctors_at_one_hour_holds_one(people, slots):
    other = people.clinic(
        organization_id=people.far_centre.pk, kind="posted_expert", starts_at=slots[0].starts_at,
        ends_at=slots[-1].ends_at,
    )  # fmt: skip
    wanted = [slots[0], Slot.objects.filter(session=other).order_by("starts_at")[0]] * 5
    resident = people.resident(0, with_user=False)

    def take(number: int) -> str:
        try:
            held = actions.hold_slot(
                slot_id=wanted[number].pk, resident_id=resident.pk, channel="self", by=SYSTEM, at=people.at
            )
        except (Taken, RuleBroken) as refusal:
            return type(refusal).__name__
        return str(held.slot_id)

    answers = Counter(together(10, take))

    assert sorted(answers.values()) == [5, 5]
    assert answers["RuleBroken"] == 5
    assert Hold.objects.count() == 1


def test_people_who_change_places_with_each_other_all_have_one(people, slots):
    """Each of twelve moves to another's time at once, over and over: nobody ends with two places or none."""
    chosen = slots[:6]
    Slot.objects.filter(pk__in=[slot.pk for slot in chosen]).update(capacity=3)
    residents = [people.resident(number, with_user=False) for number in range(12)]
    for number, one in enumerate(residents):
        actions.book(
            slot_id=chosen[number % 6].pk, resident_id=one.pk, channel="self", attempt=f"first-{number}",
            by=SYSTEM, at=people.at,
        )  # fmt: skip

    def change(number: int) -> None:
        dice = random.Random(number)
        for turn in range(6):
            own = Booking.objects.get(resident=residents[number], status="booked")
            wanted = dice.choice([slot for slot in chosen if slot.pk != own.slot_id])
            try:
                actions.move_booking(
                    booking_id=own.pk, slot_id=wanted.pk, attempt=f"{number}-{turn}", by=SYSTEM, at=people.at
                )
            except (Taken, RuleBroken):
                assert Booking.objects.get(resident=residents[number], status="booked").pk == own.pk

    together(12, change)

    for slot in Slot.objects.filter(pk__in=[one.pk for one in chosen]):
        assert slot.held == []
        assert slot.taken == Booking.objects.filter(slot=slot, status="booked").count() <= 3
    assert Booking.objects.filter(status="booked").count() == 12
