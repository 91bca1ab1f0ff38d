"""A GP sends a patient up and takes the reserved place in the same breath."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kangqiao.base.actor import Actor
from kangqiao.domain.referral import actions as referrals
from kangqiao.domain.referral.models import Referral


def refer_with_slot(
    *, slot_id: int | None, resident_id: int, attempt: str, by: Actor, at: datetime, **letter: Any
) -> Referral:
    """Takes a hospital place for the patient as a paired centre, then sends the referral with it; both or neither.

    Without a slot the desk finds the place. `letter` is what `referral.actions.send_up` takes. Raises Taken with the
    nearest free places when the place has just gone: the letter is kept by the form.
    """
    return referrals.send_up(slot_id=slot_id, resident_id=resident_id, attempt=attempt, by=by, at=at, **letter)
