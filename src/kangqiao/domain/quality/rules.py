"""Which items a lot falls on, and what their results say."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

CONTRACT, SERVICE = "contract", "service"
# The numbers a seed is taken from: short enough to be read out and written on paper.
SEEDS = 1_000_000


def drawn(strata: Mapping[int, Sequence[int]], size: int, seed: int) -> dict[int, list[int]]:
    """Of each team so many by lot, or all where there are fewer; the same seed draws the same of the same.

    Each team has a lot of its own, so that one team's contracts do not change what is drawn of another.
    """
    found = {}
    for team, ids in sorted(strata.items()):
        # A lot that is published with its seed, so that anybody can draw it again: no secret.
        lot = random.Random(f"{seed}:{team}")  # noqa: S311
        found[team] = sorted(lot.sample(sorted(ids), min(size, len(ids))))
    return found


@dataclass(frozen=True, slots=True)
class Checked:
    """One item as its results are counted: of which team, what it is, whether it was checked, and what was found."""

    team: int
    kind: str
    is_checked: bool
    is_open: bool
    findings: Collection[str]


@dataclass(frozen=True, slots=True)
class Tally:
    """Items of one kind: drawn, checked, real among the checked, with findings, and corrections still open."""

    drawn: int = 0
    checked: int = 0
    real: int = 0
    with_findings: int = 0
    open: int = 0

    @property
    def rate(self) -> float | None:
        """The share of real ones among the checked, in percent; None while nothing was checked."""
        return 100 * self.real / self.checked if self.checked else None


def tally(items: Iterable[Checked], unreal: Collection[str]) -> Tally:
    """The items counted; one is real that was checked and nothing found in it makes it unreal."""
    rows = list(items)
    done = [one for one in rows if one.is_checked]
    return Tally(
        drawn=len(rows),
        checked=len(done),
        real=sum(not set(one.findings) & set(unreal) for one in done),
        with_findings=sum(bool(one.findings) for one in done),
        open=sum(one.is_open for one in rows),
    )
