"""A check-in pressed too soon is taken back by its doer, while the moment lasts and nobody went on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions
from kangqiao.domain.scheduling.tests.factories import Cast, cast, first_slot
from kangqiao.domain.scheduling.tests.test_actions import book
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken

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
        actions.undo_check_in(booking_id=booking.pk, by=other, at=at)
    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_check_in(**late, by=desk)
    actions.undo_check_in(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=8))
    with pytest.raises(AlreadyMoved, match="已预约"):
        actions.undo_check_in(booking_id=booking.pk, by=desk, at=at + timedelta(seconds=9))

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
        actions.undo_check_in(booking_id=booking.pk, by=desk, at=slot.starts_at)
