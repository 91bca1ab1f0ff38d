"""Another time instead of the one booked: the new place is had before the old one is given back."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.booking import _allowed_resident, _as_contracted, _refusal_of, _replay, book
from kangqiao.domain.scheduling.actions.holding import _elsewhere, _hold
from kangqiao.domain.scheduling.actions.offering import _offer
from kangqiao.domain.scheduling.actions.parts import (
    _allow,
    _constraint,
    _give_back,
    _lock_resident,
    _locked_booking,
    _when,
)
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def move_booking(
    *, booking_id: int, slot_id: int, attempt: str, as_partner_centre_id: int | None = None, by: Actor, at: datetime
) -> Booking:
    """A booked visit goes to another time: the new place held, the old given back, the new booked; or nothing.

    Sent twice it is one move. Raises as `book` and `cancel_booking` do, RuleBroken for a place that a referral keeps:
    the letter moves it.
    """
    seen = queries.booking_with_slot(booking_id)
    earlier = _replay(slot_id, seen.resident_id, attempt)
    if earlier is not None:
        return earlier
    _lock_resident(seen.resident_id)
    queries.shared_sessions({seen.session_id, queries.get_slot(slot_id).session_id})
    list(Slot.objects.select_for_update().filter(pk__in={seen.slot_id, slot_id}).order_by("pk"))
    queries.lock_shares(seen, slot_id, as_partner_centre_id)
    old = _locked_booking(booking_id)
    _allow_move(old, slot_id, by, at)
    channel = Booking.Channel.SELF if by.role == Role.RESIDENT else old.channel
    _resident, standing = _allowed_resident(slot_id, old.resident_id, channel, as_partner_centre_id, by, at)
    _secure(old, slot_id, standing.instead_of(old), by, at)
    when = _when(queries.get_slot(slot_id).starts_at)
    _give_back(old, by=by, at=at, reason=_("改约到%(when)s") % {"when": when})
    new = book(
        slot_id=slot_id, resident_id=old.resident_id, channel=channel, attempt=attempt,
        as_partner_centre_id=as_partner_centre_id, by=by, at=at,
    )  # fmt: skip
    _offer(old.slot_id, at, not_to=old.resident_id)
    audit.record("move_booking", old, by=by, at=at, resident_id=old.resident_id, booking_id=new.pk)
    return new


def _allow_move(old: Booking, slot_id: int, by: Actor, at: datetime) -> None:
    _allow(permissions.can_step(by, old, BOOKING.step("cancel").parties))
    if old.status not in BOOKING.step("cancel").sources:
        raise RuleBroken(_("这个预约已经不能改了。"), next_step=_("请看它的最新状态，再重新预约。"))
    if old.channel == Booking.Channel.REFERRAL:
        raise RuleBroken(_("这是转诊占的号，跟着转诊单走。"), next_step=_("请在转诊单里改时间，或打电话给转诊台。"))
    if old.slot_id == slot_id:
        raise RuleBroken(_("您约的就是这个时间。"), next_step=_("请另选一个时间。"))
    if not rules.may_cancel(old.slot.starts_at, at):
        raise RuleBroken(_("就诊时间已到，不能再改。"), next_step=_("来不了请打电话告诉中心。"))


def _secure(old: Booking, slot_id: int, standing: Standing, by: Actor, at: datetime) -> None:
    """The new place is this resident's before the old one is let go. Raises Taken, RuleBroken."""
    if queries.hold_of(old.resident_id, slot_id, at) is not None:
        return
    slot = queries.get_slot(slot_id)
    try:
        with transaction.atomic():
            held = _hold(slot, old.resident_id, standing, by, at)
            if held is None:
                standing = _as_contracted(slot_id, old.resident_id, standing, at)
                held = _hold(slot, old.resident_id, standing, by, at) if standing.contracted else None
    except IntegrityError as error:
        if _constraint(error) != "hold_one_at_a_time":
            raise
        raise _elsewhere(slot_id, old.resident_id, at) from None
    if held is None:
        raise _refusal_of(slot_id, old.resident_id, standing, at, instead_of=old.pk)
