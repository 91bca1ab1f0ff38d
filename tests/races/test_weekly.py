"""Two people open the same weeks, change one template, or book while it changes: each clinic is there once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, CalendarDay, ClinicTemplate, Session, Slot
from kangqiao.domain.scheduling.rules import Weekly
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast
from tests.races.test_booking import outcome, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race, pytest.mark.xdist_group("races")]
HANDS = 6


@pytest.fixture
def people() -> Cast:
    return cast(timezone.now())


@pytest.fixture
def template(people: Cast) -> ClinicTemplate:
    """A clinic in three days, whatever the calendar says of it, every week."""
    day = people.at.astimezone(CHINA).date() + timedelta(days=3)
    named = {"works_as": day.isoweekday(), "reason": "照常", "set_by": "演示", "set_at": people.at}
    CalendarDay.objects.create(organization=people.hospital, day=day, **named)
    weekly = Weekly(
        people.other_expert.pk, "cardiology", "305", day.isoweekday(), time(9), time(11), 30, 1, 0,
        people.at.astimezone(CHINA).date(), day + timedelta(days=1),
    )  # fmt: skip
    return actions.add_template(organization_id=people.hospital.pk, weekly=weekly, by=SYSTEM, at=people.at)


def open_once(people: Cast) -> list[Session]:
    return actions.open_weeks(organization_id=people.hospital.pk, weeks=1, seen=1, by=SYSTEM, at=people.at)


def test_many_hands_open_a_week_once(people, template):
    answers = together(HANDS, lambda _n: outcome(lambda: open_once(people)))

    assert sorted(answers) == ["RuleBroken"] * (HANDS - 1) + ["won"]
    assert Session.objects.count() == 1
    assert Slot.objects.count() == 4


def test_two_templates_of_one_doctor_at_once_are_one(people, template):
    weekly = replace(queries.weekly_of(template), weekday=template.weekday % 7 + 1, until=None)

    answers = together(
        HANDS,
        lambda _n: outcome(
            lambda: actions.add_template(organization_id=people.hospital.pk, weekly=weekly, by=SYSTEM, at=people.at)
        ),
    )

    assert answers.count("won") == 1
    assert ClinicTemplate.objects.count() == 2


def test_whoever_books_while_a_template_changes_keeps_the_place_or_is_told(people, template):
    """Either the booking was first and the clinic stays as it was, or the change was and the clinic is gone."""
    (session,) = open_once(people)
    slot = Slot.objects.filter(session=session).order_by("starts_at")[0]
    resident, changed = people.resident(), replace(queries.weekly_of(template), room="306")
    at = max(people.at, slot.opens_at, slot.release_at or people.at)
    at = min(at, datetime.combine(session.starts_at.date(), time(), CHINA))

    def hand(number: int) -> str:
        if number:
            return outcome(
                lambda: actions.mend_template(template_id=template.pk, weekly=changed, seen=1, by=SYSTEM, at=people.at)
            )
        return outcome(
            lambda: actions.book(
                slot_id=slot.pk, resident_id=resident.pk, channel="gp", attempt="x", by=SYSTEM, at=at,
                as_partner_centre_id=people.centre.pk,
            )
        )  # fmt: skip

    booked, mended = together(2, hand)

    session.refresh_from_db()
    assert mended == "won"
    live = Booking.objects.filter(status="booked").count()
    assert (booked == "won") == (live == 1)
    assert (session.status, session.room) == (("open", "305") if live else ("withdrawn", "305"))
