"""Two people move one referral at once: one wins, the other is told who was faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, HAND_OVER, Cast, cast
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.errors import AlreadyMoved

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Runs the calls in threads that start together; each result or the error raised."""
    gate, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[number] = call()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def step(action, by, at=AT + HOUR, **more):
    """One rival: the call it makes on the state it saw, and who it is."""
    return (lambda pk, seen: action(referral_id=pk, seen_status=seen, by=by, at=at, **more), by)


REASON = {"reason": "演示"}
DAY = AT + timedelta(days=2, hours=1)
Rivals = dict[str, tuple[Callable[[], Referral], list[tuple[Callable, object]]]]


def ups(people: Cast) -> Rivals:
    """On the way up: how the referral comes to its state, and the steps two people take from there at once."""
    desk, rival, gp, doctor = people.desk.actor, people.other_desk.actor, people.gp.actor, people.specialist.actor

    def place() -> Referral:
        return people.up(booking_id=people.booked(people.clinic()[1]).pk)

    def returned() -> Referral:
        return actions.return_referral(referral_id=people.up().pk, by=desk, at=AT, **REASON)

    accept, withdraw = step(actions.accept_referral, desk), step(actions.withdraw_referral, gp, **REASON)
    see, late = step(actions.confirm_visit, desk, DAY), DAY + 3 * HOUR
    missed = step(actions.mark_not_attended, rival, late, **REASON)
    letters = [step(actions.return_summary, who, DAY, reply=text) for who, text in ((desk, "甲"), (doctor, "乙"))]
    return {
        "two desks accept": (place, [accept, step(actions.accept_referral, rival)]),
        "accept or withdraw": (place, [accept, withdraw]),
        "accept or return": (place, [accept, step(actions.return_referral, rival, **REASON)]),
        "see or withdraw": (people.accepted, [see, withdraw]),
        "see twice": (people.accepted, [see, step(actions.confirm_visit, doctor, DAY)]),
        "missed or seen": (people.accepted, [missed, step(actions.confirm_visit, desk, late)]),
        "two letters": (people.seen, letters),
        "close twice": (people.summarised, [step(actions.close_referral, gp, AT + timedelta(days=4))] * 2),
        "resend or withdraw": (returned, [step(actions.resend_referral, gp), withdraw]),
    }


def downs(people: Cast) -> Rivals:
    """The same on the way down."""
    gp, desk, doctor = people.gp.actor, people.desk.actor, people.specialist.actor

    def declined() -> Referral:
        return actions.decline_down(referral_id=people.down().pk, by=gp, at=AT, **REASON)

    take, withdraw = step(actions.take_over, gp), step(actions.withdraw_referral, desk, **REASON)
    again = step(actions.propose_again, doctor, plan=HAND_OVER["plan"], medicines="同前")
    return {
        "take over or decline": (people.down, [take, step(actions.decline_down, gp, **REASON)]),
        "take over or withdraw": (people.down, [take, withdraw]),
        "propose again or withdraw": (declined, [again, withdraw]),
    }


NAMES = (
    "two desks accept", "accept or withdraw", "accept or return", "see or withdraw", "see twice", "missed or seen",
    "two letters", "close twice", "resend or withdraw", "take over or decline", "take over or withdraw",
    "propose again or withdraw",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_one_wins_and_the_other_is_told_by_name(name):
    people = cast()
    begin, rivals = (ups(people) | downs(people))[name]
    referral = begin()
    results = at_once(*(lambda call=call: call(referral.pk, referral.status) for call, _by in rivals))
    won = [number for number, result in enumerate(results) if isinstance(result, Referral)]
    assert len(won) == 1, results
    loser = results[1 - won[0]]
    assert isinstance(loser, AlreadyMoved)
    assert rivals[won[0]][1].name in loser.message
    assert Referral.objects.get(pk=referral.pk).status == results[won[0]].status


def test_accept_or_withdraw_leaves_the_place_with_the_winner():
    people = cast()
    slot = people.clinic()[1]
    sent = people.up(booking_id=people.booked(slot).pk)
    at_once(
        lambda: actions.accept_referral(referral_id=sent.pk, seen_status="sent", by=people.desk.actor, at=AT + HOUR),
        lambda: actions.withdraw_referral(
            referral_id=sent.pk, seen_status="sent", reason="演示", by=people.gp.actor, at=AT + HOUR
        ),
    )
    sent.refresh_from_db()
    slot.refresh_from_db()
    assert (sent.status, slot.taken) in (("accepted", 1), ("withdrawn", 0))
    assert Booking.objects.filter(slot=slot, status="booked").count() == slot.taken


def test_two_letters_for_the_same_problem_at_once_become_one():
    people = cast()
    results = at_once(*(lambda: people.up() for _number in range(4)))
    sent = [result for result in results if isinstance(result, Referral)]
    assert len(sent) == 1
    assert all(sent[0].number in str(result) for result in results if result is not sent[0])
