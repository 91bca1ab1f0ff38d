"""A row of values over periods as the figures of a drawing; the template draws them (`c-trend-card`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

# The drawing's own units; the page stretches it.
WIDTH, HEIGHT, EDGE, ROOM = 300, 72, 8, 8


@dataclass(frozen=True, slots=True)
class Point:
    """One period: its name, its value or None where nothing is known or shown, and where it stands in the drawing."""

    label: str
    value: Decimal | int | None
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The periods in order; `lines` joins neighbours that are both known, so that a gap stays a gap.

    `bands` are where values should lie, as (top, height) of the drawing, and `targets` the same as values, lowest and
    highest; `beside` is a second row on the same scale.
    """

    points: tuple[Point, ...]
    lines: tuple[tuple[Point, Point], ...]
    bands: tuple[tuple[int, int], ...] = ()
    beside: Trend | None = None
    targets: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def ends(self) -> list[tuple[Point, Point | None]]:
        """The first and the last known period, each with that of the row beside it; one where there is one."""
        known = [row for row in self.rows if row[0].value is not None]
        return [known[0], known[-1]] if len(known) > 1 else known

    @property
    def known(self) -> list[Point]:
        """The periods with a value."""
        return [point for point in self.points if point.value is not None]

    @property
    def rows(self) -> list[tuple[Point, Point | None]]:
        """Each period with that of the row beside it."""
        return list(zip(self.points, self.beside.points if self.beside else (None,) * len(self.points), strict=True))


Row = Sequence[tuple[str, Decimal | int | None]]
Band = tuple[Decimal, Decimal]


def drawn(values: Row) -> Trend:
    """The values on an even grid, zero at the bottom and the highest at the top."""
    most = max((value for _label, value in values if value is not None), default=Decimal(0)) or Decimal(1)
    return _scaled(values, 0.0, float(most))


def drawn_in_bands(values: Row, beside: Row = (), bands: Sequence[Band] = ()) -> Trend:
    """The values between the lowest and the highest of them and of the bands they should lie in.

    A second row has the same periods, such as the lower values of a blood pressure.
    """
    known = [float(value) for _label, value in (*values, *beside) if value is not None]
    known += [float(edge) for band in bands for edge in band]
    least, most = min(known, default=0.0), max(known, default=1.0)
    # A little room, so that it is seen where a band ends.
    least, most = least - (most - least) / ROOM, most + (most - least) / ROOM
    second = _scaled(beside, least, most) if beside else None
    tops = [(_y(float(high), least, most), _y(float(low), least, most)) for low, high in bands]
    first = _scaled(values, least, most)
    return Trend(first.points, first.lines, tuple((top, bottom - top) for top, bottom in tops), second, tuple(bands))


def _y(value: float, least: float, most: float) -> int:
    return round(HEIGHT - EDGE - (value - least) * (HEIGHT - 2 * EDGE) / ((most - least) or 1.0))


def _scaled(values: Row, least: float, most: float) -> Trend:
    wide = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    points = tuple(
        Point(label, value, round(EDGE + n * wide), _y(least if value is None else float(value), least, most))
        for n, (label, value) in enumerate(values)
    )
    return Trend(points, tuple((a, b) for a, b in pairwise(points) if a.value is not None and b.value is not None))
