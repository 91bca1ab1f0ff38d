"""An absence, a closing and a taking over pressed by mistake are taken back, with all that hung on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import User
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests import factories
from kangqiao.domain.referral.tests.factories import AT, Cast, cast
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken

pytestmark = pytest.mark.django_db
SECONDS = timedelta(seconds=8)


@pytest.fixture
def people() -> Cast:
    return cast()


def missed(people: Cast) -> tuple[Referral, Callable[[], Any], datetime, Any]:
    row = people.accepted()
    at = row.booking.slot.starts_at + timedelta(hours=2)
    return (
        row,
        lambda: actions.mark_not_attended(referral_id=row.pk, reason="电话未接", by=people.desk.actor, at=at),
        at,
        people.desk,
    )


def closed(people: Cast) -> tuple[Referral, Callable[[], Any], datetime, Any]:
    row = people.summarised()
    at = row.clock_from + timedelta(hours=1)
    return row, lambda: actions.close_referral(referral_id=row.pk, by=people.gp.actor, at=at), at, people.gp


def taken_over(people: Cast) -> tuple[Referral, Callable[[], Any], datetime, Any]:
    row, at = people.down(), AT + timedelta(hours=1)
    return row, lambda: actions.take_over(referral_id=row.pk, by=people.gp.actor, at=at), at, people.gp


def stands(row: Referral) -> tuple[Any, ...]:
    """Everything of the case that a step moves: the row, its place, and who may see the patient until when."""
    row = Referral.objects.get(pk=row.pk)
    fields = tuple(getattr(row, name) for name in ("status", "clock_from", "due_at", "answered_at", "booking_id"))
    place = Booking.objects.filter(pk=row.booking_id).values_list("status", flat=True).first()
    bases = Basis.objects.filter(resident=row.resident_id).order_by("pk").values_list("source", "organization", "until")
    return (*fields, place, list(bases))


@pytest.mark.parametrize("step", [missed, closed, taken_over], ids=lambda one: one.__name__)
class TestUndo:
    def test_all_stands_as_before(self, people: Cast, step: Any) -> None:
        row, act, at, seat = step(people)
        before = stands(row)
        act()
        moved = stands(row)

        undone = actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + SECONDS)

        assert moved != before
        assert stands(row) == before
        assert undone.status == before[0]
        assert AuditEvent.objects.filter(action__startswith="referral.undo_", subject_id=row.pk).count() == 1
        assert "撤销" in queries.letter(seat, row, at).history[-1].verb
        act()

    def test_the_way_shows_the_stop_that_was_taken_back_as_not_reached(self, people: Cast, step: Any) -> None:
        row, act, at, seat = step(people)
        before = queries.letter(seat, row, at).path
        act()
        actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + SECONDS)

        assert queries.letter(seat, Referral.objects.get(pk=row.pk), at).path == before

    def test_not_by_another_nor_later_nor_twice(self, people: Cast, step: Any) -> None:
        row, act, at, seat = step(people)
        act()
        other = factories.seat(seat.role, row.to_organization if seat is people.desk else people.centre, "colleague")

        with pytest.raises(RuleBroken, match="不能再撤销"):
            actions.undo_step(referral_id=row.pk, by=other.actor, at=at + SECONDS)
        with pytest.raises(RuleBroken, match="不能再撤销"):
            actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + timedelta(seconds=61))
        actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + SECONDS)
        with pytest.raises(AlreadyMoved):
            actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + 2 * SECONDS)


def test_a_hand_over_somebody_went_on_from_is_not_taken_back(people: Cast) -> None:
    row, act, at, _seat = taken_over(people)
    act()
    actions.record_first_contact(referral_id=row.pk, note="电话随访", by=people.gp.actor, at=at + timedelta(seconds=1))

    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_step(referral_id=row.pk, by=people.gp.actor, at=at + SECONDS)
    assert Referral.objects.get(pk=row.pk).status == "followed_up"


def test_an_accepted_letter_is_not_taken_back(people: Cast) -> None:
    row = people.accepted()

    with pytest.raises(RuleBroken, match="不能再撤销"):
        actions.undo_step(referral_id=row.pk, by=people.desk.actor, at=AT + timedelta(hours=1))


def test_who_was_told_is_told_again(people: Cast) -> None:
    row, act, at, seat = taken_over(people)
    act()
    actions.undo_step(referral_id=row.pk, by=seat.actor, at=at + SECONDS)

    assert Notice.objects.filter(organization=people.hospital, subject__contains="撤销了接收").count() == 1


def test_the_bar_on_the_page_leads_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factories, "AT", timezone.now() - timedelta(minutes=1))
    people = cast()
    row = people.down(at=factories.AT)
    browser = Client()
    browser.force_login(User.objects.get(pk=people.gp.user_id))
    back = "/?list=down"

    browser.post(f"/referrals/{row.pk}/take_over/", {"seen_status": "proposed", "back": back})
    page = browser.get(back).content.decode()
    address = f"/referrals/{row.pk}/undo/?back=%2F%3Flist%3Ddown"
    answer = browser.post(address, {"step": "undo"})

    assert f'hx-post="{address}"' in page
    assert answer.headers["Location"] == back
    assert Referral.objects.get(pk=row.pk).status == "proposed"
