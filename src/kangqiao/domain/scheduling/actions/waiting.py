"""Joining the line for a place, taking or passing what is offered, leaving."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.booking import NOT_TWICE, _allowed_resident, _refusal_of, _replay, _take
from kangqiao.domain.scheduling.actions.offering import _end, _offer
from kangqiao.domain.scheduling.actions.parts import _allow, _constraint, _lock_resident, _when
from kangqiao.domain.scheduling.actions.telling import _tell
from kangqiao.domain.scheduling.models import Booking, Hold, Slot, Waiting
from kangqiao.domain.scheduling.states import SESSION, WAITING
from kangqiao.kernel.errors import AlreadyMoved, NoPolicyInForce, RuleBroken

# How far ahead somebody who joins is told of free places instead.
ANY_TIME = timedelta(days=400)


@transaction.atomic
def join_line(
    *, session_id: int, resident_id: int, is_for_all: bool, channel: str, as_partner_centre_id: int | None = None,
    by: Actor, at: datetime,
) -> Waiting:  # fmt: skip
    """A resident waits for a place of this session, or of its specialty at its house, whichever becomes free first.

    Raises Denied, RuleBroken when there is a free place, when the resident has one already or waits already, or when
    the session is over or called off.
    """
    session = queries.get_session(session_id)
    slot = session.slots.order_by("starts_at").first()
    if slot is None or session.ends_at <= at or session.status != SESSION.initial:
        raise RuleBroken(_("这次门诊已经过去或停诊，不能再候补。"), next_step=_("请另选一次门诊。"))
    resident, standing = _allowed_resident(slot.pk, resident_id, channel, as_partner_centre_id, by, at)
    scope = None if is_for_all else session_id
    free = queries.free_slots(
        [session.organization_id], session.specialty, starts=at, ends=at + ANY_TIME, standing=standing, now=at
    )
    fit = next((one for one in free if scope in (None, one.session_id)), None)
    if fit is not None:
        raise RuleBroken(
            _("%(when)s还有空号，不用候补。") % {"when": _when(fit.starts_at)}, next_step=_("请直接预约这个号。")
        )
    own = queries.place_in_session(session_id, resident_id)
    if own is not None:
        raise RuleBroken(
            _("已约了这次门诊的%(when)s，不用再候补。") % {"when": _when(own.slot.starts_at)},
            next_step=_("想换时间，请在预约里改。"),
        )
    try:
        with transaction.atomic():
            waiting = Waiting.objects.create(
                resident=resident, organization_id=session.organization_id, specialty=session.specialty,
                session_id=scope, centre_id=as_partner_centre_id, joined_by=by.name, joined_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        if _constraint(error) != "waiting_once_in_a_line":
            raise
        raise RuleBroken(
            _("已经在候补这家机构的这个专科了，一人排一次。"), next_step=_("想换一种候补，请先点“不等了”再重新候补。")
        ) from None
    begin(waiting, WAITING, by=by, at=at)
    audit.record("join_line", waiting, by=by, at=at, resident_id=resident_id, session_id=session_id)
    return waiting


def accept_offer(*, waiting_id: int, attempt: str, by: Actor, at: datetime) -> Booking:
    """The place that was offered is taken; sent twice it is one booking.

    Raises Denied, RuleBroken when nothing is offered any more or the resident has a place in the session, AlreadyMoved
    when the line was left meanwhile.
    """
    seen, offer = queries.wait_of(waiting_id), None
    try:
        with transaction.atomic():
            _waiting, offer = _locked_line(waiting_id, by, at)
            if offer is not None:
                return _take_offered(seen, offer, attempt, by, at)
    except AlreadyMoved:
        earlier = queries.booking_of_attempt(attempt)
        if earlier is None or not _is_of_line(earlier, seen):
            raise
        return earlier
    except IntegrityError as error:
        if offer is None or _constraint(error) not in NOT_TWICE:
            raise
        earlier = _replay(offer.slot_id, seen.resident_id, attempt)
        if earlier is None:
            raise _refusal_of(offer.slot_id, seen.resident_id, queries.ANYBODY, at) from None
        return earlier
    raise RuleBroken(_("留着的号已经过时，或已让给下一位。"), next_step=_("您还在候补，有号会再问您。"))


def _take_offered(waiting: Waiting, offer: Hold, attempt: str, by: Actor, at: datetime) -> Booking:
    """`_take` serves the line. Raises Denied, RuleBroken, Taken."""
    channel = Booking.Channel.SELF if by.role == Role.RESIDENT else Booking.Channel.GP
    resident, _standing = _allowed_resident(offer.slot_id, waiting.resident_id, channel, None, by, at)
    standing = queries.standing_in_line(waiting, queries.get_slot(offer.slot_id), at)
    booking = _take(offer.slot_id, resident, channel, attempt, standing, by, at)
    if booking is None:
        raise _refusal_of(offer.slot_id, waiting.resident_id, standing, at)
    return booking


def _is_of_line(booking: Booking, waiting: Waiting) -> bool:
    session = queries.get_session(booking.session_id)
    place = (booking.resident_id, session.organization_id, session.specialty)
    return place == (waiting.resident_id, waiting.organization_id, waiting.specialty)


@transaction.atomic
def pass_offer(*, waiting_id: int, by: Actor, at: datetime) -> Waiting:
    """Somebody does not want the place offered: the next is asked in the same moment, and they keep waiting.

    Raises Denied, RuleBroken when nothing is offered.
    """
    waiting, offer = _locked_line(waiting_id, by, at)
    if offer is None:
        raise RuleBroken(_("现在没有在等您回答的号。"), next_step=_("您还在候补，有号会再问您。"))
    _let_go(offer, at)
    audit.record("pass_offer", waiting, by=by, at=at, resident_id=waiting.resident_id, slot_id=offer.slot_id)
    return waiting


@transaction.atomic
def leave_line(*, waiting_id: int, by: Actor, at: datetime) -> Waiting:
    """Somebody waits no longer; what they were being asked about goes to the next. Raises Denied, AlreadyMoved."""
    waiting, offer = _locked_line(waiting_id, by, at)
    transition(waiting, WAITING, "leave", by=by, at=at)
    if offer is not None:
        _let_go(offer, at)
    audit.record("leave_line", waiting, by=by, at=at, resident_id=waiting.resident_id)
    return waiting


def offer_free_places(*, by: Actor, at: datetime) -> int:
    """Every free place for which somebody waits is offered to the next: where an offer or a hold has ended by itself.

    Lines that come to nothing any more are ended, and whoever stood there is told. Each line and each place is a
    transaction of its own: who moved meanwhile, or has no rules today, holds up nobody else. Returns how many were
    offered.
    """
    with as_system(by.name):
        over, free = queries.over_lines(at), queries.lines_to_serve(at)
    for waiting in over:
        with suppress(AlreadyMoved), as_system(by.name):
            _end_line(waiting, by, at)
    offered = 0
    for slot_id in free:
        with suppress(NoPolicyInForce), as_system(by.name):
            queries.shared_sessions({queries.get_slot(slot_id).session_id})
            list(Slot.objects.select_for_update().filter(pk=slot_id))
            offered += _offer(slot_id, at) is not None
    return offered


def _end_line(waiting: Waiting, by: Actor, at: datetime) -> None:
    transition(waiting, WAITING, "end", by=by, at=at)
    if waiting.resident.deceased_on is not None:
        return
    house = waiting.organization.short_zh
    _tell(
        waiting.resident,
        cause=f"line_over:{waiting.pk}",
        kind="line_over",
        subject=_("%(name)s在%(house)s的候补没有等到号") % {"name": waiting.resident.name, "house": house},
        body=_("候补的那次门诊已经过去或停诊。可以候补同专科最早的号。"),
        address=reverse("slots-find"), centre_id=waiting.centre_id, by=by, at=at,
    )  # fmt: skip


def _locked_line(waiting_id: int, by: Actor, at: datetime) -> tuple[Waiting, Hold | None]:
    """A line and what is offered in it, locked in the one order. Raises NotVisible, Denied, AlreadyMoved.

    Offered another place in that very moment, it begins anew: what is handed back stands on a slot that is locked.
    """
    seen = queries.wait_of(waiting_id)
    _allow(permissions.can_step_in_line(by, seen))
    while True:
        with transaction.atomic():
            _lock_resident(seen.resident_id)
            before = queries.offer_of(waiting_id, at)
            if before is not None:
                queries.shared_sessions({before.slot.session_id})
                list(Slot.objects.select_for_update().filter(pk=before.slot_id))
            waiting = Waiting.objects.select_for_update(of=("self",)).select_related("resident").get(pk=waiting_id)
            if waiting.status != WAITING.initial:
                raise moved_meanwhile(waiting, WAITING)
            offer = queries.offer_of(waiting_id, at)
            if offer is None or (before is not None and offer.slot_id == before.slot_id):
                return waiting, offer
            # With the savepoint go its locks.
            transaction.set_rollback(True)


def _let_go(offer: Hold, at: datetime) -> None:
    _end(offer, at)
    _offer(offer.slot_id, at, not_to=offer.resident_id)
