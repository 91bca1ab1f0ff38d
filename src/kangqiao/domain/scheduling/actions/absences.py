"""An absence is answered for: the resident appeals, the desk decides with a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.parts import _allow, _constraint, _locked_booking
from kangqiao.domain.scheduling.actions.telling import _tell
from kangqiao.domain.scheduling.models import Appeal, Booking
from kangqiao.domain.scheduling.states import APPEAL
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken


@transaction.atomic
def appeal_absence(*, booking_id: int, reason: str, by: Actor, at: datetime) -> Appeal:
    """A resident says why they did not come; the place of the visit may see them until it has answered.

    Raises Denied, RuleBroken for a visit that was not missed or when it is too late, Taken when appealed already.
    """
    booking = _locked_booking(booking_id)
    _allow(permissions.can_appeal(by, booking))
    if booking.status != "no_show" or booking.is_emergency:
        raise RuleBroken(_("这次就诊没有记为爽约，不用申诉。"), next_step=_("请回到我的预约查看。"))
    house = booking.session.organization
    terms = queries.absence_terms(house.place.code, at)
    if at >= booking.slot.starts_at + timedelta(days=terms.appeal_days):
        raise RuleBroken(
            _("未到诊%(days)s天内可以申诉，这一次已经过了。") % {"days": terms.appeal_days},
            next_step=_("急着看，请家庭医生或窗口帮您约。"),
        )
    appeal = _renewed(booking, reason, by, at) or _made(booking, reason, by, at)
    residents.grant_basis(
        resident_id=booking.resident_id, kind="booking", source=f"appeal:{appeal.pk}", since=at,
        organization_id=house.pk, by=by, at=at,
    )  # fmt: skip
    audit.record("appeal_absence", appeal, by=by, at=at, resident_id=booking.resident_id, booking_id=booking.pk)
    return appeal


def _made(booking: Booking, reason: str, by: Actor, at: datetime) -> Appeal:
    try:
        with transaction.atomic():
            appeal = Appeal.objects.create(
                booking=booking, resident=booking.resident, organization=booking.session.organization, reason=reason,
                made_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        if _constraint(error) != "scheduling_appeal_booking_id_key":
            raise
        raise Taken(_("这一次已经申诉过了。"), next_step=_("请等出诊机构答复。")) from None
    begin(appeal, APPEAL, by=by, at=at)
    return appeal


def _renewed(booking: Booking, reason: str, by: Actor, at: datetime) -> Appeal | None:
    """The appeal that needed no answer because the absence was taken back; now the visit was missed after all."""
    appeal = Appeal.objects.select_for_update().filter(booking=booking, status="withdrawn").first()
    if appeal is not None:
        transition(appeal, APPEAL, "renew", by=by, at=at, made_at=at, answer="", answered_by="", answered_at=None)
        appeal.reason = reason
        appeal.save(update_fields=("reason",))
    return appeal


def _withdraw_appeal(booking: Booking, by: Actor, at: datetime) -> None:
    """The absence was taken back: what was said to it needs no answer, and the place sees nobody because of it."""
    appeal = Appeal.objects.select_for_update().filter(booking=booking, status=APPEAL.initial).first()
    if appeal is None:
        return
    why = _("未到诊的记录已撤销，申诉不用再答复")
    transition(appeal, APPEAL, "withdraw", by=by, at=at, reason=why, answer=why, answered_by=by.name, answered_at=at)
    _tell_answer(appeal, _("%(name)s的未到诊记录已撤销，不计爽约"), by, at)


@transaction.atomic
def decide_appeal(*, appeal_id: int, is_granted: bool, answer: str, by: Actor, at: datetime) -> Appeal:
    """The place of the visit decides with a reason; granted, the absence counts no longer.

    Raises NotVisible, Denied, AlreadyMoved.
    """
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("resident__centre")
    appeal = rows.filter(pk=appeal_id).first()
    if appeal is None:
        raise NotVisible(_("没有这份申诉，或不由您的机构答复。"), next_step=_("请回到首页查看。"))
    _allow(permissions.can_decide_appeal(by, appeal))
    transition(
        appeal, APPEAL, "grant" if is_granted else "refuse", by=by, at=at, reason=answer, answer=answer,
        answered_by=by.name, answered_at=at,
    )  # fmt: skip
    told = _("%(name)s的申诉已通过，这一次不计爽约") if is_granted else _("%(name)s的申诉没有通过，这一次仍计爽约")
    _tell_answer(appeal, told, by, at)
    audit.record("decide_appeal", appeal, by=by, at=at, resident_id=appeal.resident_id, is_granted=is_granted)
    return appeal


def _tell_answer(appeal: Appeal, told: str, by: Actor, at: datetime) -> None:
    """Whoever acts for the resident reads the answer; until then the house sees who that is, and no longer."""
    _tell(
        appeal.resident, cause=f"appeal:{appeal.pk}:{appeal.status}", kind="appeal_answered",
        subject=told % {"name": appeal.resident.name}, body=appeal.answer, address=reverse("slots-absences"),
        staff_address=reverse("slots-find"), by=by, at=at,
    )  # fmt: skip
    residents.end_basis(source=f"appeal:{appeal.pk}", by=by, at=at)


def _tell_suspension(booking: Booking, by: Actor, at: datetime) -> None:
    """Whoever cannot book online from now on is told why, until when, and what to do."""
    code = booking.session.organization.place.code
    until = queries.suspension_of(booking.resident_id, code, at)
    if until is None:
        return
    terms = queries.absence_terms(code, at)
    words = {
        "name": booking.resident.name, "days": terms.window_days, "limit": terms.limit,
        "until": f"{localtime(until):%Y-%m-%d %H:%M}",
    }  # fmt: skip
    _tell(
        booking.resident, cause=f"suspended:{booking.pk}", kind="booking_suspended",
        subject=_("%(name)s在%(until)s前不能自己在网上预约") % words,
        body=_("%(days)s天内未到诊满%(limit)s次。急着看，可请家庭医生或窗口代约；有原因可以申诉。") % words,
        address=reverse("slots-absences"), staff_address=reverse("slots-find"), by=by, at=at,
    )  # fmt: skip
