"""Decisions about classes, what is due and what is asked after a visit, from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from kangqiao.domain.followup.parameters import Choice, Ground, HealthClass, Query, Questionnaire

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


def survey_days(visit_on: date, *, after: int, within: int) -> tuple[date, date]:
    """When somebody is asked after a visit, and until when an answer is awaited."""
    ask_on = visit_on + timedelta(days=after)
    return ask_on, ask_on + timedelta(days=within)


def chosen(asked: Questionnaire, said: Mapping[str, str]) -> list[tuple[Query, Choice]] | None:
    """Each question with the answer chosen; None where one is missing or was never offered."""
    found = [(one, each) for one in asked.questions for each in one.choices if each.key == said.get(one.key)]
    return found if len(found) == len(asked.questions) else None
