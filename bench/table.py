"""One row per measurement and one table for all of them."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement: ours, what it is held against (a floor, a bound or a peer, or None), their ratio, and the unit."""

    name: str
    ours: float
    floor_or_peer: float | None
    ratio: float | None
    unit: str
    note: str = ""


def row(name: str, ours: float, floor_or_peer: float, unit: str, note: str = "") -> Row:
    """A row whose ratio is ours divided by the other."""
    return Row(name, ours, floor_or_peer, ours / floor_or_peer if floor_or_peer else None, unit, note)


def cpu(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work and the CPU seconds it took; wall time says little on a shared machine."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def written(rows: Iterable[Row]) -> str:
    """The table as text."""
    head = ("what", "ours", "against", "ratio", "unit", "note")
    lines = [head] + [
        (r.name, _figure(r.ours), _figure(r.floor_or_peer), _figure(r.ratio), r.unit, r.note) for r in rows
    ]
    widths = [max(_width(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "  ".join([*(_padded(line[i], widths[i], i) for i in range(5)), line[5]]).rstrip() for line in lines
    )


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, column: int) -> str:
    space = " " * (width - _width(text))
    return space + text if 1 <= column <= 3 else text + space
