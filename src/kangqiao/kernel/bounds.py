"""Two tiers of what a value may be: the impossible is refused, the unusual is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar


class Ordered(Protocol):
    """What can be compared with its like: a number of one unit, or a date."""

    def __lt__(self, other: Any, /) -> bool: ...


Value = TypeVar("Value", bound=Ordered)


class Verdict(Enum):
    """What is to be done with a value."""

    FINE = "fine"
    UNUSUAL = "unusual"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Bounds(Generic[Value]):
    """Least and most that can be at all, and least and most that is common; ends included, all of one unit.

    Raises ValueError when the common lies outside of the possible.
    """

    least: Value
    most: Value
    usual_least: Value
    usual_most: Value

    def __post_init__(self) -> None:
        if self.usual_least < self.least or self.most < self.usual_most or self.usual_most < self.usual_least:
            raise ValueError(f"what is usual must lie within what is possible: {self}")

    def judge(self, value: Value) -> Verdict:
        """Whether the value is fine, is asked about, or is refused."""
        if value < self.least or self.most < value:
            return Verdict.IMPOSSIBLE
        if value < self.usual_least or self.usual_most < value:
            return Verdict.UNUSUAL
        return Verdict.FINE


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def terms(today: date) -> Bounds[date]:
    """Days an agreement or posting can begin or end: this system knows no day before 1990 or 50 years ahead.

    More than three years back or ten years ahead is asked about.
    """
    return Bounds(date(1990, 1, 1), _years_before(today, -50), _years_before(today, 3), _years_before(today, -10))
