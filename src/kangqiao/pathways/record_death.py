"""A resident has died: the record says so, contracts end and places are given back."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.domain.contracting.actions import end_deceased
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling.actions import cancel_booking, let_go
from kangqiao.domain.scheduling.models import Booking, Displaced


def record_death(*, resident_id: int, on: date, by: Actor, at: datetime) -> tuple[Resident, int]:
    """Writes the death down and ends what can no longer be; answers how many contracts and bookings ended.

    Raises what the register refuses: Denied, RuleBroken for an impossible day, Taken where it was written before.
    """
    with transaction.atomic():
        row = residents.record_death(resident_id=resident_id, on=on, by=by, at=at)
        with as_system("record-death") as job:
            ended = len([one for one in end_deceased(by=job, at=at) if one.resident_id == resident_id])
            ahead = Booking.objects.filter(resident=resident_id, status="booked", slot__starts_at__gt=at).order_by("pk")
            for pk in ahead.values_list("pk", flat=True):
                cancel_booking(booking_id=pk, reason=_("居民去世"), by=job, at=at)
                ended += 1
            for pk in Displaced.objects.filter(resident=resident_id, status="open").values_list("pk", flat=True):
                let_go(displaced_id=pk, reason=_("居民去世"), by=job, at=at)
    return row, ended
