"""Cutting, reserving, releasing and refusing, from plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from kangqiao.domain.scheduling import rules
from kangqiao.domain.scheduling.rules import Refusal, SlotFacts

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
    found = rules.why_not(facts(**changes), NINE - timedelta(hours=hours_before), is_partner=False, is_in_session=False)

    assert found is expected


def test_why_not_lets_a_partner_take_what_is_not_released():
    slot = facts(release_at=NINE - timedelta(hours=24))

    assert rules.why_not(slot, NINE - timedelta(hours=48), is_partner=True, is_in_session=False) is None


def test_why_not_names_the_own_booking_before_the_full_slot():
    found = rules.why_not(facts(left=0), NINE - timedelta(hours=1), is_partner=False, is_in_session=True)

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
