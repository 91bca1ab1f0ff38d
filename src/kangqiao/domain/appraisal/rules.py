"""From measured values to points, from points to a score, from the score to the share of the money."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def points(value: Decimal | None, floor: Decimal, target: Decimal, weight: Decimal) -> Decimal:
    """Weight times how far the value stands between floor and target, never below 0 or above the weight.

    An indicator without a value, because nothing was there to count, earns nothing: the duty was to make it countable.
    """
    if value is None:
        return Decimal(0).quantize(CENT)
    share = (value - floor) / (target - floor) if target != floor else Decimal(int(value >= target))
    return (weight * min(max(share, Decimal(0)), Decimal(1))).quantize(CENT, rounding=ROUND_HALF_UP)


def score(item_points: list[Decimal], weights: list[Decimal]) -> Decimal:
    """The points out of a hundred. Raises ValueError when the weights are not positive."""
    total = sum(weights, Decimal(0))
    if total <= 0:
        raise ValueError("the weights of an appraisal must add up to more than nothing")
    return (sum(item_points, Decimal(0)) * 100 / total).quantize(CENT, rounding=ROUND_HALF_UP)


def pay_percent(earned: Decimal, full_from: Decimal, full: Decimal, reduced: Decimal) -> Decimal:
    """The share of the computed money a score releases: the full share from `full_from` on, else the reduced one."""
    return full if earned >= full_from else reduced
