"""Which reserved places of a session are kept for one paired centre first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime


def keep_least(
    places: Sequence[tuple[datetime, datetime, bool]], least: Mapping[int, int], has: Mapping[int, int] = {}
) -> list[int | None]:  # fmt: skip
    """For which centre each place is kept: in turns, so that where places are short each centre gets its share.

    `places` are time, release and whether it can be kept: those that stay reserved longest are kept first. `least` is
    how many each centre gets, `has` how many it has taken already.
    """
    free = [n for n, (_starts_at, _release_at, can_be) in enumerate(places) if can_be]
    free.sort(key=lambda n: (places[n][0] - places[n][1], places[n][0]))
    wanted = {centre: max(count - has.get(centre, 0), 0) for centre, count in sorted(least.items())}
    found: list[int | None] = [None] * len(places)
    turns = [centre for turn in range(max(wanted.values(), default=0)) for centre in wanted if wanted[centre] > turn]
    for place, centre in zip(free, turns, strict=False):
        found[place] = centre
    return found
