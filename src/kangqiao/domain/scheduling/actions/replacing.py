"""Another place for one that was lost, or none needed any more; another doctor instead of the one announced."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.transition import moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.booking import _replay, book
from kangqiao.domain.scheduling.actions.parts import (
    _allow,
    _constraint,
    _lock_resident,
    _locked_session,
    _owed,
    _when,
)
from kangqiao.domain.scheduling.actions.telling import _tell, _visit
from kangqiao.domain.scheduling.models import Booking, Displaced, Session
from kangqiao.domain.scheduling.states import DISPLACED, SESSION
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def place_again(*, displaced_id: int, slot_id: int, attempt: str, by: Actor, at: datetime) -> Booking:
    """Somebody who lost a place has another: booked and written off in one transaction, or neither.

    An emergency stays one. Sent twice it is one booking. Raises NotVisible, Denied, AlreadyMoved when it is settled
    already, RuleBroken for the place of a letter, and what `book` raises.
    """
    seen = queries.displaced_by_id(displaced_id)
    earlier = _replay(slot_id, seen.resident_id, attempt)
    if earlier is not None:
        return earlier
    displaced = _locked(displaced_id, by)
    lost = displaced.booking
    if lost.channel == Booking.Channel.REFERRAL:
        raise RuleBroken(_("这是转诊占的号，跟着转诊单走。"), next_step=_("请在转诊单里改期，改好后这里自动销账。"))
    return book(
        slot_id=slot_id, resident_id=lost.resident_id, attempt=attempt, is_emergency=lost.is_emergency,
        channel=Booking.Channel.SELF if by.role == Role.RESIDENT else lost.channel,
        as_partner_centre_id=permissions.centre_named(by, lost), displaced_id=displaced_id, by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def let_go(*, displaced_id: int, reason: str = "", by: Actor, at: datetime) -> Displaced:
    """Somebody needs no other place; the house owes them nothing more. Raises NotVisible, Denied, AlreadyMoved."""
    displaced = _locked(displaced_id, by)
    transition(displaced, DISPLACED, "let_go", by=by, at=at, reason=reason)
    residents.end_basis(source=_owed(displaced), by=by, at=at)
    audit.record("let_go", displaced, by=by, at=at, resident_id=displaced.resident_id)
    return displaced


def _locked(displaced_id: int, by: Actor) -> Displaced:
    """Who lost a place, locked in the one order: the resident before what they lost."""
    seen = queries.displaced_by_id(displaced_id)
    _allow(permissions.can_answer(by, seen))
    _lock_resident(seen.resident_id)
    displaced = queries.displaced_by_id(displaced_id, is_locked=True)
    if displaced.status != DISPLACED.initial:
        raise moved_meanwhile(displaced, DISPLACED)
    return displaced


@beyond("scheduling.withdraw")
def substitute_session(*, session_id: int, practitioner_id: int, reason: str, by: Actor, at: datetime) -> Session:
    """Another doctor of the same house and specialty, of no lower title, takes a session over; the places stay.

    Everyone is told, and may give the place back or stay away without its being counted. Raises Denied, RuleBroken
    when the session was called off or has begun, when the doctor is not one who can, or sits elsewhere at that hour.
    """
    session = _locked_session(session_id)
    _allow(permissions.can_withdraw(by, session))
    if session.status != SESSION.initial:
        raise RuleBroken(_("这次出诊已经停诊，不能再替诊。"), next_step=_("请给还在等的人另找时间。"))
    if session.starts_at <= at:
        raise RuleBroken(_("这次出诊已经开始，不能再换医生。"), next_step=_("医生中途离开，请停诊，没看的人会另排。"))
    announced = session.practitioner
    chosen = next((one for one in queries.substitutes_for(session) if one.pk == practitioner_id), None)
    if chosen is None:
        raise RuleBroken(
            _("这位医生不能替这一场：要是同一家医院、同一专科、职称不低于%(name)s的执业医师，当天没有请假。")
            % {"name": announced.name},
            next_step=_("请从名单里另选一位。"),
        )
    _sits(session, chosen, reason, by, at)
    for booking in queries.affected_by(session):
        _tell_substituted(booking, announced.name, reason, by, at)
    _ask(session, chosen, announced.name, reason, by, at)
    audit.record("substitute_session", session, by=by, at=at, left=announced.pk, came=chosen.pk)
    return session


def _sits(session: Session, chosen: Practitioner, reason: str, by: Actor, at: datetime) -> None:
    """From now on this doctor sits; the one announced first stands in for nobody. Raises RuleBroken."""
    original = session.stands_in_for or session.practitioner
    stands_in = {"stands_in_for": original, "stands_in_since": at}
    if chosen.pk == original.pk:
        stands_in = {"stands_in_for": None, "stands_in_since": None}
    try:
        with transaction.atomic():
            transition(session, SESSION, "substitute", by=by, at=at, reason=reason, practitioner=chosen, **stands_in)
    except IntegrityError as error:
        if _constraint(error) != "session_practitioner_in_one_place":
            raise
        raise RuleBroken(
            _("%(name)s这段时间已在别处出诊。") % {"name": chosen.name}, next_step=_("请另选一位，或停诊。")
        ) from None


def _ask(session: Session, chosen: Practitioner, announced: str, reason: str, by: Actor, at: datetime) -> None:
    if chosen.user_id is None:
        return
    words = {"when": _when(session.starts_at), "place": session.organization.short_zh, "name": announced}
    messaging.notify(
        cause=f"stand_in:{session.pk}:{at.isoformat()}", kind="stand_in", user_id=chosen.user_id,
        subject=_("请您%(when)s到%(place)s替%(name)s出诊") % words, body=_("原因：%(reason)s。") % {"reason": reason},
        url=f"{reverse('slots-day')}?day={localtime(session.starts_at):%Y-%m-%d}", by=by, at=at,
    )  # fmt: skip


def _tell_substituted(booking: Booking, announced: str, reason: str, by: Actor, at: datetime) -> None:
    words = {
        "name": booking.resident.name, "when": _when(booking.slot.starts_at), "left": announced,
        "came": booking.session.practitioner.name, "reason": reason,
    }  # fmt: skip
    _tell(
        booking.resident, cause=f"substituted:{booking.pk}:{at.isoformat()}", kind="session_substituted",
        subject=_("%(name)s %(when)s改由%(came)s看诊") % words,
        body=_("%(left)s来不了：%(reason)s。号和时间不变；不想换医生可以退号，没来也不计爽约。") % words,
        address=reverse("slots-booking", args=(booking.pk,)), visit=_visit(booking), by=by, at=at,
    )  # fmt: skip
