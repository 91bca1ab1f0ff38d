"""A patient is added beyond the places: by a named right, with a reason, after all others, outside the statistics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
import time_machine
from django.test import Client

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Displaced, OverbookRight, Session, Slot
from kangqiao.domain.scheduling.tests.factories import HOUR, SYSTEM, Cast, cast, no_priority
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    """Hospital, centre, two cardiologists."""
    return cast()


@pytest.fixture
def desk(people: Cast) -> Seat:
    """The desk of the hospital."""
    return people.staff(Role.REFERRAL_DESK, people.hospital)


def full(people: Cast, places: int = 1) -> Session:
    """A clinic of a few places, all of them taken by others."""
    made = people.clinic(parameters=no_priority())
    kept = list(Slot.objects.filter(session=made).order_by("starts_at")[:places])
    Slot.objects.filter(session=made).exclude(pk__in=[slot.pk for slot in kept]).delete()
    for number, slot in enumerate(kept):
        actions.book(
            slot_id=slot.pk, resident_id=people.resident(100 + number).pk, channel="self", attempt=f"f{number}",
            by=SYSTEM, at=people.at,
        )  # fmt: skip
    return made


def named(people: Cast, who: Seat, **changes: Any) -> OverbookRight:
    """The hospital's director names somebody for a month."""
    today = people.at.date()
    values = {"since": today, "until": today + timedelta(days=30), "reason": "只此一人看这个病", **changes}
    director = people.staff(Role.HOSPITAL_DIRECTOR, people.hospital, name=f"director-{who.user_id}-{len(changes)}")
    return actions.name_right(
        organization_id=people.hospital.pk, user_id=who.user_id, **values, by=director.actor, at=people.at
    )


def add(people: Cast, session: Session, who: Seat, number: int, **changes: Any) -> Booking:
    """Somebody is added; the hospital sees them because of an earlier visit."""
    resident = people.resident(number)
    Basis.objects.create(
        resident=resident, organization=people.hospital, kind="booking", source=f"test:{number}", since=people.at - HOUR
    )
    values = {"reason": "当天复诊取结果", "attempt": f"x{number}", "at": people.at, **changes}
    return actions.overbook(session_id=session.pk, resident_id=resident.pk, **values, by=who.actor)


def test_who_was_named_adds_a_patient_after_all_others(people: Cast, desk: Seat) -> None:
    session, right = full(people, 3), named(people, desk)

    added = add(people, session, desk, 1)

    slot = Slot.objects.get(pk=added.slot_id)
    assert (added.status, added.right_id, added.extra_reason) == ("booked", right.pk, "当天复诊取结果")
    assert (slot.taken, slot.extra, slot.capacity) == (1, 1, 1)
    assert queries.queue_numbers([session.pk])[added.pk] == 4
    assert sorted(queries.queue_numbers([session.pk]).values()) == [1, 2, 3, 4]
    event = AuditEvent.objects.get(action="overbook")
    assert (event.subject_id, event.resident_id) == (added.pk, added.resident_id)
    assert Basis.objects.filter(source=f"booking:{added.pk}", organization=people.hospital).exists()


def test_nobody_adds_without_a_right_that_holds_today(people: Cast, desk: Seat) -> None:
    session, today = full(people), people.at.date()

    with pytest.raises(Denied, match="没有这家医院的加号权"):
        add(people, session, desk, 1)
    named(people, desk, since=today + timedelta(days=3), until=today + timedelta(days=9))
    with pytest.raises(Denied):
        add(people, session, desk, 2)
    right = named(people, desk, until=today + timedelta(days=3))
    add(people, session, desk, 3)
    director = people.staff(Role.HOSPITAL_DIRECTOR, people.hospital, name="director-end")
    actions.end_right(right_id=right.pk, by=director.actor, at=people.at)
    with pytest.raises(Denied):
        add(people, session, desk, 4)
    assert Booking.objects.filter(right=right, status="booked").count() == 1


def test_a_doctor_adds_in_the_own_session_alone(people: Cast) -> None:
    session, doctor = full(people), people.staff(Role.EXPERT, people.hospital)
    named(people, doctor)

    with pytest.raises(Denied, match="自己的门诊"):
        add(people, session, doctor, 1)
    people.other_expert.user_id = doctor.user_id
    people.other_expert.save(update_fields=("user",))
    assert add(people, session, doctor, 2).right_id


def test_no_more_are_added_than_may_be(people: Cast, desk: Seat) -> None:
    session = full(people)
    named(people, desk)
    first, *_rest = [add(people, session, desk, number) for number in range(1, 4)]

    with pytest.raises(Taken, match="加满3个号"):
        add(people, session, desk, 4)
    actions.cancel_booking(booking_id=first.pk, reason="不来了", by=SYSTEM, at=people.at)
    slot = Slot.objects.get(session=session)
    assert (slot.taken, slot.extra) == (1, 2)
    assert not queries.has_free(session.pk, people.at)
    add(people, session, desk, 5)


