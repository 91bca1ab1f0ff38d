"""Two workers at one queue: first that both would send the same without the lock, then that each message goes once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction

from kangqiao.base.acting import as_system
from kangqiao.base.carriers import Letter, Receipt
from kangqiao.domain.institutions.tests.factories import NOW, centre
from kangqiao.domain.messaging import actions, queries
from kangqiao.domain.messaging.models import Delivery
from kangqiao.domain.messaging.tests.factories import MOBILE, listener, tell
from tests.races.test_booking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
WORKERS, MESSAGES = 4, 24


class Counting:
    """A carrier that remembers nothing: whatever is handed over twice is sent twice."""

    leaves = reports = False

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.lock = threading.Lock()

    def carry(self, letter: Letter) -> Receipt:
        with self.lock:
            self.sent[letter.key] += 1
        return Receipt(letter.key)

    def ask(self, number: str, *, at: object) -> Receipt:
        return Receipt(number)


@pytest.fixture
def queue(settings) -> None:
    settings.SMS = settings.SMS | {"carrier": "file"}
    one = listener(centre())
    for number in range(MESSAGES):
        tell(one.user_id, f"c{number}", at=NOW - timedelta(minutes=number))


def drain(carrier: Counting) -> int:
    """What the job does: one after the other, each in a transaction of its own, until nothing is left."""
    done = 0
    while True:
        with as_system("notices") as by:
            if actions.step_due(channel="sms", carrier=carrier, address_of=lambda _user: MOBILE, by=by, at=NOW) is None:
                return done
        done += 1


def test_without_the_lock_two_workers_take_the_same_message(queue: None) -> None:
    met = threading.Barrier(2)

    def unlocked(_number: int) -> int:
        with transaction.atomic():
            row = Delivery.objects.filter(due_at__lte=NOW).order_by("due_at", "pk").first()
            met.wait(timeout=30)
            assert row is not None
            return row.pk

    assert len(set(together(2, unlocked))) == 1


def test_with_it_each_takes_another_and_none_waits(queue: None) -> None:
    met = threading.Barrier(2)

    def locked(_number: int) -> int:
        with as_system("notices"):
            row = queries.next_due("sms", NOW)
            met.wait(timeout=30)
            assert row is not None
            return row.pk

    assert len(set(together(2, locked))) == 2


def test_four_workers_send_each_message_once(queue: None) -> None:
    carrier = Counting()

    done = together(WORKERS, lambda _number: drain(carrier))

    assert sum(done) == MESSAGES
    assert set(carrier.sent.values()) == {1}
    assert len(carrier.sent) == MESSAGES
    with as_system("test"):
        assert set(Delivery.objects.values_list("status", "tries")) == {("sent", 1)}
