"""A session is called off while others book, move and answer: first the race itself, then that nobody is lost."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, Displaced, Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken, Taken
from tests.races.test_booking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
PEOPLE = 12


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now().astimezone(CHINA).replace(hour=10, minute=0, second=0, microsecond=0))


@pytest.fixture
def session(people: Cast) -> Session:
    return people.session(starts_at=(people.at + timedelta(days=3)).replace(hour=9))


def test_without_the_lock_somebody_stays_in_a_session_that_was_called_off(people, session):
    """Looking whether it is open, and writing afterwards: the booker is in nobody's list."""
    slot, resident = Slot.objects.filter(session=session)[0], people.resident(with_user=False)
    has_looked, is_off = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number:
            has_looked.wait(20)
            actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)
            is_off.set()
            return
        with transaction.atomic():
            assert Session.objects.get(pk=session.pk).status == "open"
            has_looked.set()
            is_off.wait(20)
            Booking.objects.create(
                slot=slot, session=session, resident=resident, channel="self", booked_by="演示", booked_at=people.at,
                attempt="naive",
            )  # fmt: skip

    together(2, work)

    assert Booking.objects.filter(session__status="withdrawn", status="booked").count() == 1
    assert Displaced.objects.count() == 0


def test_whoever_books_meanwhile_is_refused_or_owed_another_place(people, session):
    slots = list(Slot.objects.filter(session=session).order_by("pk"))
    residents = [people.resident(number, with_user=False) for number in range(PEOPLE)]

    def work(number: int) -> str:
        if number == PEOPLE // 2:
            actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)
            return "withdrawn"
        try:
            actions.book(
                slot_id=slots[number % len(slots)].pk, resident_id=residents[number].pk, channel="self",
                attempt=f"b{number}", by=SYSTEM, at=people.at,
            )  # fmt: skip
        except (Taken, RuleBroken) as refused:
            return type(refused).__name__
        return "booked"

    answers = Counter(together(PEOPLE, work))

    assert Booking.objects.filter(status="booked").count() == 0
    assert set(Displaced.objects.values_list("booking", flat=True)) == set(Booking.objects.values_list("pk", flat=True))
    assert answers["booked"] == Displaced.objects.filter(status="open").count()
    assert answers["booked"] + answers["RuleBroken"] + answers["Taken"] == PEOPLE - 1


def test_all_who_lost_a_place_want_the_same_one_and_those_too_late_stay_listed(people, session):
    later = people.session(starts_at=(people.at + timedelta(days=9)).replace(hour=9))
    wanted = Slot.objects.filter(session=later).order_by("pk")[0]
    Slot.objects.filter(session=session).update(capacity=2)
    slots = list(Slot.objects.filter(session=session).order_by("pk"))
    for number in range(PEOPLE):
        actions.book(
            slot_id=slots[number // 2].pk, resident_id=people.resident(number, with_user=False).pk, channel="self",
            attempt=f"b{number}", by=SYSTEM, at=people.at,
        )  # fmt: skip
    actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)
    owed = list(Displaced.objects.order_by("pk").values_list("pk", flat=True))

    def work(number: int) -> str:
        try:
            actions.place_again(
                displaced_id=owed[number], slot_id=wanted.pk, attempt=f"m{number}", by=SYSTEM, at=people.at
            )
        except Taken:
            return "late"
        return "placed"

    assert Counter(together(PEOPLE, work)) == {"placed": 1, "late": PEOPLE - 1}
    assert Counter(Displaced.objects.values_list("status", flat=True)) == {"placed": 1, "open": PEOPLE - 1}


def test_answered_by_several_at_once_one_answer_counts(people, session):
    later = people.session(starts_at=(people.at + timedelta(days=9)).replace(hour=9))
    slots = list(Slot.objects.filter(session=later).order_by("pk"))
    actions.book(
        slot_id=Slot.objects.filter(session=session)[0].pk, resident_id=people.resident(with_user=False).pk,
        channel="self", attempt="b", by=SYSTEM, at=people.at,
    )  # fmt: skip
    actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at)
    owed = Displaced.objects.get()

    def work(number: int) -> str:
        at = people.at + timedelta(seconds=number)
        try:
            if number == 0:
                actions.undo_withdrawal(session_id=session.pk, by=SYSTEM, at=at)
            elif number == 1:
                actions.let_go(displaced_id=owed.pk, by=SYSTEM, at=at)
            else:
                actions.place_again(
                    displaced_id=owed.pk, slot_id=slots[number].pk, attempt=f"m{number}", by=SYSTEM, at=at
                )
        except (AlreadyMoved, RuleBroken):
            return "late"
        return "won"

    assert Counter(together(6, work)) == {"won": 1, "late": 5}
    owed.refresh_from_db()
    assert owed.status in ("restored", "let_go", "placed")
    assert Booking.objects.filter(status="booked").count() == (owed.status != "let_go")
