"""Staying away: what counts, what follows, who books nevertheless, and the appeal."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.scheduling import actions, queries, rules
from kangqiao.domain.scheduling.models import Appeal, Booking, Slot
from kangqiao.domain.scheduling.parameters import AbsenceParameters
from kangqiao.domain.scheduling.tests.factories import CHINA, SYSTEM, Cast, cast, first_slot, own_actor, seat_for
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken, Taken

pytestmark = pytest.mark.django_db
TERMS = AbsenceParameters(3, 180, 90, Fraction(1, 2), 15)
DAY = timedelta(days=1)


def on(days: int) -> datetime:
    return datetime(2026, 1, 1, 9, tzinfo=CHINA) + days * DAY


@pytest.mark.parametrize(
    ("missed", "referrals", "at", "until"),
    [
        ((0, 10), (), 20, None),
        ((0, 10, 20), (), 20, 110),
        ((0, 10, 20), (), 109, 110),
        ((0, 10, 20), (), 110, None),  # served; the absences still lie in the window
        ((0, 10, 20, 120), (), 121, 210),
        ((0, 10, 180), (), 181, None),  # the first has left the window
        ((0, 10, 179), (), 180, 269),
        ((0, 10), (20,), 21, None),  # a referral counts half
        ((0, 10), (20, 30), 31, 120),
    ],
)
def test_three_in_half_a_year_close_the_door_for_ninety_days(missed, referrals, at, until):
    absences = sorted([(on(day), False) for day in missed] + [(on(day), True) for day in referrals])

    assert rules.suspended_until(absences, on(at), TERMS) == (on(until) if until else None)


@pytest.fixture
def people() -> Cast:
    yesterday = timezone.now() - DAY
    return cast(yesterday.astimezone(CHINA).replace(hour=10, minute=0, second=0, microsecond=0))


def miss(people: Cast, resident: Resident, day: int, **changes) -> Booking:
    """A visit some days ahead, booked today and not come to."""
    session = people.session(
        starts_at=(people.at + day * DAY).replace(hour=9), source=f"missed:{day}", practitioner_id=people.expert.pk
    )
    values = {"channel": "self", "attempt": f"missed-{resident.pk}-{day}", "by": SYSTEM, "at": people.at}
    booking = actions.book(slot_id=first_slot(session).pk, resident_id=resident.pk, **{**values, **changes})
    return actions.miss_booking(booking_id=booking.pk, by=SYSTEM, at=session.starts_at + timedelta(hours=1))


def take(people: Cast, resident: Resident, at: datetime, **changes) -> Booking:
    slots = Slot.objects.filter(session=people.session(starts_at=(at + 5 * DAY).replace(hour=9), source=f"{at}"))
    values = {"channel": "self", "attempt": f"again-{at:%d%H}-{len(changes)}", "by": own_actor(resident), "at": at}
    return actions.book(slot_id=slots.order_by("pk")[0].pk, resident_id=resident.pk, **{**values, **changes})


def test_whoever_missed_three_is_told_and_books_online_no_more_but_others_book_for_them(people):
    resident = people.resident()
    for day in (2, 3):
        miss(people, resident, day)
    assert not Notice.objects.filter(kind="booking_suspended").exists()
    miss(people, resident, 4)
    at = people.at + 5 * DAY

    assert Notice.objects.get(kind="booking_suspended").user_id == resident.user_id
    free = first_slot(people.session(starts_at=at + 9 * DAY, practitioner_id=people.other_expert.pk))
    with pytest.raises(RuleBroken, match="不能自己在网上预约") as refused:
        take(people, resident, at)
    assert "申诉" in refused.value.next_step
    with pytest.raises(RuleBroken, match="不能自己在网上预约"):
        actions.hold_slot(slot_id=free.pk, resident_id=resident.pk, channel="self", by=own_actor(resident), at=at)
    gp = people.staff(Role.GP)
    assert take(people, resident, at + DAY, channel="gp", by=gp.actor).status == "booked"
    assert queries.suspension_of(resident.pk, "4403", at + 90 * DAY) is None


def test_emergencies_and_what_the_house_called_off_never_count_and_a_referral_counts_half(people):
    resident = people.resident()
    for day in (2, 3):
        miss(people, resident, day)
    miss(people, resident, 4, is_emergency=True)
    session = people.session(starts_at=(people.at + 5 * DAY).replace(hour=9))
    actions.book(
        slot_id=first_slot(session).pk, resident_id=resident.pk, channel="self", attempt="off", by=SYSTEM, at=people.at
    )
    actions.withdraw_session(session_id=session.pk, reason="专家生病", by=SYSTEM, at=people.at + 4 * DAY)
    miss(people, resident, 6, channel="referral")
    at = people.at + 7 * DAY

    assert queries.absence_sheet(resident, at).count == Fraction(5, 2)
    assert queries.suspension_of(resident.pk, "4403", at) is None


def test_an_absence_that_was_a_mistake_or_is_taken_back_no_longer_counts(people):
    resident = people.resident()
    for day in (2, 3):
        miss(people, resident, day)
    last = miss(people, resident, 4)
    at = last.slot.starts_at + timedelta(hours=1)

    actions.undo_arrival(booking_id=last.pk, by=SYSTEM, at=at)

    assert queries.suspension_of(resident.pk, "4403", at) is None


def test_an_appeal_is_decided_by_the_desk_of_the_place_and_opens_the_door(people):
    resident = people.resident()
    booking = [miss(people, resident, day) for day in (2, 3, 4)][-1]
    at = people.at + 5 * DAY
    desk = people.staff(Role.CENTRE_MANAGER).actor
    with pytest.raises(Denied):
        actions.appeal_absence(booking_id=booking.pk, reason="替他说", by=desk, at=at)

    appeal = actions.appeal_absence(booking_id=booking.pk, reason="当天急诊", by=own_actor(resident), at=at)
    with pytest.raises(Taken, match="已经申诉过"):
        actions.appeal_absence(booking_id=booking.pk, reason="再说一次", by=own_actor(resident), at=at)
    assert valid_at(at).filter(source=f"appeal:{appeal.pk}", organization=people.centre).exists()
    for seat in (people.staff(Role.CENTRE_MANAGER, people.far_centre), people.staff(Role.GP)):
        with pytest.raises(Denied):
            actions.decide_appeal(appeal_id=appeal.pk, is_granted=True, answer="同意", by=seat.actor, at=at)
    with pytest.raises(RuleBroken, match="要写明原因"):
        actions.decide_appeal(appeal_id=appeal.pk, is_granted=True, answer=" ", by=desk, at=at)

    actions.decide_appeal(appeal_id=appeal.pk, is_granted=True, answer="情况属实", by=desk, at=at)

    assert take(people, resident, at).status == "booked"
    assert not valid_at(at + DAY).filter(source=f"appeal:{appeal.pk}").exists()
    assert "通过" in Notice.objects.get(kind="appeal_answered").subject
    with pytest.raises(AlreadyMoved):
        actions.decide_appeal(appeal_id=appeal.pk, is_granted=False, answer="又不同意", by=desk, at=at)


def test_an_absence_taken_back_leaves_no_appeal_open_and_missed_after_all_it_is_appealed_anew(people):
    resident = people.resident()
    booking = miss(people, resident, 2)
    at = booking.slot.starts_at + timedelta(hours=1)
    appeal = actions.appeal_absence(booking_id=booking.pk, reason="我在门口", by=own_actor(resident), at=at)
    held = valid_at(at).filter(source=f"appeal:{appeal.pk}")
    assert held.exists()

    actions.undo_arrival(booking_id=booking.pk, by=SYSTEM, at=at + timedelta(seconds=5))

    appeal.refresh_from_db()
    assert (appeal.status, appeal.answered_at is not None) == ("withdrawn", True)
    assert not valid_at(at + DAY).filter(source=f"appeal:{appeal.pk}").exists()
    desk = people.staff(Role.CENTRE_MANAGER)
    assert queries.open_appeals(desk) == []
    assert queries.appeals_waiting(desk).counted() == (0, None)
    told = Notice.objects.get(kind="appeal_answered")
    assert (told.user_id, "已撤销" in told.subject) == (resident.user_id, True)

    later = at + timedelta(seconds=20)
    actions.miss_booking(booking_id=booking.pk, by=SYSTEM, at=later)
    assert queries.absence_sheet(resident, later).absences[0].may_appeal
    again = actions.appeal_absence(booking_id=booking.pk, reason="走错了楼", by=own_actor(resident), at=later)
    assert (again.pk, again.reason, again.answer) == (appeal.pk, "走错了楼", "")
    assert valid_at(later).filter(source=f"appeal:{appeal.pk}").exists()
    with pytest.raises(Taken, match="已经申诉过"):
        actions.appeal_absence(booking_id=booking.pk, reason="再说一次", by=own_actor(resident), at=later)
    actions.decide_appeal(appeal_id=appeal.pk, is_granted=False, answer="没有来", by=desk.actor, at=later)
    assert Notice.objects.filter(kind="appeal_answered").count() == 2


def test_what_a_referral_counts_is_said_as_the_region_set_it(people, monkeypatch):
    resident = people.resident()
    miss(people, resident, 2, channel="referral")
    Slot.objects.filter(bookings__status="no_show").update(starts_at=people.at - DAY, ends_at=people.at - DAY * 0.9)
    client = Client()
    client.force_login(resident.user)

    assert "转诊的号，一次计 0.5 次" in client.get("/slots/absences/").content.decode()

    terms = replace(queries.absence_terms("4403", people.at), referral_weight=Fraction(1, 4))
    monkeypatch.setattr(AbsenceParameters, "read", lambda policy: terms)
    page = client.get("/slots/absences/").content.decode()
    assert "转诊的号，一次计 0.25 次" in page
    assert "180 天内计 0.25 次" in page


def test_more_appeals_than_a_page_lists_are_counted(people, monkeypatch):
    for number in range(3):
        resident = people.resident(number)
        booking = miss(people, resident, 2 + number)
        at = booking.slot.starts_at + timedelta(hours=1)
        actions.appeal_absence(booking_id=booking.pk, reason="当天急诊", by=own_actor(resident), at=at)
    monkeypatch.setattr("kangqiao.domain.scheduling.queries.absences.MOST_SHOWN", 1)
    desk = Client()
    desk.force_login(User.objects.get(pk=people.staff(Role.CENTRE_MANAGER).user_id))

    assert "还有 2 条" in desk.get("/slots/appeals/").content.decode()


def test_no_appeal_after_its_days_nor_for_what_was_not_missed(people):
    resident = people.resident()
    booking = miss(people, resident, 2)
    by = own_actor(resident)
    with pytest.raises(RuleBroken, match="已经过了"):
        actions.appeal_absence(
            booking_id=booking.pk, reason="当天急诊", by=by, at=booking.slot.starts_at + timedelta(days=15)
        )
    with pytest.raises(RuleBroken, match="没有记为爽约"):
        actions.appeal_absence(
            booking_id=take(people, resident, people.at + 4 * DAY).pk, reason="当天急诊", by=by, at=people.at + 4 * DAY
        )


def test_the_database_keeps_an_answer_in_words(people):
    booking = miss(people, people.resident(), 2)
    with pytest.raises(IntegrityError):
        Appeal.objects.create(
            booking=booking, resident=booking.resident, organization=people.centre, status="granted", reason="急诊",
            made_at=people.at,
        )  # fmt: skip


def test_the_pages_of_an_absence_and_its_appeal(people):
    resident = people.resident()
    booking = [miss(people, resident, day) for day in (2, 3, 4)][-1]
    for number, slot in enumerate(Slot.objects.filter(bookings__status="no_show").order_by("pk")):
        slot.starts_at, slot.ends_at = people.at - (number + 1) * DAY, people.at - (number + 1) * DAY + DAY / 48
        slot.save()
    client = Client()
    client.force_login(resident.user)

    assert "未到诊记录和申诉" in client.get("/slots/mine/").content.decode()
    assert "前不能自己在网上预约" in client.get("/slots/absences/").content.decode()
    form = f"/slots/bookings/{booking.pk}/appeal/"
    assert client.post(form, {"reason": "", "idempotency_key": "a"}).status_code == 422
    answer = client.post(form, {"reason": "当天急诊", "idempotency_key": "b"}, follow=True)
    assert "等答复" in answer.content.decode()
    desk = Client()
    seat = people.staff(Role.CENTRE_MANAGER)
    desk.force_login(User.objects.get(pk=seat.user_id))
    listed = desk.get("/slots/appeals/").content.decode()
    assert "当天急诊" in listed
    appeal = Appeal.objects.get()
    decide = f"/slots/appeals/{appeal.pk}/"
    assert desk.post(decide, {"step": "grant", "answer": "", "idempotency_key": "c"}).status_code == 422
    desk.post(decide, {"step": "grant", "answer": "情况属实", "idempotency_key": "d"})
    assert "不计爽约" in client.get("/slots/absences/").content.decode()


def test_who_acts_for_somebody_without_an_account_is_told_by_name_else_the_family_doctors(people):
    child, alone = people.resident(0, with_user=False), people.resident(1, with_user=False)
    mother = people.resident(2).user
    residents.grant_basis(
        resident_id=child.pk, user_id=mother.pk, kind="guardian", source="guardian:1", since=people.at, by=SYSTEM,
        at=people.at,
    )  # fmt: skip
    for day in (2, 3, 4):
        booking = miss(people, child, day)
    for day in (5, 6, 7):
        miss(people, alone, day)
    at = people.at + 5 * DAY
    appeal = actions.appeal_absence(booking_id=booking.pk, reason="当天急诊", by=seat_for(mother).actor, at=at)
    desk = people.staff(Role.CENTRE_MANAGER).actor
    actions.decide_appeal(appeal_id=appeal.pk, is_granted=True, answer="情况属实", by=desk, at=at)

    told, staff = Notice.objects.filter(kind="booking_suspended").order_by("pk")
    answered = Notice.objects.get(kind="appeal_answered")
    assert {told.user_id, answered.user_id} == {mother.pk}
    assert {told.url, answered.url} == {f"/slots/absences/?resident={child.pk}"}
    assert child.name in told.subject
    assert child.name in answered.subject
    assert (staff.organization_id, staff.role) == (alone.centre_id, Role.GP)
    assert staff.url == f"/slots/?resident={alone.pk}"
    assert alone.name in staff.subject
    assert "您" not in staff.subject + staff.body
