"""Places held at a side of the world."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.scheduling.models import Hold

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_holds(side: Side) -> None:
    """The resident holds a place at the centre and, an hour later, one at the hospital: one at a time."""
    side.rows["pool_house"] = side.hospital
    for number, name in enumerate(("", "@hospital")):
        slot, until = side.rows[f"slot{name}"], side.at + timedelta(days=1)
        span = {"starts_at": side.at + timedelta(hours=number), "ends_at": side.at + timedelta(hours=number + 1)}
        since = side.at - timedelta(minutes=1)
        side.add(f"hold{name}", Hold, slot=slot, resident=side.resident, since=since, until=until, **span)
        slot.held = [until]
        slot.save(update_fields=("held",))
