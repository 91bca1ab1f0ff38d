"""The home page of a seat: what waits in each of its worklists, counted, and the rows of the chosen one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import DateField, DateTimeField, QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localtime

from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.waits import Waiting, together
from kangqiao.base.waits import told as waiting
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.referral import queries as referrals
from kangqiao.edges.home import rows
from kangqiao.edges.home.rows import Row, Words
from kangqiao.edges.home.worklists import LISTS, MY_PATIENTS, NOTICES, PERSONAL, TEACHING, Day, Worklist

MOMENT = DateTimeField()


@dataclass(frozen=True, slots=True)
class Tile:
    """One worklist as it stands now."""

    list: Worklist
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """The home page of a seat: its tiles, the chosen worklist with its rows, and whose things they are."""

    tiles: list[Tile]
    chosen: Tile
    rows: list[Row]
    mine: bool
    has_mine: bool
    teaching: Words
    selected: str

    @property
    def lines(self) -> list[tuple[Row, str]]:
        """Each row with the address its steps come back to: this list, at the row that is next afterwards."""
        following = [one.key for one in (*self.rows[1:], *self.rows[-2:-1])] or [""]
        here = self.address()
        return [
            (one, f"{here}&{urlencode({'row': after})}" if after else here)
            for one, after in zip(self.rows, following, strict=False)
        ]

    def address(self) -> str:
        """The address of this list on the home page."""
        wanted = {"list": self.chosen.list.key, "who": "me" if self.mine else ""}
        return f"{reverse('home')}?{urlencode({name: value for name, value in wanted.items() if value})}"

    @property
    def busy(self) -> list[Tile]:
        """The lists in which something waits, and the one that is open."""
        return [tile for tile in self.tiles if tile.count or tile is self.chosen]

    @property
    def idle(self) -> list[Tile]:
        """The lists at nought: one quiet line of links, so that what waits is not lost among them."""
        return [tile for tile in self.tiles if not tile.count and tile is not self.chosen]

    @property
    def unread(self) -> int:
        """How many messages nobody has read, for the bell."""
        return next((tile.count for tile in self.tiles if tile.list is NOTICES), 0)

    @property
    def waiting(self) -> int:
        """How many things wait in all the lists."""
        return sum(tile.count for tile in self.tiles)


def _rows(one: Worklist, seat: Seat, now: datetime, mine: bool) -> list[Row]:
    if one.referrals is not None:
        return rows.of_referrals(seat, now, one.referrals, mine=mine and one.has_mine)
    return one.rows(seat, now)


def _counts(lists: tuple[Worklist, ...], seat: Seat, now: datetime, mine: bool, own: list[Row]) -> list[Waiting]:
    """What waits in each list: one statement for the referrals of all, one for all that depends on seat and day."""
    places = {one.key: one.referrals for one in lists if one.referrals is not None}
    personal = [one.key for one in lists if mine and one.has_mine]
    told = referrals.waiting(seat, places, personal) if places else {}
    told[MY_PATIENTS.key] = len(own), next((row.since for row in own), None)
    dated = [one for one in lists if one.waits is not None]
    told |= waiting(
        [one.key for one in dated], _of_day.ask(seat.role, **told_of(seat), **_told_of_day(dated, seat, now))
    )
    return [told[one.key] if one.key in told else one.count(seat, now) for one in lists]


@Prepared
def _of_day(role: str) -> QuerySet[Any, Any]:
    """Key, number and since when of each list of the role that is counted by seat and day; every role has one."""
    seat, on, begins, ends = any_seat(role), *(Told("on", DateField()), Told("begins", MOMENT), Told("ends", MOMENT))
    days = {one.key: cast(Any, Day)(on, begins, ends, Told(one.key, DateField())) for one in LISTS[role]}
    return together({one.key: one.waits(seat, days[one.key]) for one in LISTS[role] if one.waits is not None})


def _told_of_day(lists: Iterable[Worklist], seat: Seat, now: datetime) -> dict[str, object]:
    begins = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    untils = {one.key: one.until(seat, begins.date()) for one in lists if one.until is not None}
    return {"on": begins.date(), "begins": begins, "ends": begins + timedelta(days=1), **untils}


def board_of(seat: Seat, now: datetime, *, wanted: str = "", mine: bool = False, row: str = "") -> Board:
    """The worklists of the seat; opened is the one asked for, else the first in which something waits.

    `row` is the one to be at: what comes after the row just worked on, or the first where it is gone too.
    """
    lists, has_mine = LISTS[seat.role], seat.role in PERSONAL
    mine = mine and has_mine
    own = _rows(MY_PATIENTS, seat, now, mine) if MY_PATIENTS in lists else []
    tiles = [Tile(one, *counted) for one, counted in zip(lists, _counts(lists, seat, now, mine, own), strict=True)]
    tiles = [tile for tile in tiles if tile.count or not tile.list.is_rare or tile.list.key == wanted]
    first = next((tile for tile in tiles if tile.count), tiles[0])
    chosen = next((tile for tile in tiles if tile.list.key == wanted), first)
    found = own if chosen.list is MY_PATIENTS else _rows(chosen.list, seat, now, mine)
    keys = [one.key for one in found]
    at = row if row in keys else next(iter(keys), "")
    return Board(tiles, chosen, found, mine, has_mine, TEACHING.get(seat.role, ""), at)
