"""What the desk does when it has no place to give: look for one, send the letter to another house, advise instead.

A patient for whom no place was found is the one who gets lost. The desk takes such a letter on with a clock of its own,
and everybody sees it wait: the desk, the doctor who sent it, and the patient.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import queries as records
from kangqiao.domain.referral import queries
from kangqiao.domain.referral.actions.parts import (
    _check_codes,
    _locked,
    _move,
    _open_to_both,
    _organization,
    _parameters,
    _refuse_other_person,
    _refuse_twin,
    _shut,
    _tell,
    _tell_resident,
)
from kangqiao.domain.referral.actions.reserving import (
    _free_all,
)
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.residents.permissions import is_refused
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def defer_referral(*, referral_id: int, reason: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The desk takes the patient on without a place yet; from now it has a limited time to find one.

    The centre and the patient are told why. Raises AlreadyMoved, and RuleBroken while a place is held.
    """
    referral = _locked(referral_id, "defer", seen_status, by)
    if queries.visit_time(referral) is not None:
        raise RuleBroken(_("已经占了号，可以直接接收。"), next_step=_("请按“接收并占号”。"))
    limit = _parameters(referral.to_organization, at).place_limit(referral.urgency)
    _move(referral, "defer", by=by, at=at, reason=reason, limit=limit, answered_at=at)
    _tell(
        referral, "deferred", referral.from_organization, Role.GP, _("%(hospital)s正在为上转患者找号"), by, at, reason
    )
    _tell_resident(referral, "deferred", _("%(hospital)s正在为您找号"), by, at)
    audit.record("referral.defer", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def redirect_referral(
    *,
    referral_id: int,
    to_organization_id: int,
    specialty: str,
    reason: str,
    is_agreed: bool = False,
    seen_status: str = "",
    by: Actor,
    at: datetime,
) -> Referral:
    """The letter goes on to another hospital or specialty that can take the patient; its clock starts anew there.

    Whoever no longer works on the case no longer sees the resident, and the place held here is free. Where the record
    is partly closed to the new house the summary frozen for the old one does not go along. Raises RuleBroken
    without a reason, when the resident or the sender was not asked, when nothing would change, or where the
    resident refuses that hospital or is on the way to it already; AlreadyMoved.
    """
    referral = _locked(referral_id, "redirect", seen_status, by)
    old, new = referral.to_organization, _organization(to_organization_id)
    if new.kind != Organization.Kind.HOSPITAL:
        raise RuleBroken(_("上转要送到医院。"), next_step=_("请选一家医院。"))
    if (new.pk, specialty) == (old.pk, referral.specialty):
        raise RuleBroken(_("还是原来的医院和专科。"), next_step=_("请另选医院或专科。"))
    if not reason.strip():
        raise RuleBroken(_("没有写改投的原因。"), next_step=_("请写一句，新的医院、转出医生和居民都会看到。"))
    if not is_agreed:
        raise RuleBroken(_("还没有征得居民或转出医生同意。"), next_step=_("请先打电话说好，再勾选。"))
    if is_refused(referral.resident_id, new.pk, at):
        raise RuleBroken(
            _("居民不让%(place)s看自己的档案，不能转到那里。") % {"place": new.zh}, next_step=_("请和居民商量换一家。")
        )
    _check_codes("", specialty)
    _refuse_twin(referral.resident_id, new, specialty, "up")
    _free_all(referral, _("改投别处"), by, at)
    agreement = queries.relation_between(new.pk, referral.from_organization_id, localtime(at).date())
    limit = _parameters(referral.from_organization, at).accept_limit(referral.urgency)
    told = {} if records.protection_of_house(new.pk, referral.resident).hides else referral.summary
    try:
        with transaction.atomic():
            _move(
                referral, "redirect", by=by, at=at, reason=reason, limit=limit, to_organization=new,
                specialty=specialty, agreement=agreement, is_green_channel=agreement is not None, booking=None,
                sent_at=at, answered_at=None, answer_by=at + limit, summary=told,
                summary_sha256=referral.summary_sha256 if told else "",
            )  # fmt: skip
    except IntegrityError:
        _refuse_twin(referral.resident_id, new, specialty, "up")
        raise
    _shut(referral, by, at)
    _open_to_both(referral, by, at)
    _tell(referral, "redirected", new, Role.REFERRAL_DESK, _("改投来一位%(centre)s上转的患者"), by, at, reason)
    _tell(referral, "redirected", referral.from_organization, Role.GP, _("上转已改投%(hospital)s"), by, at, reason)
    _tell_resident(referral, "redirected", _("您的转诊已改送%(hospital)s"), by, at)
    audit.record("referral.redirect", referral, by=by, at=at, resident_id=referral.resident_id, left=old.code)
    return referral


@transaction.atomic
def advise_referral(*, referral_id: int, reply: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The hospital answers with advice: the patient need not come, and the centre knows what to do.

    The place held is free. The doctor who sent the letter reads the advice and closes; whoever disagrees writes a
    new letter. Raises RuleBroken without words or where they name another person, AlreadyMoved.
    """
    referral = _locked(referral_id, "advise", seen_status, by)
    if not reply.strip():
        raise RuleBroken(_("建议还没有写。"), next_step=_("请写明怎么用药、怎么查、什么情况再转上来。"))
    _refuse_other_person(referral, reply)
    _move(referral, "advise", by=by, at=at, reply=reply, answered_at=referral.answered_at or at)
    _free_all(referral, _("医院已给建议"), by, at)
    _tell(referral, "advised", referral.from_organization, Role.GP, _("%(hospital)s给了诊疗建议"), by, at)
    _tell_resident(referral, "advised", _("%(hospital)s给您的医生写了建议，暂不用去医院"), by, at)
    audit.record("referral.advise", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral
