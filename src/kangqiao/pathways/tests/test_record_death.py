"""A death ends what can no longer be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from kangqiao.domain.contracting import actions as contracting
from kangqiao.domain.contracting.tests.factories import AT
from kangqiao.domain.contracting.tests.factories import world as region
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Slot
from kangqiao.domain.scheduling.tests.factories import SYSTEM, cast
from kangqiao.kernel.errors import RuleBroken
from kangqiao.pathways.record_death import record_death

pytestmark = pytest.mark.django_db


def test_the_contract_ends_and_no_other_can_be_made() -> None:
    world = region()
    team, who, other = world.team(), world.resident(), world.resident(door=2)
    contract, kept = world.signed(team, who)[0], world.signed(team, other)[0]
    by, at = world.seat("gp").actor, AT + timedelta(days=9)

    _row, ended = record_death(resident_id=who.pk, on=localtime(at).date(), by=by, at=at)

    contract.refresh_from_db()
    kept.refresh_from_db()
    assert ended == 1
    assert (contract.status, contract.why_ended, kept.status) == ("ended", "died", "active")
    with pytest.raises(RuleBroken):
        contracting.apply_for_contract(team_id=team.pk, resident_ids=[who.pk], has_consent=True, by=by, at=at)


def test_places_ahead_are_given_back() -> None:
    world = cast()
    who, session = world.resident(1), world.session()
    slot = Slot.objects.filter(session=session).earliest("starts_at")
    booking = scheduling.book(slot_id=slot.pk, resident_id=who.pk, channel="gp", attempt="once", by=SYSTEM, at=world.at)
    by, at = world.staff("gp").actor, world.at + timedelta(hours=1)

    _row, ended = record_death(resident_id=who.pk, on=localtime(at).date(), by=by, at=at)

    booking.refresh_from_db()
    slot.refresh_from_db()
    assert (ended, booking.status, slot.taken) == (1, "cancelled", 0)
