"""Forms, jobs and notices delivered one to five times and shuffled: the state of one delivery in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.agreements import actions as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast

pytestmark = pytest.mark.django_db
FORMS, NOTICES, SHUFFLES = 8, 6, 4
Delivery = Callable[[], Any]


def deliveries(people: Cast, session: Session) -> list[Delivery]:
    """Everything that reaches the product once, as calls that may be made again."""
    slots = list(Slot.objects.filter(session=session).order_by("pk"))
    found: list[Delivery] = []
    for number in range(FORMS):
        client, resident = Client(), people.resident(number)
        assert resident.user is not None
        client.force_login(resident.user)
        address, body = f"/slots/{slots[number].pk}/book/", {"idempotency_key": f"form-{number}"}
        found.append(lambda client=client, address=address, body=body: client.post(address, body))
    for number in range(NOTICES):
        told = {"cause": f"demo:{number}", "kind": "demo", "subject": "演示", "organization_id": people.centre.pk}
        found.append(lambda told=told: messaging.notify(**told, by=SYSTEM, at=people.at))
    today = timezone.localdate(people.at)
    found.append(lambda: agreements.take_effect_due(on=today, by=SYSTEM, at=people.at))
    found.append(lambda: agreements.lapse_due(on=today, by=SYSTEM, at=people.at))
    return found


def state() -> dict[str, Any]:
    """What the product holds, in an order that does not depend on who came first."""
    return {
        "bookings": sorted(Booking.objects.values_list("slot", "resident", "status", "channel")),
        "places": sorted(Slot.objects.values_list("pk", "taken")),
        "notices": sorted(Notice.objects.values_list("cause", "subject")),
        "agreements": sorted(Agreement.objects.values_list("number", "status")),
        "steps": sorted(StatusChange.objects.values_list("process", "action", "to_status")),
        "traces": sorted(
            AuditEvent.objects.exclude(kind__in=("read", "refused")).values_list("action", "subject_type")
        ),
    }


@pytest.fixture
def arrivals() -> list[Delivery]:
    people = cast(timezone.now())
    morning = (people.at + timedelta(days=3)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
    today = timezone.localdate(people.at)
    due = {"status": "signed", "starts_on": today, "ends_on": today + timedelta(days=90)}
    Agreement.objects.filter(number="A-1").update(**due)
    return deliveries(people, people.session(starts_at=morning))


def outcome(calls: list[Delivery]) -> dict[str, Any]:
    """The state they lead to; taken back afterwards."""
    with transaction.atomic():
        for call in calls:
            call()
        reached = state()
        transaction.set_rollback(True)
    return reached


@pytest.mark.trust("T-DUP")
def test_repeated_and_shuffled_deliveries_lead_to_the_same_state(
    arrivals: list[Delivery], measured: Callable[[str], None]
) -> None:
    once = outcome(arrivals)
    dice, sent = random.Random(7), 0
    for _ in range(SHUFFLES):
        many = [call for call in arrivals for _ in range(dice.randint(1, 5))]
        dice.shuffle(many)
        sent += len(many)
        assert outcome(many) == once

    assert len(once["bookings"]) == FORMS
    assert len(once["notices"]) > NOTICES
    assert ("A-1", "in_force") in once["agreements"]
    measured(f"{len(arrivals)} deliveries as {sent} in {SHUFFLES} shuffles: the same state each time")
