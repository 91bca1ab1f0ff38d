"""Who is asked about a place, what ends an offer, who hears of it, what the job and the pages make of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.tests.factories import (
    HOUR,
    SYSTEM,
    Cast,
    book,
    cast,
    join,
    offered,
    one_place,
    own_actor,
)
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


@pytest.fixture
def session(people: Cast) -> Session:
    return one_place(people)


def test_booking_the_offered_place_by_the_ordinary_page_serves_the_line(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    waiting = join(people, session, second)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)

    actions.book(
        slot_id=mine.slot_id, resident_id=second.pk, channel="self", attempt="page", by=own_actor(second), at=at
    )

    waiting.refresh_from_db()
    assert waiting.status == "served"
    assert [row.action for row in history(waiting)] == ["begin", "accept"]
    actions.offer_free_places(by=SYSTEM, at=session.ends_at)
    assert not Notice.objects.filter(kind="line_over").exists()


def another(people: Cast) -> Slot:
    """A free place of the same house and specialty, two days later."""
    made = people.session(
        practitioner_id=people.other_expert.pk, starts_at=(people.at + timedelta(days=7)).replace(hour=1)
    )
    keep = Slot.objects.filter(session=made).order_by("pk")[0]
    Slot.objects.filter(session=made).exclude(pk=keep.pk).delete()
    return keep


def test_who_books_another_place_lets_go_what_they_were_offered(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    waiting = join(people, session, second)
    join(people, session, third, 1)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)
    assert offered(at) == [second.pk]

    actions.book(
        slot_id=another(people).pk, resident_id=second.pk, channel="self", attempt="y", by=own_actor(second), at=at
    )

    waiting.refresh_from_db()
    assert (waiting.status, offered(at)) == ("served", [third.pk])


def test_looking_at_another_time_or_going_back_leaves_an_offer_as_it_is(people):
    session = people.session()
    slots = list(Slot.objects.filter(session=session).order_by("pk"))
    first, second = people.resident(0), people.resident(1)
    Slot.objects.filter(pk__in=[slot.pk for slot in slots[1:]]).update(capacity=0)
    mine = actions.book(slot_id=slots[0].pk, resident_id=first.pk, channel="self", attempt="1", by=SYSTEM, at=people.at)
    join(people, session, second)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)
    Slot.objects.filter(pk=slots[1].pk).update(capacity=1)
    asking = {"resident_id": second.pk, "channel": "self", "by": own_actor(second), "at": at}

    actions.hold_slot(slot_id=slots[1].pk, **asking)
    actions.release_slot(slot_id=slots[0].pk, **asking)

    assert offered(at) == [second.pk]
    assert len(Slot.objects.get(pk=slots[0].pk).held) == 1
    actions.release_slot(slot_id=slots[1].pk, **asking)
    assert Slot.objects.get(pk=slots[1].pk).held == []


def test_accepting_is_refused_in_words_to_who_has_a_place_and_to_whose_line_it_is_not(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    waiting = join(people, session, second)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)
    Booking.objects.filter(pk=mine.pk).update(status="arrived", resident=second)
    accept = {"waiting_id": waiting.pk, "at": at}
    with pytest.raises(RuleBroken, match="只留一个号"):
        actions.accept_offer(attempt="a", by=own_actor(second), **accept)
    Booking.objects.filter(pk=mine.pk).update(status="cancelled", resident=first)
    with pytest.raises(RuleBroken, match="内容却不一样"):
        actions.accept_offer(attempt=mine.attempt, by=own_actor(second), **accept)
    taken = actions.accept_offer(attempt="tap", by=own_actor(second), **accept)

    with pytest.raises(Denied):
        actions.accept_offer(attempt="tap", by=own_actor(third), **accept)
    with pytest.raises(Taken):
        actions.accept_offer(attempt=mine.attempt, by=own_actor(second), **accept)
    assert actions.accept_offer(attempt="tap", by=own_actor(second), **accept) == taken


def test_whoever_acts_for_a_child_hears_of_its_place_and_the_family_doctors_where_nobody_does(people, session):
    first, child, alone = people.resident(0), people.resident(1, with_user=False), people.resident(2, with_user=False)
    mother = people.resident(3).user
    guarding = {"kind": "guardian", "source": "guardian:1", "since": people.at, "by": SYSTEM, "at": people.at}
    residents.grant_basis(resident_id=child.pk, user_id=mother.pk, **guarding)
    mine = book(people, session, first)
    join(people, session, child)
    join(people, session, alone, 1)

    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    actions.offer_free_places(by=SYSTEM, at=people.at + 2 * HOUR)

    told, staff = Notice.objects.filter(kind="place_offered").order_by("pk")
    assert (told.user_id, told.url) == (mother.pk, f"/slots/waits/?resident={child.pk}")
    assert child.name in told.subject
    assert (staff.organization_id, staff.role, staff.user_id) == (alone.centre_id, Role.GP, None)
    assert staff.url == f"/slots/waits/?resident={alone.pk}"
    assert alone.name in staff.subject
    assert "您" not in staff.subject + staff.body


def test_the_job_leaves_out_places_with_nobody_left_to_ask_and_who_gave_the_place_back(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    waiting = join(people, session, second)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    assert queries.lines_to_serve(people.at + HOUR) == []
    actions.pass_offer(waiting_id=waiting.pk, by=own_actor(second), at=people.at + HOUR)
    Waiting.objects.create(
        resident=first, organization=people.centre, specialty="cardiology", joined_by="演示", joined_at=people.at
    )

    assert queries.lines_to_serve(people.at + 2 * HOUR) == []
    third = people.resident(2)
    Waiting.objects.create(
        resident=third, organization=people.centre, specialty="cardiology", joined_by="演示", joined_at=people.at
    )
    assert queries.lines_to_serve(people.at + 2 * HOUR) == [mine.slot_id]
    assert actions.offer_free_places(by=SYSTEM, at=people.at + 2 * HOUR) == 1
    assert offered(people.at + 2 * HOUR) == [third.pk]


def test_who_waits_anew_after_giving_a_place_back_is_asked_about_it_like_anybody(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    theirs = book(people, session, second)
    join(people, session, first, 180)

    actions.cancel_booking(booking_id=theirs.pk, by=own_actor(second), at=people.at + 4 * HOUR)

    assert offered(people.at + 4 * HOUR) == [first.pk]


def test_who_may_not_book_online_is_passed_over_unless_their_family_doctor_put_them_in_line(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    waiting = join(people, session, second)
    join(people, session, third, 1)
    for day in (20, 21, 22):
        made = people.session(starts_at=people.at - timedelta(days=day), source=f"{day}", at=people.at - 30 * 24 * HOUR)
        slot = Slot.objects.filter(session=made).order_by("pk")[0]
        Booking.objects.create(
            slot=slot, session=made, resident=second, status="no_show", channel="self", booked_by="演示",
            booked_at=people.at, attempt=f"m{day}",
        )  # fmt: skip
    again = actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    assert offered(people.at + HOUR) == [third.pk]

    Waiting.objects.filter(pk=waiting.pk).update(centre=people.centre)
    actions.offer_free_places(by=SYSTEM, at=people.at + 2 * HOUR)
    assert offered(people.at + 2 * HOUR) == [second.pk]
    assert again.status == "cancelled"


def test_who_was_being_asked_is_told_that_the_session_was_called_off(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    waiting = join(people, session, second)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)

    actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at + HOUR / 2)

    gone = Notice.objects.get(kind="offer_gone")
    assert (gone.user_id, offered(people.at + HOUR)) == (second.user_id, [])
    assert "专家生病" in gone.body
    waiting.refresh_from_db()
    assert waiting.status == "waiting"


def test_a_place_in_line_is_counted_among_those_who_could_get_the_same_place(people, session):
    other = people.session(practitioner_id=people.other_expert.pk)
    alone, any_place, this, behind, last = (people.resident(number) for number in range(5))
    lines = {}
    for minute, (who, scope) in enumerate(
        [(alone, other), (any_place, None), (this, session), (behind, other), (last, None)]
    ):
        lines[who.pk] = Waiting.objects.create(
            resident=who, organization=people.centre, specialty="cardiology", session=scope, joined_by="演示",
            joined_at=people.at + timedelta(minutes=minute),
        )  # fmt: skip
    Waiting.objects.create(
        resident=people.resident(5), organization=people.hospital, specialty="cardiology", joined_by="演示",
        joined_at=people.at - HOUR,
    )  # fmt: skip
    asked = lines[alone.pk]
    slot = Slot.objects.filter(session=other).order_by("pk")[0]
    Hold.objects.create(
        slot=slot, resident=alone, waiting=asked, starts_at=slot.starts_at, ends_at=slot.ends_at, held_by="演示",
        since=people.at, until=people.at + HOUR / 2,
    )  # fmt: skip

    shown, further = queries.waits_of(people.staff(Role.GP), people.at + HOUR)

    ahead = {wait.row.resident_id: wait.sentence[:6] for wait in shown if wait.row.organization == people.centre}
    first, two = "排在最前面，", "前面还有%s人"
    assert ahead == {
        any_place.pk: first, this.pk: two % 1, behind.pk: two % 1, last.pk: two % 3, alone.pk: two % 3,
    }  # fmt: skip
    assert further == 0


def test_what_is_offered_stands_first_however_long_the_page_and_the_rest_is_counted(people, session, monkeypatch):
    monkeypatch.setattr("kangqiao.domain.scheduling.queries.waiting.MOST_SHOWN", 2)
    for number in range(4):
        Waiting.objects.create(
            resident=people.resident(number), organization=people.centre, specialty="cardiology", session=session,
            joined_by="演示", joined_at=people.at + timedelta(minutes=number),
        )  # fmt: skip
    slot, newest = Slot.objects.get(session=session), Waiting.objects.order_by("joined_at").last()
    Hold.objects.create(
        slot=slot, resident=newest.resident, waiting=newest, starts_at=slot.starts_at, ends_at=slot.ends_at,
        held_by="演示", since=people.at, until=timezone.now() + HOUR,
    )  # fmt: skip
    seat = people.staff(Role.GP)

    shown, further = queries.waits_of(seat, timezone.now())

    assert [wait.offer is not None for wait in shown] == [True, False]
    assert (shown[0].row, further) == (newest, 2)
    client = Client()
    client.force_login(User.objects.get(pk=seat.user_id))
    assert "还有 2 条" in client.get("/slots/waits/").content.decode()
