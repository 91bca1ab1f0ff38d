"""Something a side's centre wrote for residents, sent to its resident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kangqiao.domain.education.models import Material, Sending

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_education(side: Side) -> None:
    """A material everybody may read, and a sending only the resident knows of."""
    written = {"audience": ["J44"], "until": None}
    side.add("material", Material, organization=side.centre, **written)
    side.add("sending", Sending, resident=side.resident, material=side.material, desk=side.centre, opened_at=None)
