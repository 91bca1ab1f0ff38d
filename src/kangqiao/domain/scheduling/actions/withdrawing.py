"""A session is called off, or goes ahead after all; whoever had a place is owed another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, history, take_back, transition
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.partners import _limit
from kangqiao.domain.scheduling.actions.parts import (
    _allow,
    _called,
    _constraint,
    _count,
    _give_back,
    _locked_session,
    _owed,
    _see,
    _when,
)
from kangqiao.domain.scheduling.actions.telling import _tell, _visit
from kangqiao.domain.scheduling.models import Booking, Displaced, Hold, Session, Slot
from kangqiao.domain.scheduling.states import BOOKING, DISPLACED, SESSION
from kangqiao.kernel.errors import RuleBroken


@beyond("scheduling.withdraw")
def withdraw_session(
    *, session_id: int, reason: str, why: str = Session.Why.OTHER, by: Actor, at: datetime
) -> list[Booking]:
    """A session is called off: every place in it is lost, everyone is told why, and is owed another place.

    Each is told of the nearest equal places that are free and stands on the worklist of the house until placed again
    or no longer in need of one. Returns the lost bookings. Raises AlreadyMoved when it was withdrawn before,
    RuleBroken once it is over.
    """
    session = _locked_session(session_id)
    _allow(permissions.can_withdraw(by, session))
    if session.ends_at <= at:
        raise RuleBroken(_("这次出诊已经结束，不能再停诊。"), next_step=_("请把未到的人记为未到诊。"))
    transition(session, SESSION, "withdraw", by=by, at=at, reason=reason, withdrawn_for=why)
    queries.locked_slots(session.pk)
    kept = Hold.objects.filter(slot__session=session, until__gt=at)
    offered = list(kept.filter(waiting__isnull=False).select_related("waiting", "slot", "resident"))
    kept.update(until=Greatest("since", at))
    session.slots.update(held=[])
    affected = queries.affected_by(session)
    owed = [_displace(booking, reason, by, at) for booking in affected]
    proposed = queries.proposals(affected, at)
    for displaced in owed:
        _tell_withdrawn(displaced, proposed[displaced.booking_id], reason=reason, by=by, at=at)
    for offer in offered:
        _tell_offer_gone(offer, reason, by, at)
    audit.record("withdraw_session", session, by=by, at=at, bookings=[b.pk for b in affected], why=why)
    return affected


def _displace(booking: Booking, reason: str, by: Actor, at: datetime) -> Displaced:
    """The place is lost; the house sees the resident until it has answered."""
    _give_back(booking, by=by, at=at, reason=_("停诊：%(reason)s") % {"reason": reason})
    house = booking.session.organization_id
    displaced = Displaced.objects.create(booking=booking, resident=booking.resident, organization_id=house, since=at)
    begin(displaced, DISPLACED, by=by, at=at)
    residents.grant_basis(
        resident_id=booking.resident_id, kind="booking", source=_owed(displaced), since=at, organization_id=house,
        by=by, at=at,
    )  # fmt: skip
    return displaced


@beyond("scheduling.withdraw")
def undo_withdrawal(*, session_id: int, by: Actor, at: datetime) -> list[Booking]:
    """The wrong session was called off: it goes ahead, everyone has their place again and is told so.

    Raises RuleBroken when somebody has another place by now or let go, when the doctor sits elsewhere meanwhile, or
    when the moment is over; AlreadyMoved when it was not called off.
    """
    session = _locked_session(session_id)
    _allow(permissions.can_withdraw(by, session))
    last = history(session).last()
    queries.locked_slots(session.pk)
    owed = queries.locked_displaced(session, last.at if last else at)
    if any(one.status != DISPLACED.initial for one in owed):
        raise RuleBroken(
            _("已经有人另约了时间或不再需要，不能整场撤销。"), next_step=_("请让医院另开一场，再通知还在等的人。")
        )
    try:
        with transaction.atomic():
            take_back(session, SESSION, "withdraw", by=by, at=at, withdrawn_for="")
    except IntegrityError as error:
        if _constraint(error) != "session_practitioner_in_one_place":
            raise
        raise RuleBroken(
            _("这位医生在这段时间已有别的出诊安排。"), next_step=_("停诊不变；请给还在等的人另找时间。")
        ) from None
    # Who waited in line and was asked about one of these places is asked anew.
    Hold.objects.filter(slot__session=session, waiting__isnull=False, until=last.at if last else at).delete()
    for displaced in owed:
        _restore(displaced, by, at)
    if session.kind == Session.Kind.HOSPITAL_CLINIC:  # rules made meanwhile
        _limit([session])
    audit.record("undo_withdraw", session, by=by, at=at, bookings=[one.booking_id for one in owed])
    return [one.booking for one in owed]


def _restore(displaced: Displaced, by: Actor, at: datetime) -> None:
    booking = displaced.booking
    take_back(booking, BOOKING, "cancel", by=by, at=at)
    _count(booking, 1)
    _see(booking, by, at)
    transition(displaced, DISPLACED, "restore", by=by, at=at)
    words = {"name": booking.resident.name, "when": _when(booking.slot.starts_at)}
    _tell(
        booking.resident, cause=f"restored:{displaced.pk}", kind="session_restored",
        subject=_("%(name)s %(when)s的预约照旧") % words, body=_("刚才的停诊通知发错了，请按原来的时间来。"),
        address=reverse("slots-booking", args=(booking.pk,)), visit=_visit(booking), by=by, at=at,
    )  # fmt: skip
    residents.end_basis(source=_owed(displaced), by=by, at=at)


def _tell_withdrawn(displaced: Displaced, nearest: Sequence[Slot], *, reason: str, by: Actor, at: datetime) -> None:
    resident = displaced.resident
    free = "、".join(_called(slot) for slot in nearest)
    words = {"name": resident.name, "when": _when(displaced.booking.slot.starts_at)}
    _tell(
        resident, cause=f"withdrawn:{displaced.pk}", kind="session_withdrawn",
        subject=_("%(name)s %(when)s的预约因停诊取消") % words,
        body=_("原因：%(reason)s。最近的空号：%(free)s。点开就能改约，出诊机构也会联系您。")
        % {"reason": reason, "free": free or _("同专科近期没有空号")},
        address=reverse("slots-displaced-of", args=(displaced.pk,)), visit=_visit(displaced.booking), by=by, at=at,
    )  # fmt: skip


def _tell_offer_gone(offer: Hold, reason: str, by: Actor, at: datetime) -> None:
    words = {"name": offer.resident.name, "when": _when(offer.starts_at), "reason": reason}
    _tell(
        offer.resident,
        cause=f"offer_gone:{offer.pk}",
        kind="offer_gone",
        subject=_("留给%(name)s的%(when)s的号因停诊没有了") % words,
        body=_("原因：%(reason)s。候补同专科最早的号的，有号会再问。") % words,
        address=reverse("slots-waits"), centre_id=offer.waiting.centre_id if offer.waiting else None, by=by, at=at,
    )  # fmt: skip
