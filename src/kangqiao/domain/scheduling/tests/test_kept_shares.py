"""A hospital's shares of clinic places and of beds for the community: set, kept, measured, and given back unused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.actions import Opening
from kangqiao.domain.scheduling.models import Session, Slot
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, parameters

pytestmark = pytest.mark.django_db
RULE = {
    "team_percent": 0, "contracted_percent": 0, "team_hours": 696, "contracted_hours": 48, "release_hours": 24,
    "reason": "门诊办公会议定", "by": SYSTEM,
}  # fmt: skip


@pytest.fixture
def people() -> Cast:
    """The hospital keeps 20 % of its clinic places and 5 % of its beds."""
    made = cast()
    given = {"organization_id": made.hospital.pk, "since": made.at.date(), "at": made.at, **RULE}
    actions.set_pool_rule(**given, partner_percent=20)
    actions.set_pool_rule(**given, partner_percent=5, specialty="ward")
    return made


def opened(
    people: Cast, practitioner_id: int, specialty: str, sessions: int, places: int, head_start_days: int = 0
) -> list[Session]:
    """Sessions of one doctor, one a day, each of so many places of a quarter of an hour."""
    figures = parameters(slots_per_session=places, head_start_days=head_start_days, booking_horizon_days=400)
    first = (people.at + timedelta(days=5)).astimezone(CHINA).replace(hour=8, minute=0)
    starts = [first + timedelta(days=number) for number in range(sessions)]
    return actions.open_sessions(
        openings=[
            Opening(
                people.hospital.pk, practitioner_id, specialty, Session.Kind.HOSPITAL_CLINIC, start,
                start + timedelta(minutes=15 * places), f"clinic:{specialty}:{number}", figures,
            )
            for number, start in enumerate(starts)
        ],
        by=SYSTEM, at=people.at,
    )  # fmt: skip


def kept(specialty: str) -> tuple[int, int]:
    slots = Slot.objects.filter(session__specialty=specialty)
    return slots.count(), slots.exclude(pool="public").count()


def free_to_all(people: Cast, session: Session, hours: int) -> int:
    at = session.starts_at - timedelta(hours=hours)
    found = queries.free_slots(
        [people.hospital.pk], session.specialty, starts=session.starts_at, ends=session.ends_at, now=at
    )
    return len(found)


@pytest.mark.clause("XH23-5.1.3f")
def test_of_a_thousand_places_two_hundred_are_kept_of_a_thousand_beds_fifty_and_unused_ones_return(people):
    clinics = opened(people, people.expert.pk, "cardiology", 50, 20)
    wards = opened(people, people.other_expert.pk, "ward", 50, 20)

    assert (kept("cardiology"), kept("ward")) == ((1000, 200), (1000, 50))
    assert [free_to_all(people, clinics[0], hours) for hours in (30, 19)] == [16, 20]
    assert [free_to_all(people, wards[0], hours) for hours in (30, 19)] == [19, 20]


@pytest.mark.clause("XH23-5.1.3f")
def test_the_page_measures_both_beside_what_was_set(people, monkeypatch):
    clinic = opened(people, people.expert.pk, "cardiology", 1, 10, head_start_days=1)
    ward = opened(people, people.other_expert.pk, "ward", 1, 20)
    past = timedelta(days=13)
    Slot.objects.filter(session__in=(*clinic, *ward)).update(
        starts_at=F("starts_at") - past, teams_at=F("teams_at") - past, contracted_at=F("contracted_at") - past,
        release_at=F("release_at") - past,
    )  # fmt: skip
    client = Client()
    seat = people.staff(Role.HOSPITAL_DIRECTOR, people.hospital)
    client.force_login(User.objects.get(pk=seat.user_id))

    monkeypatch.setattr("django.utils.timezone.now", lambda: people.at)

    sheet = queries.pool_sheet(people.hospital, people.at, None, None)
    page = client.get(f"/slots/pools/{people.hospital.pk}/").content.decode()

    assert (sheet.span.places, sheet.span.reserved_percent) == (10, 20)
    assert (sheet.beds.places, sheet.beds.reserved_percent, sheet.kept) == (20, 5, (20, 5))
    assert all(said in page for said in ("2 / 10，占 20%；定的是 20%", "1 / 20，占 5%；定的是 5%", "床位去了哪里"))
