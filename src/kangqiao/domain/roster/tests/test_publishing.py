"""Both sides confirm, the dispatcher publishes, residents can book."""

from __future__ import annotations

import pytest

from kangqiao import policy
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.roster import actions
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SHENZHEN,
    SYSTEM,
    day,
    instant,
    make_network,
    staffed_network,
)
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db


def plan(network, weeks: int = 1, **fields):
    values = {"starts_on": MONDAY, "weeks": weeks, "time_limit_seconds": 1.0, "by": SYSTEM, "at": AT} | fields
    return actions.plan_roster(place_id=network.city.pk, **values)


def bookable(network, centre: str) -> int:
    found = scheduling.free_slots(
        [network.organizations[centre].pk], starts=instant(MONDAY, 0), ends=instant(day(6), 0), now=AT
    )
    return len(found)


@pytest.mark.clause("SZ16-2.1b")
def test_slots_are_bookable_only_after_both_sides_confirm() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    hospital, centre = network.seat(Role.GUIDANCE_OFFICE, "市一"), network.seat(Role.CENTRE_MANAGER, "香湾")

    actions.confirm_half_day(half_day_id=row.pk, by=hospital.actor, at=AT)
    after_one = bookable(network, "香湾")
    actions.confirm_half_day(half_day_id=row.pk, by=centre.actor, at=AT)

    row.refresh_from_db()
    assert after_one == 0
    assert row.status == "confirmed"
    assert bookable(network, "香湾") == SlotParameters.read(policy.at(place=SHENZHEN, date=MONDAY)).slots_per_session


@pytest.mark.clause("SZ16-2.1b")
def test_the_dispatcher_cannot_confirm_for_the_two_sides() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    dispatcher = network.seat(Role.DISPATCHER, "集团").actor

    with pytest.raises(Denied) as refusal:
        actions.confirm_half_day(half_day_id=row.pk, by=dispatcher, at=AT)
    assert refusal.value.clause == "SZ16-2.1b"


def test_the_same_side_confirming_twice_is_still_one_side() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    hospital = network.seat(Role.GUIDANCE_OFFICE, "市一").actor

    actions.confirm_half_day(half_day_id=row.pk, by=hospital, at=AT)
    twice = actions.confirm_half_day(half_day_id=row.pk, by=hospital, at=AT)

    assert (twice.status, twice.centre_confirmed_at) == ("planned", None)


def test_publishing_confirms_where_one_side_is_enough() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    roster = actions.publish_roster(roster_id=row.roster_id, by=network.seat(Role.DISPATCHER, "集团").actor, at=AT)

    row.refresh_from_db()
    assert (roster.status, row.status) == ("published", "confirmed")
    assert bookable(network, "香湾") == row.session.slots.count() > 0


def test_publishing_twice_says_who_published() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(AlreadyMoved, match="已由test"):
        actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    assert Session.objects.count() == 1


def test_publishing_an_empty_roster_is_refused() -> None:
    network = make_network()
    roster = plan(network)

    with pytest.raises(RuleBroken, match="空的"):
        actions.publish_roster(roster_id=roster.pk, by=SYSTEM, at=AT)


def test_publishing_is_the_dispatchers_alone() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(Denied):
        actions.publish_roster(roster_id=row.roster_id, by=network.seat(Role.BUREAU_OFFICER, "卫健局").actor, at=AT)
    with pytest.raises(NotVisible):
        actions.publish_roster(roster_id=0, by=SYSTEM, at=AT)
