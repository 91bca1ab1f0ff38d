"""Decisions about classes and what is due, from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from kangqiao.domain.followup.parameters import Ground, HealthClass

Facts = Mapping[str, Decimal]


def class_of(facts: Facts, classes: Sequence[HealthClass]) -> tuple[HealthClass, list[Ground]]:
    """The closest class that a fact puts somebody into, with the facts that did; the last one takes everybody.

    Raises ValueError where no class is without grounds.
    """
    for one in classes:
        met = [ground for ground in one.grounds if facts.get(ground.fact, Decimal("-Infinity")) >= ground.at_least]
        if met or not one.grounds:
            return one, met
    raise ValueError("no class takes everybody")


def body_mass_index(height_cm: Decimal | None, weight_kg: Decimal | None) -> Decimal | None:
    """Weight by squared height, to one place."""
    if not height_cm or not weight_kg:
        return None
    return (weight_kg / (height_cm / 100) ** 2).quantize(Decimal("0.1"))


def next_due(done_on: date, every_days: int) -> date:
    """When the same thing is due again."""
    return done_on + timedelta(days=every_days)
