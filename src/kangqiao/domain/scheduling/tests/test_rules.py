"""Cutting, reserving, releasing and refusing, from plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangqiao.domain.scheduling import rules
from kangqiao.domain.scheduling.rules import Calendar, Circle, Refusal, SlotFacts

CHINA = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 3, 9, 9, 0, tzinfo=CHINA)


def test_cut_leaves_out_a_rest_shorter_than_one_slot():
    times = rules.cut(NINE, NINE + timedelta(minutes=50), minutes=15, most=14)

    assert [start.minute for start, _end in times] == [0, 15, 30]
    assert times[-1][1] == NINE + timedelta(minutes=45)


def test_cut_stops_at_the_most_slots_of_a_session():
    assert len(rules.cut(NINE, NINE + timedelta(hours=8), minutes=15, most=14)) == 14


def test_cut_refuses_a_session_shorter_than_one_slot():
    with pytest.raises(ValueError, match="no slot"):
        rules.cut(NINE, NINE + timedelta(minutes=14), minutes=15, most=14)


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(14, "1/2", 7), (5, "1/2", 3), (3, "1/2", 2), (10, "1/4", 3), (10, "0", 0), (10, "1", 10), (0, "1/2", 0)],
)
def test_reserved_positions_round_half_up(count, share, expected):
    assert len(rules.reserved_positions(count, Fraction(share))) == expected


def test_reserved_positions_are_spread_evenly():
    reserved = sorted(rules.reserved_positions(12, Fraction(1, 3)))

    assert reserved == [2, 5, 8, 11]


def test_reserved_positions_refuse_more_than_the_whole():
    with pytest.raises(ValueError, match="between 0 and 1"):
        rules.reserved_positions(10, Fraction(3, 2))


def test_opens_at_is_midnight_of_the_first_day_within_the_horizon():
    assert rules.opens_at(NINE, 28) == datetime(2026, 2, 9, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("opened_days_before", "is_reserved", "head_start", "expected_days_before"),
    [
        (20, True, 7, 1),  # the reserved share stays until a day before
        (20, False, 7, 13),  # the rest falls to all when the head start ends
        (20, False, 0, None),  # without a head start it is public from the start
        (5, False, 7, 1),  # a head start never outlasts the last instant
        (1, True, 7, None),  # opened within the last day: nothing is kept back
    ],
)
def test_release_at(opened_days_before, is_reserved, head_start, expected_days_before):
    release = rules.release_at(
        NINE,
        NINE - timedelta(days=opened_days_before),
        is_reserved=is_reserved,
        head_start_days=head_start,
        release_hours_before=24,
    )

    assert release == (None if expected_days_before is None else NINE - timedelta(days=expected_days_before))


def facts(**changes) -> SlotFacts:
    values = {
        "starts_at": NINE,
        "opens_at": NINE - timedelta(days=28),
        "teams_at": None,
        "contracted_at": None,
        "release_at": None,
        "is_session_open": True,
        "left": 1,
    }
    return SlotFacts(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "hours_before", "expected"),
    [
        ({}, 1, None),
        ({}, 0, Refusal.PAST),
        ({}, -1, Refusal.PAST),
        ({}, 24 * 28 + 1, Refusal.TOO_EARLY),
        ({}, 24 * 28, None),
        ({"is_session_open": False}, 1, Refusal.WITHDRAWN),
        ({"left": 0}, 1, Refusal.FULL),
        ({"release_at": NINE - timedelta(hours=24)}, 25, Refusal.NOT_RELEASED),
        ({"release_at": NINE - timedelta(hours=24)}, 24, None),
    ],
)
def test_why_not_for_the_public(changes, hours_before, expected):
    found = rules.why_not(
        facts(**changes), NINE - timedelta(hours=hours_before), circle=Circle.PUBLIC, is_in_session=False
    )

    assert found is expected


def test_why_not_lets_a_partner_take_what_is_not_released():
    slot = facts(release_at=NINE - timedelta(hours=24))

    assert rules.why_not(slot, NINE - timedelta(hours=48), circle=Circle.PARTNER, is_in_session=False) is None


def test_why_not_names_the_own_booking_before_the_full_slot():
    found = rules.why_not(facts(left=0), NINE - timedelta(hours=1), circle=Circle.PUBLIC, is_in_session=True)

    assert found is Refusal.ALREADY_IN_SESSION


def test_blame_begins_inside_the_cancelling_hours():
    assert rules.is_free_of_blame(NINE, NINE - timedelta(hours=12), 12)
    assert not rules.is_free_of_blame(NINE, NINE - timedelta(hours=11), 12)


def test_a_person_is_missing_only_after_the_grace():
    assert not rules.may_miss(NINE, NINE + timedelta(minutes=29), 30)
    assert rules.may_miss(NINE, NINE + timedelta(minutes=30), 30)


def test_the_visit_day_ends_at_midnight():
    assert rules.end_of_visit_day(NINE) == datetime(2026, 3, 10, tzinfo=CHINA)
    assert rules.is_visit_day(NINE, NINE.replace(hour=0))
    assert not rules.is_visit_day(NINE, NINE - timedelta(hours=10))


def test_a_hold_takes_a_place_until_it_ends_and_ones_own_does_not():
    held = [NINE, NINE + timedelta(minutes=5)]

    assert rules.places_left(3, 1, held, NINE - timedelta(minutes=1)) == 0
    assert rules.places_left(3, 1, held, NINE - timedelta(minutes=1), own=held[1]) == 1
    assert rules.places_left(3, 1, held, NINE) == 1
    assert rules.places_left(3, 1, held, NINE, own=held[0]) == 1, "one's own that is over gives nothing"
    assert rules.places_left(3, 1, held, NINE + timedelta(minutes=5)) == 2


HALF, FIFTH, NONE = Fraction(1, 2), Fraction(1, 5), Fraction(0)


def calendar(**changes) -> Calendar:
    values = {
        "partner_share": HALF, "team_share": NONE, "contracted_share": NONE, "team_hours": 24 * 29,
        "contracted_hours": 48, "release_hours": 24, "head_start_days": 0,
    }  # fmt: skip
    return Calendar(**{**values, **changes})


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((HALF, NONE, NONE), (5, 0, 0, 5)),
        ((FIFTH, FIFTH, FIFTH), (2, 2, 2, 4)),
        ((Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)), (3, 4, 3, 0)),
        ((NONE, NONE, NONE), (0, 0, 0, 10)),
        ((NONE, Fraction(1, 4), Fraction(1, 4)), (0, 3, 2, 5)),
    ],
)
def test_pools_of_give_every_circle_its_running_share(shares, expected):
    pools = rules.pools_of(10, shares)

    assert tuple(pools.count(circle) for circle in (*rules.RESERVED, Circle.PUBLIC)) == expected


def test_pools_are_spread_over_the_session():
    pools = rules.pools_of(12, (FIFTH, FIFTH, NONE))

    for circle in (Circle.PARTNER, Circle.TEAM, Circle.PUBLIC):
        assert pools.index(circle) < 6
        assert len(pools) - 1 - pools[::-1].index(circle) >= 6


@pytest.mark.parametrize("pool", list(rules.RESERVED))
def test_a_place_falls_from_circle_to_circle(pool):
    opened = NINE - timedelta(days=20)

    plan = rules.plan_slot(NINE, NINE, opened, pool, calendar(team_hours=72), 28)

    falls = {
        Circle.TEAM: opened if pool in (Circle.TEAM, Circle.CONTRACTED) else NINE - timedelta(hours=72),
        Circle.CONTRACTED: opened if pool is Circle.CONTRACTED else NINE - timedelta(hours=48),
        Circle.PUBLIC: NINE - timedelta(hours=24),
    }
    assert plan.pool is pool
    assert (plan.teams_at, plan.contracted_at, plan.release_at) == tuple(falls.values())


def test_a_late_opening_keeps_the_order_of_the_circles():
    for hours in (1, 30, 60, 100):
        opened = NINE - timedelta(hours=hours)
        plan = rules.plan_slot(NINE, NINE, opened, Circle.PARTNER, calendar(team_hours=72), 28)
        steps = [plan.teams_at, plan.contracted_at, plan.release_at]
        if hours <= 24:
            assert steps == [None] * 3
            assert plan.pool is Circle.PUBLIC
        else:
            assert steps == sorted(steps)


def wish(minute: int, community: bool, returned: int | None = None) -> rules.Wish:
    back = None if returned is None else NINE + timedelta(minutes=returned)
    return rules.Wish(NINE + timedelta(minutes=minute), community, back)


def test_replay_turns_the_public_away_from_what_is_reserved_until_it_falls():
    wishes = [wish(1, False), wish(2, False), wish(3, True), wish(50, False)]

    found = rules.replay(3, 2, NINE + timedelta(minutes=40), wishes)

    assert found == rules.Replay(community=1, public=2, turned_away=1, wasted=0)


def test_replay_gives_a_returned_place_to_the_next():
    wishes = [wish(1, False, returned=2), wish(3, False)]

    assert rules.replay(1, 0, NINE, wishes) == rules.Replay(0, 1, 0, 0)


@given(
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.none() | st.integers(0, 90)), max_size=30),
    st.integers(0, 60),
)
def test_replay_never_serves_more_than_there_is(places, demand, release):
    wishes = [wish(at, community, None if back is None or back <= at else back) for at, community, back in demand]

    for reserved in range(places + 1):
        found = rules.replay(places, reserved, NINE + timedelta(minutes=release), wishes)
        assert found.community + found.public + found.wasted == places
        assert min(found.community, found.public, found.turned_away, found.wasted) >= 0
    if len(wishes) <= places:
        assert rules.replay(places, 0, NINE, wishes).turned_away == 0
