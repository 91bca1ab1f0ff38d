"""Who pays and how much, without a database."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangqiao.domain.finance import rules
from kangqiao.kernel.money import split, to_fen

CITY_CLASS = frozenset({"municipal", "university", "provincial_branch"})


def pairing(ownership: str, place: str) -> rules.Pairing:
    return rules.Pairing(1, ownership, place, 1000)


@pytest.mark.parametrize(
    ("ownership", "place", "expected"),
    [
        ("municipal", "440402", rules.CITY),
        ("university", "440402", rules.CITY),
        ("provincial_branch", "440402", rules.CITY),
        ("municipal", "440404", rules.DISTRICT_OF_CENTRE),
        ("municipal", "440402-HQ", rules.DISTRICT_OF_CENTRE),
        ("district", "440402", rules.DISTRICT_HOSPITAL),
        ("district", "440404", rules.DISTRICT_HOSPITAL),
    ],
)
def test_payer_rule(ownership: str, place: str, expected: str) -> None:
    assert rules.payer_rule(pairing(ownership, place), CITY_CLASS, "440402") == expected


def test_city_total_rounds_half_up_once() -> None:
    assert rules.city_total(to_fen(10_000_000), Fraction(12)) == to_fen(1_200_000)
    assert rules.city_total(25, Fraction(10)) == 3


def test_released_share_of_a_sum() -> None:
    assert rules.released(to_fen(1_200_000), Fraction(80)) == to_fen(960_000)
    assert rules.released(1, Fraction(50)) == 1


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_split_loses_no_fen(total: int, weights: list[int]) -> None:
    shares = split(total, weights)
    assert sum(shares) == total
    assert all(
        abs(share * sum(weights) - total * weight) < sum(weights) for share, weight in zip(shares, weights, strict=True)
    )


def test_split_without_anybody_served() -> None:
    with pytest.raises(ValueError, match="not all zero"):
        split(100, [0, 0])
