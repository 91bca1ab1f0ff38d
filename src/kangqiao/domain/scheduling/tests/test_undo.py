"""A check-in or an absence pressed too soon is taken back by its doer, while the moment lasts and nobody went on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.tests.factories import Cast, cast, first_slot
from kangqiao.domain.scheduling.tests.test_actions import book
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


def test_check_in_is_taken_back_by_its_doer_within_the_moment(people: Cast) -> None:
    slot = first_slot(people.session())
    booking = book(people, slot, people.resident())
    desk, other = people.staff(Role.CENTRE_MANAGER).actor, people.staff(Role.GP).actor
    at, own = slot.starts_at, Basis.objects.filter(source=f"booking:{booking.pk}", user__isnull=False)
    actions.check_in(booking_id=booking.pk, by=desk, at=at)
    late = {"booking_id": booking.pk, "at": at + timedelta(seconds=61)}

    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_arrival(booking_id=booking.pk, by=other, at=at)
    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_arrival(**late, by=desk)
    actions.undo_arrival(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=8))
    with pytest.raises(AlreadyMoved, match="已预约"):
        actions.undo_arrival(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=9))

    booking.refresh_from_db()
    steps = StatusChange.objects.filter(subject_type="scheduling.booking", subject_id=booking.pk).order_by("pk")
    assert booking.status == "booked"
    assert [step.action for step in steps] == ["begin", "check_in", "undo_check_in"]
    assert own.filter(until__gt=at + timedelta(seconds=8)).count() == 0
    assert AuditEvent.objects.filter(action="undo_check_in", subject_id=booking.pk).count() == 1
    actions.check_in(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=10))


def test_check_in_somebody_went_on_from_is_not_taken_back(people: Cast) -> None:
    slot = first_slot(people.session())
    booking = book(people, slot, people.resident())
    desk = people.staff(Role.CENTRE_MANAGER).actor
    actions.check_in(booking_id=booking.pk, by=desk, at=slot.starts_at)
    actions.fulfil_booking(booking_id=booking.pk, by=desk, at=slot.starts_at)

    with pytest.raises(AlreadyMoved, match="已就诊"):
        actions.undo_arrival(booking_id=booking.pk, by=desk, at=slot.starts_at)


def test_absence_is_taken_back_and_the_place_sees_the_resident_as_before(people: Cast) -> None:
    slot = first_slot(people.session())
    booking = book(people, slot, people.resident())
    desk, other = people.staff(Role.CENTRE_MANAGER).actor, people.staff(Role.GP).actor
    at, basis = slot.starts_at + timedelta(minutes=30), Basis.objects.filter(source=f"booking:{booking.pk}")
    before = basis.values_list("organization_id", "user_id", "since", "until").get()
    actions.miss_booking(booking_id=booking.pk, by=desk, at=at)
    shortened = basis.get().until

    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_arrival(booking_id=booking.pk, by=other, at=at)
    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_arrival(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=61))
    actions.undo_arrival(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=8))

    booking.refresh_from_db()
    assert booking.status == "booked"
    assert shortened < before[-1]
    assert basis.values_list("organization_id", "user_id", "since", "until").get() == before
    assert AuditEvent.objects.filter(action="undo_miss", subject_id=booking.pk).count() == 1
    actions.check_in(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=9))


def test_absence_is_not_taken_back_when_the_person_has_booked_anew(people: Cast) -> None:
    slot = first_slot(people.session())
    resident = people.resident()
    booking = book(people, slot, resident)
    desk, at = people.staff(Role.CENTRE_MANAGER).actor, slot.starts_at + timedelta(minutes=30)
    actions.miss_booking(booking_id=booking.pk, by=desk, at=at)
    later = type(slot).objects.filter(session=slot.session, starts_at__gt=at).first()
    actions.book(
        slot_id=later.pk, resident_id=resident.pk, channel="gp", attempt="again", by=desk, at=at + timedelta(seconds=1)
    )

    with pytest.raises(Taken, match="又约了同一场"):
        actions.undo_arrival(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=8))
    booking.refresh_from_db()
    assert booking.status == "no_show"