def test_nobody_is_added_while_a_place_is_free_or_when_it_is_over(people: Cast, desk: Seat) -> None:
    named(people, desk)
    free = people.clinic(parameters=no_priority(), starts_at=people.at + timedelta(days=2))
    with pytest.raises(RuleBroken, match="还有空号"):
        add(people, free, desk, 1)

    session = full(people)
    with pytest.raises(RuleBroken, match="已停诊或已经结束"):
        add(people, session, desk, 2, at=session.ends_at + HOUR)
    actions.withdraw_session(session_id=session.pk, reason="开会", by=SYSTEM, at=people.at)
    with pytest.raises(RuleBroken, match="已停诊或已经结束"):
        add(people, session, desk, 3)


def test_sent_twice_it_is_one_and_a_second_place_is_refused(people: Cast, desk: Seat) -> None:
    session = full(people)
    named(people, desk)
    added = add(people, session, desk, 1)
    again = {"session_id": session.pk, "resident_id": added.resident_id, "reason": "再来", "at": people.at}

    assert actions.overbook(**again, attempt="x1", by=desk.actor).pk == added.pk
    with pytest.raises(RuleBroken, match="在这一场已经有号"):
        actions.overbook(**again, attempt="other", by=desk.actor)
    assert Slot.objects.get(session=session).extra == 1


def test_who_was_added_is_awaited_until_the_session_is_over(people: Cast, desk: Seat) -> None:
    session = full(people)
    named(people, desk)
    added = add(people, session, desk, 1)

    with pytest.raises(RuleBroken, match="才能记为未到诊"):
        actions.miss_booking(booking_id=added.pk, by=desk.actor, at=session.ends_at)
    missed = actions.miss_booking(booking_id=added.pk, by=desk.actor, at=session.ends_at + HOUR)
    assert missed.status == "no_show"


def test_pools_and_replay_know_nothing_of_it(people: Cast, desk: Seat) -> None:
    session = full(people)
    named(people, desk)
    add(people, session, desk, 1)
    span = (people.hospital.pk, people.at, session.ends_at + HOUR)

    pools = queries.pools_between(*span)

    assert (sum(pool.used for pool in pools.pools), pools.wasted, pools.extra) == (1, 0, 1)
    assert (pools.community, pools.public) == (0, 1)
    assert queries.replayed(*span, Fraction(0), 24).turned_away == 0


def test_called_off_they_are_owed_another_place_too(people: Cast, desk: Seat) -> None:
    session = full(people)
    named(people, desk)
    added = add(people, session, desk, 1)

    actions.withdraw_session(session_id=session.pk, reason="开会", by=SYSTEM, at=people.at)
    slot = Slot.objects.get(session=session)
    assert (slot.taken, slot.extra) == (0, 0)
    assert Displaced.objects.filter(booking=added).exists()
    actions.undo_withdrawal(session_id=session.pk, by=SYSTEM, at=people.at)
    slot.refresh_from_db()
    assert (slot.taken, slot.extra) == (1, 1)


def test_only_the_hospitals_leaders_name_and_only_its_own_people(people: Cast, desk: Seat) -> None:
    today, gp = people.at.date(), people.staff(Role.GP, people.centre)
    given = {"since": today, "until": today + timedelta(days=2), "reason": "会诊", "at": people.at}

    for seat in (desk, gp, people.staff(Role.DISPATCHER, people.hospital)):
        with pytest.raises(Denied):
            actions.name_right(organization_id=people.hospital.pk, user_id=desk.user_id, **given, by=seat.actor)
    director = people.staff(Role.HOSPITAL_DIRECTOR, people.hospital)
    for user_id, changes, said in (
        (gp.user_id, {}, "不是本院的医生"),
        (desk.user_id, {"until": today}, "最后一天不早于第一天"),
        (desk.user_id, {"since": date(2020, 1, 1)}, "从今天或以后起"),
    ):
        with pytest.raises(RuleBroken, match=said):
            actions.name_right(
                organization_id=people.hospital.pk, user_id=user_id, **{**given, **changes}, by=director.actor
            )
    actions.name_right(organization_id=people.hospital.pk, user_id=desk.user_id, **given, by=director.actor)
    with pytest.raises(RuleBroken, match="已有加号权"):
        actions.name_right(organization_id=people.hospital.pk, user_id=desk.user_id, **given, by=director.actor)


@time_machine.travel(datetime(2026, 3, 2, 1, 0, tzinfo=UTC), tick=False)
def test_the_page_finds_somebody_and_adds_them(people: Cast, desk: Seat, client: Client) -> None:
    session = full(people)
    resident = people.resident(7)
    Basis.objects.create(
        resident=resident, organization=people.hospital, kind="booking", source="test", since=people.at - HOUR
    )
    client.force_login(User.objects.get(pk=desk.user_id))
    address = f"/slots/sessions/{session.pk}/beyond/"

    assert "您没有加号权" in client.get(address).content.decode()
    named(people, desk)
    assert f"?resident={resident.pk}" in client.get(f"{address}?q=演示7").content.decode()
    empty = client.post(address, {"resident": resident.pk, "reason": "", FIELD: "k1"})
    done = client.post(address, {"resident": resident.pk, "reason": "复诊", FIELD: "k2"})
    day = client.get(done.headers["Location"]).content.decode()

    assert (empty.status_code, done.status_code) == (422, 302)
    assert "复诊" in day
    assert client.get("/slots/sessions/0/beyond/").status_code == 404
