"""Which material somebody gets next."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Protocol, TypeVar


class Fitting(Protocol):
    """What is asked of a material: whom it is for, empty for everybody."""

    @property
    def pk(self) -> int: ...
    @property
    def audience(self) -> Collection[str]: ...


F = TypeVar("F", bound=Fitting)


def next_for(materials: Iterable[F], needs: Collection[str], had: Collection[int]) -> F | None:
    """The first in order that fits a need and was not had; else the first for everybody; else nothing."""
    for_all: F | None = None
    for one in materials:
        if one.pk in had:
            continue
        if set(one.audience) & set(needs):
            return one
        if not one.audience and for_all is None:
            for_all = one
    return for_all


def is_due(last: date | None, every_days: int, on: date) -> bool:
    """Whether enough days have passed since the last sending."""
    return last is None or last + timedelta(days=every_days) <= on
