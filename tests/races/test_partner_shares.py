"""A centre books many places of a session at once: never more than its share."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.models import Booking, PartnerCount, Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, parameters
from tests.races.test_booking import outcome, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.xdist_group("races")]
HANDS, MOST = 8, 3


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def session(people: Cast) -> Session:
    """A clinic of as many reserved places as hands, of which the centre may take three."""
    actions.set_partner_rule(
        organization_id=people.hospital.pk, centre_id=people.centre.pk, since=people.at.astimezone(CHINA).date(),
        least=1, most=MOST, reason="按协议", by=SYSTEM, at=people.at,
    )  # fmt: skip
    morning = (people.at + timedelta(days=6)).astimezone(CHINA).replace(hour=9, minute=0, second=0, microsecond=0)
    figures = parameters(head_start_days=0, reserved_share=1, slots_per_session=HANDS)
    return people.clinic(parameters=figures, starts_at=morning)


def test_counting_bookings_elsewhere_oversells_the_share(people, session):
    """Each counts the centre's bookings, then writes one more: all find room. The race is real on this database."""
    slots, counted = list(Slot.objects.filter(session=session)), threading.Barrier(HANDS)
    residents = [people.resident(number) for number in range(HANDS)]

    def naive(number: int) -> None:
        with transaction.atomic():
            has_room = Booking.objects.filter(session=session, centre=people.centre).count() < MOST
            counted.wait(timeout=60)
            if has_room:
                Booking.objects.create(
                    slot=slots[number], session=session, resident=residents[number], channel="gp", booked_by="演示",
                    booked_at=people.at, attempt=f"n{number}", centre=people.centre, pool="partner",
                )  # fmt: skip

    together(HANDS, naive)

    assert Booking.objects.filter(session=session, centre=people.centre).count() == HANDS > MOST


def test_a_centre_never_takes_more_than_its_share(people, session):
    slots = list(Slot.objects.filter(session=session).order_by("starts_at"))
    residents = [people.resident(number) for number in range(HANDS)]

    answers = together(
        HANDS,
        lambda number: outcome(
            lambda: actions.book(
                slot_id=slots[number].pk, resident_id=residents[number].pk, channel="referral", attempt=f"x{number}",
                as_partner_centre_id=people.centre.pk, by=SYSTEM, at=people.at,
            )
        ),
    )  # fmt: skip

    assert sorted(answers) == ["RuleBroken"] * (HANDS - MOST) + ["won"] * MOST
    assert PartnerCount.objects.get(session=session).taken == MOST
    assert Booking.objects.filter(session=session, centre=people.centre).count() == MOST
    assert sum(Slot.objects.filter(session=session).values_list("taken", flat=True)) == MOST
