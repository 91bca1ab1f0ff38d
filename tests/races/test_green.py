"""Two letters want the last bed at once: one gets everything it asked for, the other nothing at all."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from kangqiao.domain.referral import actions
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, cast
from kangqiao.domain.referral.tests.test_green import ordered
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.kernel.errors import Taken
from tests.races.test_referral import at_once


@pytest.mark.django_db(transaction=True)
@pytest.mark.trust("T-RACE-1", "a letter with several places")
def test_two_letters_for_the_last_bed(measured) -> None:
    people = cast()
    visits, beds, other = people.clinic(), ordered(people, "ward", 16), people.person(2)
    letters = (
        lambda: people.up(slot_id=visits[1].pk, parts={"ward": beds[0].pk}, attempt="one"),
        lambda: people.up(
            resident_id=other.pk, slot_id=visits[2].pk, parts={"ward": beds[0].pk}, attempt="two"
        ),
    )  # fmt: skip

    found = at_once(*letters)

    assert [type(one) for one in found].count(Referral) == 1
    lost = next(one for one in found if isinstance(one, Taken))
    assert "住院床位没有占到" in lost.message
    assert Booking.objects.count() == 2
    assert sum(Slot.objects.values_list("taken", flat=True)) == 2
    measured("1 letter with visit and bed, 1 told which place went; 2 places taken of 4 asked")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["return", "receive", "rebook"])
def test_a_letter_locks_its_places_in_the_order_in_which_letters_take_them(step) -> None:
    """Somebody who takes places holds the first; whoever gives back waits there and holds none of the later ones."""
    people = cast()
    ct, ward, visits = ordered(people, "ct", 8)[0], ordered(people, "ward", 16)[0], people.clinic()
    sent = people.up(slot_id=visits[1].pk, parts={"ct": ct.pk, "ward": ward.pk}, attempt="one")
    actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT)
    if step == "rebook":  # the later place is given back for an earlier one
        first, later = visits[0], visits[1]
    else:
        first, later = ct, visits[1]
    by = people.desk.actor
    act = {
        "return": lambda: actions.return_referral(referral_id=sent.pk, reason="演示", by=by, at=AT),
        "receive": lambda: actions.receive_patient(referral_id=sent.pk, by=by, at=AT + timedelta(days=2)),
        "rebook": lambda: actions.rebook_referral(referral_id=sent.pk, slot_id=visits[0].pk, by=by, at=AT),
    }[step]
    done: list[object] = []

    def run() -> None:
        try:
            done.append(act())
        finally:
            connection.close()

    with transaction.atomic():
        Slot.objects.select_for_update().get(pk=first.pk)
        other = threading.Thread(target=run)
        other.start()
        _waits_for_us()
        is_free = True
        try:
            with transaction.atomic():
                Slot.objects.select_for_update(nowait=True).get(pk=later.pk)
        except OperationalError:
            is_free = False
    other.join()

    assert is_free
    assert len(done) == 1


def _waits_for_us() -> None:
    """Until the other one stands at our lock."""
    with connection.cursor() as cursor:
        for _turn in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("nobody waits")
