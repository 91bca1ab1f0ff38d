"""Lines at a side of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kangqiao.domain.scheduling.models import Appeal, Booking, Waiting

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_lines(side: Side) -> None:
    """The resident waits for a place of a specialty nobody sits for, put in line by the centre."""
    side.add("waiting", Waiting, resident=side.resident, organization=side.hospital, centre=side.centre, session=None)
    missed = side.add(
        "missed", Booking, slot=side.slot, session=side.session, resident=side.neighbour, status="no_show",
        channel="self",
    )  # fmt: skip
    side.add("appeal", Appeal, booking=missed, resident=side.neighbour, organization=side.centre, answer="")
    there = side.add(
        "missed@desk", Booking, slot=side.rows["slot@hospital"], session=side.rows["session@hospital"],
        resident=side.resident, status="no_show", channel="self",
    )  # fmt: skip
    house = there.session.organization
    side.add("appeal@hospital", Appeal, booking=there, resident=side.resident, organization=house, answer="")
    side.rows["missed"] = side.add(
        "missed_own", Booking, slot=side.slot, session=side.session, resident=side.resident, status="no_show",
        channel="self",
    )  # fmt: skip
