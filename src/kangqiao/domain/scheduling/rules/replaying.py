"""What another share would have made of the demand there was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody who wanted a place in a session: when, whether for a centre or a team, and when they gave it back."""

    at: datetime
    is_community: bool
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a share would have made of a demand: who was served, who was turned away, how many places nobody used."""

    community: int
    public: int
    turned_away: int
    wasted: int

    def __add__(self, other: Replay) -> Replay:
        return Replay(
            self.community + other.community, self.public + other.public, self.turned_away + other.turned_away,
            self.wasted + other.wasted,
        )  # fmt: skip


NOTHING = Replay(0, 0, 0, 0)


def replay(places: int, reserved: int, release: datetime, wishes: Sequence[Wish]) -> Replay:
    """Plays a session's demand again with another number of reserved places, in the order in which it came.

    Until the release the community takes reserved places first and everyone else may not; places given back return to
    where they were taken from. From the release on every place is for everyone.
    """
    steps = [(wish.at, 1, number) for number, wish in enumerate(wishes)]
    steps += [(wish.returned_at, 0, number) for number, wish in enumerate(wishes) if wish.returned_at is not None]
    free = {True: reserved, False: places - reserved}
    taken: dict[int, bool] = {}
    served = {True: 0, False: 0}
    turned_away = 0
    for at, is_wish, number in sorted(steps, key=lambda step: (step[0], step[1])):
        if not is_wish:
            if number in taken:
                free[taken.pop(number)] += 1
                served[wishes[number].is_community] -= 1
            continue
        community = wishes[number].is_community
        pools = (True, False) if community or at >= release else (False,)
        pool = next((one for one in pools if free[one]), None)
        if pool is None:
            turned_away += 1
            continue
        free[pool] -= 1
        taken[number] = pool
        served[community] += 1
    return Replay(served[True], served[False], turned_away, free[True] + free[False])
