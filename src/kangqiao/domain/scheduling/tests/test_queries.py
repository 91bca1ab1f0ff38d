"""What is free, for whom, in what order, and at what cost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Session, Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.tests.factories import (
    SYSTEM,
    Cast,
    cast,
    parameters,
    practitioner,
    seat_for,
)
from kangqiao.domain.terminology.models import Concept

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


def book(slot: Slot, resident, at) -> None:
    actions.book(slot_id=slot.pk, resident_id=resident.pk, channel="self", attempt=f"{resident.pk}", by=SYSTEM, at=at)


def test_the_grid_and_the_list_agree_on_what_is_free(people):
    """One meaning of free: what the list offers is what the grid opens and what booking takes, at any instant."""
    session = people.clinic(starts_at=people.at + timedelta(days=20), parameters=parameters(head_start_days=7))
    slots = list(Slot.objects.filter(session=session))
    book(slots[0], people.resident(with_user=False), session.starts_at - timedelta(hours=1))
    instants = [
        people.at,
        people.at + timedelta(days=8),
        session.starts_at - timedelta(hours=23),
        session.starts_at + timedelta(hours=1),
        session.ends_at,
    ]
    for now in instants:
        here = frozenset({people.hospital.pk})
        for standing in (Standing(), Standing(partner=here), Standing(team=here), Standing(contracted=here)):
            listed = queries.free_slots(
                [people.hospital.pk],
                starts=people.at,
                ends=people.at + timedelta(days=30),
                standing=standing,
                now=now,
            )
            cells = queries.slots_of(session, now, standing)
            assert {slot.pk for slot in listed} == {cell.slot.pk for cell in cells if cell.left}


def test_free_slots_narrow_by_place_specialty_and_time(people):
    session = people.session()
    span = {"starts": session.starts_at, "ends": session.starts_at + timedelta(hours=1), "now": people.at}

    assert len(queries.free_slots([people.centre.pk], "cardiology", **span)) == 4
    assert queries.free_slots([people.centre.pk], "surgery", **span) == []
    assert queries.free_slots([people.far_centre.pk], **span) == []


def test_nearest_free_prefers_the_session_then_the_place_then_the_city(people):
    day = people.at + timedelta(days=3)
    here = people.session(starts_at=day, ends_at=day + timedelta(minutes=30))
    next_week = people.session(starts_at=day + timedelta(days=7), ends_at=day + timedelta(days=7, minutes=15))
    far = people.session(
        starts_at=day,
        ends_at=day + timedelta(minutes=15),
        organization_id=people.far_centre.pk,
        practitioner_id=people.other_expert.pk,
    )
    wanted = Slot.objects.filter(session=here).order_by("starts_at")[0]

    nearest = queries.nearest_free(queries.get_slot(wanted.pk), people.at)

    assert [slot.session_id for slot in nearest] == [here.pk, next_week.pk, far.pk]
    assert wanted.pk not in {slot.pk for slot in nearest}


@pytest.mark.clause("SZ16-4.3f")
def test_offers_show_posted_experts_at_centres_above_hospital_clinics(people):
    resident = people.resident()
    soon, later = people.at + timedelta(days=1), people.at + timedelta(days=5)
    clinic = people.clinic(starts_at=soon)
    far = people.session(
        starts_at=soon,
        organization_id=people.far_centre.pk,
        practitioner_id=practitioner("何首乌", people.hospital, Concept.objects.get()).pk,
    )
    near = people.session(starts_at=later)

    offers = queries.offers(seat_for(resident.user), home_id=resident.centre_id, now=people.at, specialty="cardiology")

    assert [offer.sessions[0].pk for offer in offers] == [near.pk, far.pk, clinic.pk]


@pytest.mark.parametrize("text", ["sqd", "shenqing", "沈青", "xxg", "xinxue", "心血管"])
def test_offers_are_found_by_characters_pinyin_and_initials(people, text):
    people.session()
    seat = seat_for(people.resident().user)

    found = queries.offers(seat, home_id=None, now=people.at, text=text)

    assert [offer.practitioner.name for offer in found] == ["沈青黛"]
    assert queries.offers(seat, home_id=None, now=people.at, text="zzz") == []


def test_offers_count_partner_places_for_paired_doctors_only(people):
    people.clinic(starts_at=people.at + timedelta(days=20), parameters=parameters(head_start_days=7))

    def seen(seat) -> int:
        return queries.offers(seat, home_id=None, now=people.at)[0].sessions[0].free

    assert seen(people.staff(Role.GP)) == 12
    assert seen(people.staff(Role.GP, people.far_centre)) == 0
    assert seen(seat_for(people.resident().user)) == 0


@pytest.mark.clause("SZ16-4.3e")
def test_next_sessions_of_an_expert_are_the_next_four_with_their_places(people):
    tuesday = people.at + timedelta(days=1)
    for week in range(6):
        people.session(starts_at=tuesday + timedelta(weeks=week))

    shown = queries.next_sessions_of(people.expert.pk, people.at)

    assert [session.starts_at for session in shown] == [tuesday + timedelta(weeks=week) for week in range(4)]
    assert shown[0].free == 12
    assert {session.organization_id for session in shown} == {people.centre.pk}


def test_offers_cost_the_same_for_one_session_and_fifty(people, django_assert_num_queries):
    seat = seat_for(people.resident().user)
    people.session(starts_at=people.at + timedelta(days=1))
    with django_assert_num_queries(1):
        assert len(queries.bookable_sessions(seat, home_id=None, now=people.at)) == 1
    for number in range(49):
        people.session(starts_at=people.at + timedelta(days=2, hours=4 * number))
    with django_assert_num_queries(1):
        assert len(queries.offers(seat, home_id=None, now=people.at)[0].sessions) == 50


def test_the_day_costs_the_same_for_one_booking_and_fifty(people, django_assert_num_queries):
    seat = people.staff(Role.CENTRE_MANAGER)
    sessions = [people.session(starts_at=people.at + timedelta(days=1, hours=3 * n)) for n in range(5)]
    slots = list(Slot.objects.filter(session__in=sessions).order_by("starts_at"))
    span = (people.at, people.at + timedelta(days=3))

    def sheet() -> queries.Sheet:
        return queries.day_sheet(seat.actor, queries.day_sessions(seat, *span), people.at)

    book(slots[0], people.resident(0, with_user=False), people.at)
    # Two for sessions and bookings, the others for the numbers in the queue, which know of everybody.
    with django_assert_num_queries(8):
        assert sheet().counts["booked"] == 1
    for number in range(1, 50):
        book(slots[number], people.resident(number, with_user=False), people.at)
    with django_assert_num_queries(8):
        shown = sheet()
    assert shown.counts["booked"] == 50
    assert shown.places == 60


def test_the_residents_list_costs_the_same_for_one_booking_and_many(people, django_assert_num_queries):
    resident = people.resident()
    seat = seat_for(resident.user)
    for number in range(8):
        session = people.session(starts_at=people.at + timedelta(days=1 + number))
        slot = Slot.objects.filter(session=session)[0]
        actions.book(
            slot_id=slot.pk, resident_id=resident.pk, channel="self", attempt=f"a{number}", by=SYSTEM, at=people.at
        )
        if number in (0, 7):
            with django_assert_num_queries(1):
                ahead, past = queries.own_bookings(seat, resident.pk, people.at)
    assert (len(ahead), past) == (8, [])
    assert ahead[0].booking.slot.starts_at < ahead[1].booking.slot.starts_at


def test_parameters_keep_the_mark_of_a_setting():
    read = parameters("440402", date(2026, 3, 2))

    assert read.values["reserved_share"].setting
    assert read.values["reserved_share"].reason
    assert read.head_start_days == 0
    assert parameters("440304").head_start_days == 7


def test_sessions_of_another_city_are_not_offered(people):
    people.session()
    seat = people.staff(Role.GP)
    from dataclasses import replace

    assert queries.offers(replace(seat, place_code="310104"), home_id=None, now=people.at) == []
    assert Session.objects.count() == 1


def test_what_nobody_can_book_yet_says_from_when_and_what_is_full_does_not(people):
    later = people.session(starts_at=people.at + timedelta(days=60), source="half_day:2")
    full = people.session()
    for number, slot in enumerate(Slot.objects.filter(session=full)):
        book(slot, people.resident(number, with_user=False), people.at)
    seat = seat_for(people.resident(99).user)

    found = {one.pk: one for one in queries.bookable_sessions(seat, home_id=None, now=people.at)}

    assert found[later.pk].free == found[full.pk].free == 0
    assert found[later.pk].releases_at == Slot.objects.filter(session=later).earliest("opens_at").opens_at > people.at
    assert found[full.pk].releases_at is None
