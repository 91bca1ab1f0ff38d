"""Moves, replacements and cancellations by hand."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster import actions
from kangqiao.domain.roster.models import HalfDay, Roster
from kangqiao.domain.roster.tests.factories import (
    AT,
    SYSTEM,
    day,
    staffed_network,
)
from kangqiao.domain.workforce.models import Absence
from kangqiao.kernel.errors import Denied, RuleBroken

pytestmark = pytest.mark.django_db


def test_move_onto_a_clash_is_refused_with_the_reason() -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    other = network.sit("甲", "狮山", 1)

    with pytest.raises(RuleBroken, match="不能同时在两处"):
        actions.move_half_day(half_day_id=other.pk, day=day(0), half="am", by=SYSTEM, at=AT)


def test_dispatcher_of_another_city_adds_nothing_here() -> None:
    network = staffed_network()
    elsewhere = Place.objects.create(code="4403", zh="别处")
    network.organization("外市集团", Organization.Kind.GROUP, place=elsewhere)

    with pytest.raises(Denied):
        actions.add_half_day(
            posting_id=network.postings["甲", "香湾"].pk, day=day(0), half="am",
            by=network.seat(Role.DISPATCHER, "外市集团").actor, at=AT,
        )  # fmt: skip
    assert not Roster.objects.exists()


def test_move_into_an_absence_is_refused() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    Absence.objects.create(practitioner=network.experts["甲"], starts_on=day(3), ends_on=day(3), half="pm")

    with pytest.raises(RuleBroken, match="请假"):
        actions.move_half_day(half_day_id=row.pk, day=day(3), half="pm", by=SYSTEM, at=AT)
    moved = actions.move_half_day(half_day_id=row.pk, day=day(3), half="am", by=SYSTEM, at=AT)
    assert (moved.day, moved.half, moved.is_fixed) == (day(3), "am", True)


def test_move_to_another_hospitals_centre_is_refused() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(RuleBroken, match="由市二派专家"):
        actions.move_half_day(
            half_day_id=row.pk, day=day(0), half="am", centre_id=network.organizations["拱北"].pk, by=SYSTEM, at=AT
        )


@pytest.mark.parametrize(("on", "word"), [(date(2026, 5, 23), "休息日"), (date(2026, 5, 8), "过去")])
def test_move_to_a_weekend_or_the_past_is_refused(on: date, word: str) -> None:
    row = staffed_network().sit("甲", "香湾", 0)

    with pytest.raises(RuleBroken, match=word):
        actions.move_half_day(half_day_id=row.pk, day=on, half="am", by=SYSTEM, at=AT)


def test_a_fourth_half_day_in_a_week_is_refused() -> None:
    network = staffed_network()
    for number in range(3):
        network.sit("甲", "香湾", number)

    with pytest.raises(RuleBroken, match="最多 3 个"):
        network.sit("甲", "狮山", 3)


def test_replacing_the_expert_keeps_time_and_centre() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    changed = actions.move_half_day(
        half_day_id=row.pk, day=day(0), half="am", practitioner_id=network.experts["乙"].pk, by=SYSTEM, at=AT
    )

    assert changed.pk == row.pk
    assert changed.practitioner == network.experts["乙"]
    assert changed.posting == network.postings["乙", "香湾"]


def test_moving_a_public_half_day_withdraws_its_session_and_opens_another() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    row.refresh_from_db()

    moved = actions.move_half_day(half_day_id=row.pk, day=day(1), half="pm", by=SYSTEM, at=AT)
    actions.confirm_half_day(half_day_id=moved.pk, by=SYSTEM, at=AT)

    row.refresh_from_db()
    moved.refresh_from_db()
    assert (row.status, row.session.status) == ("cancelled", "withdrawn")
    assert (moved.status, moved.session.status) == ("confirmed", "open")


def test_cancelling_a_public_half_day_withdraws_its_session() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(RuleBroken, match="原因"):
        actions.cancel_half_day(half_day_id=row.pk, reason="", by=SYSTEM, at=AT)
    cancelled = actions.cancel_half_day(half_day_id=row.pk, reason="专家生病", by=SYSTEM, at=AT)

    assert cancelled.session is not None
    assert cancelled.session.status == "withdrawn"
    assert history(cancelled).last().reason == "专家生病"


def test_hospital_cancels_its_own_public_half_day_and_a_stranger_does_not() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(Denied):
        actions.cancel_half_day(
            half_day_id=row.pk, reason="x", by=network.seat(Role.GUIDANCE_OFFICE, "市二").actor, at=AT
        )
    own = network.seat(Role.GUIDANCE_OFFICE, "市一").actor
    assert actions.cancel_half_day(half_day_id=row.pk, reason="会议", by=own, at=AT).status == "cancelled"


def test_database_refuses_an_expert_in_two_places_by_itself() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(IntegrityError, match="half_day_expert_in_one_place"), transaction.atomic():
        HalfDay.objects.create(
            roster=row.roster, posting=network.postings["甲", "狮山"], practitioner=row.practitioner,
            centre=network.organizations["狮山"], day=row.day, half=row.half,
        )  # fmt: skip
