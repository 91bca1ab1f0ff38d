"""From value to points, from score to pay."""

from decimal import Decimal

import pytest

from kangqiao.domain.appraisal import rules

D = Decimal


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "0.00"), ("0", "0.00"), ("50", "20.00"), ("100", "40.00"), ("130", "40.00")]
)
def test_points(value: str | None, expected: str) -> None:
    assert rules.points(None if value is None else D(value), D(0), D(100), D(40)) == D(expected)


def test_score_is_out_of_a_hundred() -> None:
    assert rules.score([D(10), D(15)], [D(20), D(30)]) == D("50.00")
    with pytest.raises(ValueError, match="more than nothing"):
        rules.score([], [])


@pytest.mark.parametrize(("earned", "share"), [("59.99", 80), ("60", 100), ("100", 100)])
def test_pay_percent_at_the_boundary(earned: str, share: int) -> None:
    assert rules.pay_percent(D(earned), D(60), D(100), D(80)) == share
