"""Decisions about staff from plain values: the order of titles, and being away."""

from __future__ import annotations

from datetime import date

# The ladder of titles in health work, lowest first. Which step a duty asks for is the paper's matter and comes from
# the caller.
TITLE_ORDER = ("resident", "attending", "associate_senior", "senior")


def grade_at_least(grade: str, minimum: str) -> bool:
    """Whether a title grade reaches the minimum, the minimum included. Raises ValueError for an unknown grade."""
    for asked in (grade, minimum):
        if asked not in TITLE_ORDER:
            raise ValueError(f"no such title grade: {asked}; there are {', '.join(TITLE_ORDER)}")
    return TITLE_ORDER.index(grade) >= TITLE_ORDER.index(minimum)


def is_away(starts_on: date, ends_on: date, half_away: str, day: date, half: str) -> bool:
    """Whether an absence from `starts_on` to `ends_on` (both included) covers a half-day; no half means both."""
    return starts_on <= day <= ends_on and half_away in ("", half)
