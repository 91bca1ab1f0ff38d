"""When a referral is whole, how urgent it is in the queue, and when its clock has run out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the order of the queue rests on; ages in full years, waiting in full days."""

    urgency: str
    has_danger_sign: bool = False
    is_contracted: bool = False
    is_key_group: bool = False
    age: int = 0
    days_waiting: int = 0


def missing_items(required: Iterable[str], given: Mapping[str, bool]) -> list[str]:
    """The required items a referral still lacks, in the order of the data set (ZH-4.4c).

    Raises KeyError when the pack asks for an item the form cannot hold.
    """
    return [item for item in required if not given[item]]


def priority(facts: QueueFacts, points: Mapping[str, int], aged_from_years: int) -> int:
    """Points of a referral in the queue: more comes first; an emergency outweighs everything but another one."""
    return (
        points["emergency"] * (facts.urgency == "emergency")
        + points["danger_sign"] * facts.has_danger_sign
        + points["urgent"] * (facts.urgency == "urgent")
        + points["contracted"] * facts.is_contracted
        + points["key_group"] * facts.is_key_group
        + points["aged"] * (facts.age >= aged_from_years)
        + min(points["waiting_max"], facts.days_waiting)
    )


def used_percent(since: datetime, due: datetime, now: datetime) -> int:
    """How much of a time limit is used up, in full percent; more than 100 when it is overdue."""
    limit = (due - since) / timedelta(seconds=1)
    return int((now - since) / timedelta(seconds=1) * 100 // limit) if limit > 0 else 100
