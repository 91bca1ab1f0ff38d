"""The line for a place: who is asked, until when, what is taken, passed and left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.db.models import F
from django.test import Client

from kangqiao import policy
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.scheduling import actions, queries, rules
from kangqiao.domain.scheduling.models import Booking, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.parameters import OfferParameters
from kangqiao.domain.scheduling.tests.factories import (
    CHINA,
    HOUR,
    SYSTEM,
    Cast,
    book,
    cast,
    join,
    offered,
    one_place,
    own_actor,
    seat_for,
)
from kangqiao.kernel.errors import Denied, NoPolicyInForce, RuleBroken, Taken
from kangqiao.policy import Value

pytestmark = pytest.mark.django_db
TERMS = OfferParameters(60, 2, 21, 8, "test")


@pytest.fixture
def people() -> Cast:
    return cast()  # ten in the morning


@pytest.fixture
def session(people: Cast) -> Session:
    return one_place(people)


def test_a_cancelled_place_is_kept_for_the_first_in_line_and_taken_in_one_step(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    waiting, _behind = join(people, session, second), join(people, session, third, 1)

    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)

    assert offered(people.at + HOUR) == [second.pk]
    assert Notice.objects.get(kind="place_offered").user_id == second.user_id
    with pytest.raises(Taken):
        actions.book(
            slot_id=mine.slot_id, resident_id=third.pk, channel="self", attempt="x", by=SYSTEM, at=people.at + HOUR
        )
    at = people.at + HOUR * 1.5
    booked = actions.accept_offer(waiting_id=waiting.pk, attempt="tap", by=own_actor(second), at=at)
    again = actions.accept_offer(waiting_id=waiting.pk, attempt="tap", by=own_actor(second), at=at)

    assert booked == again
    waiting.refresh_from_db()
    assert (booked.resident_id, waiting.status) == (second.pk, "served")
    assert [row.action for row in history(waiting)] == ["begin", "accept"]
    assert Slot.objects.get(pk=mine.slot_id).taken == 1


def test_an_offer_that_ended_goes_to_the_next_and_then_to_nobody_twice(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    slow, _next = join(people, session, second), join(people, session, third, 1)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    end = people.at + 2 * HOUR

    with pytest.raises(RuleBroken, match="过时"):
        actions.accept_offer(waiting_id=slow.pk, attempt="late", by=own_actor(second), at=end)
    assert actions.offer_free_places(by=SYSTEM, at=end) == 1
    assert offered(end) == [third.pk]
    assert actions.offer_free_places(by=SYSTEM, at=end + HOUR) == 0, "both were asked about this place"
    assert [one.pk for one in queries.free_slots([people.centre.pk], starts=end, ends=end + 300 * HOUR, now=end + HOUR)]


def test_passing_asks_the_next_and_whoever_was_asked_stands_behind(people, session):
    first, second, third, fourth = (people.resident(number) for number in range(4))
    mine = book(people, session, first)
    passing, _next = join(people, session, second), join(people, session, third, 1)
    join(people, session, fourth, 2)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)
    with pytest.raises(Denied):
        actions.pass_offer(waiting_id=passing.pk, by=own_actor(third), at=at)

    actions.pass_offer(waiting_id=passing.pk, by=own_actor(second), at=at)

    assert offered(at) == [third.pk]
    seat = seat_for(second.user)
    assert [wait.sentence for wait in queries.waits_of(seat, at)[0]] == ["前面还有1人，有人退号就按次序问。"]
    with pytest.raises(RuleBroken, match="没有在等您回答"):
        actions.pass_offer(waiting_id=passing.pk, by=own_actor(second), at=at)


def test_leaving_passes_on_what_was_offered(people, session):
    first, second, third = (people.resident(number) for number in range(3))
    mine = book(people, session, first)
    leaving, _next = join(people, session, second), join(people, session, third, 1)
    at = people.at + HOUR
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)

    actions.leave_line(waiting_id=leaving.pk, by=own_actor(second), at=at)

    assert offered(at) == [third.pk]
    with pytest.raises(Taken):
        actions.leave_line(waiting_id=leaving.pk, by=own_actor(second), at=at)


def test_nobody_waits_where_a_place_is_free_or_twice_or_for_what_they_have(people, session):
    first, second = people.resident(0), people.resident(1)
    with pytest.raises(RuleBroken, match="还有空号"):
        join(people, session, second)
    book(people, session, first)
    with pytest.raises(RuleBroken, match="已约了这次门诊"):
        join(people, session, first)
    join(people, session, second)
    with pytest.raises(RuleBroken, match="一人排一次"):
        join(people, session, second, is_for_all=False)
    with pytest.raises(RuleBroken, match="已经过去或停诊"):
        join(people, session, second, at=session.ends_at)


def test_who_waits_for_one_session_is_not_asked_about_another(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    other = people.session(
        practitioner_id=people.other_expert.pk, starts_at=(people.at + timedelta(days=7)).replace(hour=1)
    )
    join(people, session, second, is_for_all=False)

    actions.offer_free_places(by=SYSTEM, at=people.at + HOUR)
    assert not offered(people.at + HOUR), "the other session has places, but nobody waits for them"
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=people.at + HOUR)
    assert offered(people.at + HOUR) == [second.pk]
    assert other.status == "open"


def test_lines_end_with_their_session_and_who_stood_there_is_told(people, session):
    first, second = people.resident(0), people.resident(1)
    book(people, session, first)
    waiting = join(people, session, second, is_for_all=False)

    actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at + HOUR)
    actions.offer_free_places(by=SYSTEM, at=people.at + 2 * HOUR)

    waiting.refresh_from_db()
    assert waiting.status == "ended"
    assert Notice.objects.get(kind="line_over").user_id == second.user_id


def test_a_team_place_is_offered_to_whom_the_family_doctor_put_in_line_before_who_came_earlier_alone(people):
    clinic = people.clinic()
    slot = Slot.objects.filter(session=clinic, pool="partner").order_by("pk")[0]
    Slot.objects.filter(session=clinic).exclude(pk=slot.pk).update(capacity=0)
    Slot.objects.filter(pk=slot.pk).update(teams_at=people.at)
    alone, sent, holder = (people.resident(number) for number in range(3))
    gp = people.staff(Role.GP)
    mine = actions.book(
        slot_id=slot.pk, resident_id=holder.pk, channel="gp", attempt="gp", as_partner_centre_id=people.centre.pk,
        by=gp.actor, at=people.at,
    )  # fmt: skip
    join(people, clinic, alone)
    waiting = join(people, clinic, sent, 1, channel="gp", by=gp.actor, as_partner_centre_id=people.centre.pk)

    actions.cancel_booking(booking_id=mine.pk, by=gp.actor, at=people.at + HOUR)

    assert offered(people.at + HOUR) == [sent.pk]
    booked = actions.accept_offer(waiting_id=waiting.pk, attempt="own", by=own_actor(sent), at=people.at + HOUR)
    assert (booked.slot_id, booked.channel) == (slot.pk, "self")


@pytest.mark.parametrize(
    ("at", "starts", "ends"),
    [
        ("03-02 10:00", "03-05 09:00", "03-02 11:00"),
        ("03-02 20:30", "03-05 09:00", "03-03 08:30"),  # half of it before nine in the evening
        ("03-02 23:30", "03-05 09:00", "03-03 09:00"),
        ("03-02 06:00", "03-05 09:00", "03-02 09:00"),
        ("03-02 23:30", "03-03 10:00", None),  # nobody can be asked in time
        ("03-02 10:00", "03-02 13:00", "03-02 11:00"),
        ("03-02 10:01", "03-02 13:00", None),
    ],
)
def test_until_when_the_next_is_asked(at, starts, ends):
    def read(text: str) -> datetime:
        return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)

    assert rules.offer_ends(read(at), read(starts), TERMS) == (ends and read(ends))


@pytest.mark.parametrize(("quiet_from", "quiet_until"), [(8, 8), (7, 22), (24, 8), (21, -1)])
def test_no_rule_of_quiet_hours_leaves_nobody_to_ask(quiet_from, quiet_until):
    hours = {"offer_quiet_from_hour": quiet_from, "offer_quiet_until_hour": quiet_until}

    class Faulty:
        def value(self, topic: str, key: str) -> Value:
            found = policy.at("440304", date(2026, 3, 2)).value(topic, key)
            return replace(found, value=hours.get(key, found.value))

    with pytest.raises(NoPolicyInForce, match="hour"):
        OfferParameters.read(Faulty())


def test_the_pages_from_a_full_session_to_a_place(people, session):
    first, second = people.resident(0), people.resident(1)
    mine = book(people, session, first)
    client = Client()
    client.force_login(second.user)
    at = people.at
    later = {name: F(name) + timedelta(days=3000) for name in ("starts_at", "ends_at")}
    Session.objects.filter(pk=session.pk).update(**later)
    Slot.objects.filter(session=session).update(**later)

    shown = client.get(f"/slots/sessions/{session.pk}/").content.decode()
    assert f'action="/slots/sessions/{session.pk}/wait/"' in shown
    answer = client.post(f"/slots/sessions/{session.pk}/wait/", {"scope": "all", "idempotency_key": "a"}, follow=True)
    assert "排在最前面" in answer.content.decode()
    waiting = Waiting.objects.get(resident=second)
    actions.cancel_booking(booking_id=mine.pk, by=own_actor(first), at=at)
    Hold.objects.update(until=session.starts_at + timedelta(days=2000))
    Slot.objects.filter(session=session).update(held=[session.starts_at + timedelta(days=2000)])

    assert "要这个号" in client.get("/slots/mine/").content.decode()
    bad = client.post(f"/slots/waits/{waiting.pk}/", {"step": "jump", "idempotency_key": "b"})
    assert bad.status_code == 422
    taken = client.post(f"/slots/waits/{waiting.pk}/", {"step": "accept", "idempotency_key": "c"})
    assert taken.headers["Location"] == f"/slots/bookings/{Booking.objects.get(resident=second).pk}/"
