"""An examination kept with the letter of a side's resident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.base.sealed import seal
from kangqiao.domain.referral.models import Attachment, Part
from kangqiao.domain.scheduling.models import Booking, Session, Slot

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_parts(side: Side) -> None:
    """A file with the letter, and a CT some days after the visit, at the hospital the letter went to."""
    begins, ends = side.slot.starts_at + timedelta(days=3), side.slot.ends_at + timedelta(days=3)
    where = {"organization": (side.host or side).hospital, "practitioner": side.clinician}
    session = side.add(
        "ct_session", Session, kind="hospital_clinic", specialty="ct", starts_at=begins,
        ends_at=begins + timedelta(hours=3), **where,
    )  # fmt: skip
    opens = side.at - timedelta(days=60)
    slot = side.add(
        "ct_slot", Slot, session=session, starts_at=begins, ends_at=ends, opens_at=opens, capacity=9, taken=1
    )
    status = "fulfilled" if side.is_over else "booked"
    held = {"resident": side.resident, "channel": "referral", "status": status}
    side.add("ct_booking", Booking, slot=slot, session=session, **held)
    side.add(
        "attachment", Attachment, referral=side.referral, kind="pdf", size=3, content=seal(b"%PDF-"), taken_back_why=""
    )
    side.add("part", Part, referral=side.referral, kind="ct", booking=side.ct_booking)
