"""What the desk pressed by mistake is taken back by its doer, while the moment lasts and nobody went on from there."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import take_back
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling.actions.absences import _withdraw_appeal
from kangqiao.domain.scheduling.actions.parts import _locked_booking, _see, _source
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.errors import Taken


@transaction.atomic
def undo_arrival(*, booking_id: int, by: Actor, at: datetime) -> Booking:
    """A check-in or a “did not come” was pressed for the wrong person: they are awaited again.

    With the check-in the doctor's own basis ends; with the absence the place sees the resident as long as before, and
    what was said to it needs no answer.
    Raises AlreadyMoved, RuleBroken as `base.transition.take_back` does; Taken when the person has booked anew.
    """
    booking = _locked_booking(booking_id)
    action = "miss" if booking.status == "no_show" else "check_in"
    try:
        with transaction.atomic():
            take_back(booking, BOOKING, action, by=by, at=at)
    except IntegrityError:
        raise Taken(_("这位居民又约了同一场。"), next_step=_("请按新的预约签到。")) from None
    if action == "miss":
        _see(booking, by, at)
        _withdraw_appeal(booking, by, at)
    elif doctor_id := booking.session.practitioner.user_id:
        residents.end_basis(source=_source(booking), user_id=doctor_id, by=by, at=at)
    audit.record(f"undo_{action}", booking, by=by, at=at, resident_id=booking.resident_id)
    return booking
