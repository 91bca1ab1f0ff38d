"""Somebody is added beyond the places of a session, by a named right and with a reason (加号)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.booking import NOT_TWICE, _allowed_resident, _replay, _serve_lines, _settle
from kangqiao.domain.scheduling.actions.parts import _allow, _constraint, _lock_resident, _see
from kangqiao.domain.scheduling.models import Booking, OverbookRight, Session, Slot
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.errors import RuleBroken, Taken


@transaction.atomic
def name_right(
    *, organization_id: int, user_id: int, since: date, until: date, reason: str, by: Actor, at: datetime
) -> OverbookRight:  # fmt: skip
    """A hospital names who may add patients beyond the places, from a day until another, and why.

    `until` is the first day without it. Raises Denied, RuleBroken for days past, a person of elsewhere, or a second
    right at once.
    """
    house, today = organization_by_id(organization_id), localtime(at).date()
    _allow(permissions.can_name_right(by, house))
    if since < today or until <= since:
        raise RuleBroken(_("从今天或以后起，最后一天不早于第一天。"), next_step=_("请改日子，再保存。"))
    if user_id not in {one.pk for one in queries.people_to_name(house, today)}:
        raise RuleBroken(_("这个人不是本院的医生或窗口人员。"), next_step=_("请从名单里选。"))
    values = {"since": since, "until": until, "reason": reason, "set_by": by.name, "set_at": at}
    try:
        with transaction.atomic():
            right = OverbookRight.objects.create(organization=house, user_id=user_id, **values)
    except IntegrityError as error:
        if _constraint(error) != "overbook_right_one_at_a_time":
            raise
        raise RuleBroken(_("这个人这段时间已有加号权。"), next_step=_("请先结束原来的，或从它结束以后起。")) from None
    audit.record("name_right", right, by=by, at=at, organization_id=house.pk, user_id=user_id)
    return right


@transaction.atomic
def end_right(*, right_id: int, by: Actor, at: datetime) -> OverbookRight:
    """From now on nobody is added by this right; whoever was, keeps the place. Raises NotVisible."""
    right = OverbookRight.objects.select_for_update().get(pk=queries.get_right(by, right_id).pk)
    right.until = max(right.since, min(right.until, localtime(at).date()))
    right.save(update_fields=("until",))
    audit.record("end_right", right, by=by, at=at, organization_id=right.organization_id)
    return right


def overbook(*, session_id: int, resident_id: int, reason: str, attempt: str, by: Actor, at: datetime) -> Booking:
    """A resident is added beyond the places of a session, after everybody else; sent twice it is one booking.

    It is a booking like any other but for the counts of places and pools. How many there may be in a session stands in
    the row of its last time, which decides between two at once. Raises Denied, RuleBroken when places are free, the
    session is over or called off, or as many were added as may be; as `book` does about the resident.
    """
    session, last = queries.get_session(session_id), queries.last_slot(session_id)
    right = queries.right_of(by, session.organization_id, localtime(at).date())
    _allow(permissions.can_add_beyond(by, session, has_right=right is not None))
    if last is None or right is None:
        raise RuleBroken(_("这一场没有号，加不了。"), next_step=_("请另选一场。"))
    earlier = _replay(last.pk, resident_id, attempt)
    if earlier is not None:
        return earlier
    values = {"right": right, "extra_reason": reason, "attempt": attempt, "booked_by": by.name, "booked_at": at}
    try:
        with transaction.atomic():
            resident, _standing = _allowed_resident(last.pk, resident_id, Booking.Channel.GP, None, by, at)
            _lock_resident(resident_id)
            _secure(session, last, at)
            booking = Booking.objects.create(
                slot=last, session=session, resident=resident, channel=Booking.Channel.GP, **values
            )
            return _told(booking, resident, right, by, at)
    except IntegrityError as error:
        if _constraint(error) not in NOT_TWICE:
            raise
    raise RuleBroken(_("这位居民在这一场已经有号。"), next_step=_("请在日视图里查看。"))


def _secure(session: Session, last: Slot, at: datetime) -> None:
    """One more beyond the places. The session is share-locked before its slot, as for every booking."""
    (locked,) = queries.shared_sessions([session.pk])
    if locked.status != "open" or locked.ends_at <= at:
        raise RuleBroken(_("这一场已停诊或已经结束。"), next_step=_("请另选一场。"))
    if queries.has_free(session.pk, at):
        raise RuleBroken(_("这一场还有空号，不用加号。"), next_step=_("请直接预约空着的时间。"))
    most = queries.most_beyond(session)
    if not Slot.objects.filter(pk=last.pk, extra__lt=most).update(extra=F("extra") + 1):
        raise Taken(_("这一场已经加满%(most)s个号。") % {"most": most}, next_step=_("请另选一场，或排候补。"))


def _told(booking: Booking, resident: Resident, right: OverbookRight, by: Actor, at: datetime) -> Booking:
    """History, basis and trace of a booking that was added; lines and what was owed are settled as for any other."""
    begin(booking, BOOKING, by=by, at=at)
    _see(booking, by, at)
    audit.record(
        "overbook", booking, by=by, at=at, resident_id=resident.pk, policy_ref=booking.session.policy_ref,
        slot_id=booking.slot_id, right_id=right.pk, basis_of=booking.session.organization_id,
    )  # fmt: skip
    if resident.is_in_line:  # type: ignore[attr-defined] # from resident_to_book
        _serve_lines(booking.slot_id, resident.pk, by, at)
    if resident.is_displaced:  # type: ignore[attr-defined] # from resident_to_book
        _settle(booking, None, by, at)
    return booking
