"""When a referral is whole, which criteria allow a hand-over, and how much of a clock is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

# Criteria (codes of the list `referral_reason`) under which a hospital may hand a patient back to a centre (ZH-4.4b).
DOWN_CRITERIA = ("stable_for_community", "chronic_at_target", "rehabilitation", "after_surgery", "long_term_care")


def missing_items(required: Iterable[str], given: Mapping[str, bool]) -> list[str]:
    """The required items a referral still lacks, in the order of the data set (ZH-4.4c).

    Raises KeyError when the pack asks for an item the form cannot hold.
    """
    return [item for item in required if not given[item]]


def used_percent(since: datetime, due: datetime, now: datetime) -> int:
    """How much of a time limit is used up, in full percent; more than 100 when it is overdue."""
    limit = (due - since) / timedelta(seconds=1)
    return int((now - since) / timedelta(seconds=1) * 100 // limit) if limit > 0 else 100
