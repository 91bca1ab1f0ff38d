"""What makes a letter whole, and how a clock is read."""

from datetime import UTC, datetime, timedelta

import pytest

from kangqiao.domain.referral import rules

NINE = datetime(2026, 5, 4, 9, tzinfo=UTC)
ITEMS = ("patient_identity", "diagnosis", "reason", "consent")


def test_missing_items_come_in_the_order_of_the_data_set():
    given = {"patient_identity": True, "diagnosis": False, "reason": True, "consent": False}
    assert rules.missing_items(ITEMS, given) == ["diagnosis", "consent"]


def test_an_item_the_form_cannot_hold_is_an_error_and_not_skipped():
    with pytest.raises(KeyError):
        rules.missing_items(("x_ray",), {"diagnosis": True})


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", None),
        ("无", []),
        (" 无。", []),
        ("None", []),
        ("青霉素", ["青霉素"]),
        ("无青霉素过敏，头孢过敏", ["无青霉素过敏，头孢过敏"]),
    ],
)
def test_only_a_plain_denial_is_no_allergy(words, expected):
    assert rules.known_allergies(words) == expected


@pytest.mark.parametrize(("hours", "expected"), [(0, 0), (12, 50), (24, 100), (36, 150)])
def test_used_percent_of_a_limit_of_one_day(hours, expected):
    assert rules.used_percent(NINE, NINE + timedelta(hours=24), NINE + timedelta(hours=hours)) == expected


def test_a_limit_of_nothing_is_used_up_at_once():
    assert rules.used_percent(NINE, NINE, NINE) == 100


@pytest.mark.clause("ZH-4.4b")
def test_there_are_five_criteria_for_the_way_down():
    assert len(set(rules.DOWN_CRITERIA)) == 5
