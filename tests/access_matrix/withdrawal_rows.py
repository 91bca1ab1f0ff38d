"""Those who lost a place at a side of the world, and who could take its sessions over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.scheduling.models import Booking, Displaced
from kangqiao.domain.workforce.models import Practitioner

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_displaced(side: Side) -> None:
    """The resident lost a place at the centre and one at the hospital; a doctor of each house is free."""
    hospital = (side.host or side).hospital
    senior = {"title_kind": "physician", "title_grade": "senior", "specialty": side.expert.specialty}
    for name, house, employer in (("", side.centre, hospital), ("@hospital", hospital, side.hospital)):
        side.add(f"stand_in{name}", Practitioner, organization=employer, **senior)
        lost = side.add(
            f"lost{name}", Booking, slot=side.rows[f"slot{name}"], session=side.rows[f"session{name}"],
            resident=side.resident, status="cancelled", channel="gp",
        )  # fmt: skip
        since = side.at - timedelta(minutes=5)
        side.add(
            f"displaced{name}", Displaced, booking=lost, resident=side.resident, organization=house, since=since,
            instead=None,
        )  # fmt: skip
