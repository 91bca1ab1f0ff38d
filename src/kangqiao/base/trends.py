"""A row of values over periods as the figures of a drawing; the template draws them (`c-trend-card`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

# The drawing's own units; the page stretches it.
WIDTH, HEIGHT, EDGE = 300, 72, 8


@dataclass(frozen=True, slots=True)
class Point:
    """One period: its name, its value or None where nothing is known or shown, and where it stands in the drawing."""

    label: str
    value: Decimal | int | None
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The periods in order; `lines` joins neighbours that are both known, so that a gap stays a gap."""

    points: tuple[Point, ...]
    lines: tuple[tuple[Point, Point], ...]

    @property
    def known(self) -> list[Point]:
        """The periods with a value."""
        return [point for point in self.points if point.value is not None]


def drawn(values: Sequence[tuple[str, Decimal | int | None]]) -> Trend:
    """The values on an even grid, zero at the bottom and the highest at the top."""
    most = max((value for _label, value in values if value is not None), default=Decimal(0)) or Decimal(1)
    wide = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    high = (HEIGHT - 2 * EDGE) / float(most)
    points = tuple(
        Point(label, value, round(EDGE + n * wide), round(HEIGHT - EDGE - float(value or 0) * high))
        for n, (label, value) in enumerate(values)
    )
    joined = pairwise(points)
    return Trend(points, tuple((a, b) for a, b in joined if a.value is not None and b.value is not None))
