"""Which reserved places of a session are kept for one paired centre first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime


def keep_least(
    places: Sequence[tuple[datetime, datetime, int]], least: Mapping[int, int], has: Mapping[int, int] = {}
) -> list[int | None]:  # fmt: skip
    """For which centre each time is kept: in turns, so that where places are short each centre gets its share.

    `places` are time, release and how many places of it can be kept, all or none: those that stay reserved longest are
    kept first. `least` is how many places each centre gets, `has` how many it has taken already; the last time kept may
    have more than was missing.
    """
    free = [n for n, (_starts_at, _release_at, count) in enumerate(places) if count]
    free.sort(key=lambda n: (places[n][0] - places[n][1], places[n][0]))
    wanted = {centre: max(count - has.get(centre, 0), 0) for centre, count in sorted(least.items())}
    found: list[int | None] = [None] * len(places)
    while free and any(missing > 0 for missing in wanted.values()):
        for centre in [one for one, missing in wanted.items() if missing > 0][: len(free)]:
            place = free.pop(0)
            found[place] = centre
            wanted[centre] -= places[place][2]
    return found
