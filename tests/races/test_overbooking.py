"""Many add patients beyond the places of one session at once: never more than may be."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, OverbookRight, Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, no_priority
from tests.races.test_booking import outcome, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.xdist_group("races")]
HANDS = 8


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def session(people: Cast) -> Session:
    """A clinic of one place, which is taken."""
    morning = (people.at + timedelta(days=3)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
    made = people.clinic(parameters=no_priority(), starts_at=morning)
    kept = Slot.objects.filter(session=made).order_by("starts_at")[0]
    Slot.objects.filter(session=made).exclude(pk=kept.pk).delete()
    resident = people.resident(99)
    actions.book(slot_id=kept.pk, resident_id=resident.pk, channel="self", attempt="a", by=SYSTEM, at=people.at)
    return made


@pytest.fixture
def desk(people: Cast) -> Actor:
    """Somebody who was named; of the centre's own hospital, so that its people are theirs."""
    seat = people.staff(Role.REFERRAL_DESK, people.hospital)
    today = people.at.astimezone(CHINA).date()
    OverbookRight.objects.create(
        organization=people.hospital, user_id=seat.user_id, since=today, until=today + timedelta(days=2),
        reason="会诊", set_by="演示", set_at=people.at,
    )  # fmt: skip
    return seat.actor


def test_counting_first_and_adding_after_adds_too_many(people, session):
    """Each counts what is there, then adds: all of them find room. The race is real on this database."""
    most, last, counted = queries.most_beyond(session), queries.last_slot(session.pk), threading.Barrier(HANDS)

    def naive(_number: int) -> None:
        with transaction.atomic():
            has_room = Slot.objects.get(pk=last.pk).extra < most
            counted.wait(timeout=60)
            if has_room:
                Slot.objects.filter(pk=last.pk).update(extra=F("extra") + 1)

    together(HANDS, naive)

    assert Slot.objects.get(pk=last.pk).extra == HANDS > most


def test_never_more_are_added_than_may_be(people, session, desk):
    residents = [people.resident(number, centre=people.hospital) for number in range(HANDS)]
    most = queries.most_beyond(session)

    answers = together(
        HANDS,
        lambda number: outcome(
            lambda: actions.overbook(
                session_id=session.pk, resident_id=residents[number].pk, reason="复诊", attempt=f"x{number}",
                by=desk, at=people.at,
            )
        ),
    )  # fmt: skip

    assert sorted(answers) == ["Taken"] * (HANDS - most) + ["won"] * most
    assert Slot.objects.get(session=session).extra == most
    added = Booking.objects.exclude(right=None)
    assert added.count() == most
    numbers = queries.queue_numbers([session.pk])
    assert sorted(numbers[one.pk] for one in added) == [2, 3, 4]


def test_a_withdrawal_and_somebody_added_at_once_lose_nobody(people, session, desk):
    resident = people.resident(1, centre=people.hospital)

    def hand(number: int) -> str:
        if number:
            return outcome(
                lambda: actions.withdraw_session(session_id=session.pk, reason="开会", by=SYSTEM, at=people.at)
            )
        return outcome(
            lambda: actions.overbook(
                session_id=session.pk, resident_id=resident.pk, reason="复诊", attempt="x", by=desk, at=people.at
            )
        )

    added, _withdrawn = together(2, hand)

    slot = Slot.objects.get(session=session)
    assert (slot.taken, slot.extra) == (0, 0)
    assert not Booking.objects.filter(status="booked").exists()
    assert Booking.objects.filter(status="cancelled").count() == (2 if added == "won" else 1)
