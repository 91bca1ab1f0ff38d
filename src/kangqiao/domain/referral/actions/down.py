"""Every step of a down-referral: proposed, taken over or declined, and the first contact at the centre."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Document
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.parts import (
    _allow,
    _check_codes,
    _close,
    _create,
    _doctor,
    _encounter,
    _locked,
    _move,
    _open_to_both,
    _organization,
    _parameters,
    _refuse_twin,
    _resident,
    _tell,
    _tell_resident,
)
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.states import DOWN
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def propose_down(
    *,
    resident_id: int,
    to_organization_id: int,
    specialty: str,
    urgency: str = Referral.Urgency.ROUTINE,
    diagnosis: str,
    reason_code: str = "",
    reason: str = "",
    medicines: str,
    plan: str,
    has_consent: bool = False,
    origin_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Referral:
    """The hospital hands a patient back with medicines and a plan; the centre answers within its limit (ZH-4.4b).

    `reason_code` names the criterion met, `plan` says what to watch, when, and when to send the patient up again.
    Raises RuleBroken without criterion, medicines or plan, and when the same hand-over is already open.
    """
    _allow(permissions.can_send_down(by))
    hospital, centre = _hospital_of(by), _organization(to_organization_id)
    if centre.kind != Organization.Kind.CENTRE:
        raise RuleBroken(_("下转要送到社区卫生服务中心。"), next_step=_("请选一家中心。"))
    resident = _resident(resident_id, hospital, centre, at)
    _require_plan(plan, medicines)
    if reason_code not in rules.DOWN_CRITERIA:
        raise RuleBroken(_("还没有选下转符合的条件。"), next_step=_("请选一条，再送中心。"), clause="ZH-4.4b")
    _check_codes(reason_code, specialty)
    _refuse_twin(resident_id, centre, specialty, "down")
    parameters = _parameters(centre, at)
    origin = None if origin_id is None else queries.origin_case(origin_id, resident_id, hospital.pk)
    if origin_id is not None and origin is None:
        raise RuleBroken(_("接续的转诊单不是这位居民的。"), next_step=_("请从患者的转诊单里发起下转。"))
    referral = _create(
        direction="down", resident=resident, from_organization=hospital, to_organization=centre, origin=origin,
        from_practitioner=_doctor(by), specialty=specialty, urgency=Referral.Urgency(urgency).value,
        agreement=queries.relation_between(hospital.pk, centre.pk, localtime(at).date()), diagnosis=diagnosis,
        reason_code=reason_code, reason=reason, medicines=medicines, plan=plan, has_consent=has_consent,
        status=DOWN.initial, sent_at=at, limit=parameters.down_limit(urgency), policy_ref=parameters.ref,
    )  # fmt: skip
    begin(referral, DOWN, by=by, at=at)
    _open_to_both(referral, by, at)
    _file_plan(referral, by, at)
    _tell(referral, "proposed", centre, Role.GP, _("%(hospital)s下转一位患者"), by, at)
    audit.record("referral.propose_down", referral, by=by, at=at, resident_id=resident_id, policy_ref=parameters.ref)
    return referral


@transaction.atomic
def take_over(*, referral_id: int, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The centre takes the patient over; the clock for the first contact starts."""
    referral = _locked(referral_id, "take_over", seen_status, by)
    limit = _parameters(referral.to_organization, at).first_contact_limit
    _move(referral, "take_over", by=by, at=at, limit=limit, answered_at=at)
    _tell(referral, "taken", referral.from_organization, Role.REFERRAL_DESK, _("%(centre)s已接收下转"), by, at)
    _tell_resident(referral, "taken", _("%(centre)s已接您回社区随访"), by, at)
    audit.record("referral.take_over", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def decline_down(*, referral_id: int, reason: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The centre cannot take the patient and says why; the hospital keeps the custody."""
    referral = _locked(referral_id, "decline", seen_status, by)
    _move(referral, "decline", by=by, at=at, reason=reason, answered_at=at)
    hospital, words = referral.from_organization, _("%(centre)s未接收下转")
    _tell(referral, "declined", hospital, Role.REFERRAL_DESK, words, by, at, reason)
    audit.record("referral.decline", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def propose_again(
    *, referral_id: int, plan: str, medicines: str, seen_status: str = "", by: Actor, at: datetime
) -> Referral:
    """The hospital completes a declined hand-over and sends it again."""
    referral = _locked(referral_id, "propose_again", seen_status, by)
    _require_plan(plan, medicines)
    limit = _parameters(referral.to_organization, at).down_limit(referral.urgency)
    _move(
        referral, "propose_again", by=by, at=at, limit=limit, plan=plan, medicines=medicines, sent_at=at,
        answered_at=None, answer_by=at + limit,
    )  # fmt: skip
    _file_plan(referral, by, at)
    _tell(referral, "again", referral.to_organization, Role.GP, _("%(hospital)s补充后再次下转"), by, at)
    audit.record("referral.propose_again", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def record_first_contact(*, referral_id: int, note: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The centre has seen or called the patient: the contact enters the record and the hand-over is complete."""
    referral = _locked(referral_id, "follow_up", seen_status, by)
    if not note.strip():
        raise RuleBroken(_("请写下首次随访的情况。"), next_step=_("写一两句即可。"))
    encounter = _encounter(referral, referral.to_organization_id, _doctor(by), note, by, at)
    _move(referral, "follow_up", by=by, at=at, encounter=encounter)
    _close(referral, by, at)
    _tell(referral, "followed", referral.from_organization, Role.REFERRAL_DESK, _("%(centre)s已首次随访"), by, at)
    audit.record("referral.follow_up", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


def _hospital_of(by: Actor) -> Organization:
    own = _organization(by.organization_id)
    return own if own.kind == Organization.Kind.HOSPITAL or own.part_of is None else own.part_of


def _require_plan(plan: str, medicines: str) -> None:
    if not (plan.strip() and medicines.strip()):
        raise RuleBroken(_("下转要写明现用药和随访计划。"), next_step=_("请补齐后再送。"), clause="ZH-4.4b")


def _file_plan(referral: Referral, by: Actor, at: datetime) -> None:
    records.write_document(
        resident_id=referral.resident_id, kind=Document.Kind.CARE_PLAN, text=referral.plan,
        organization_id=referral.from_organization_id, by=by, at=at,
    )  # fmt: skip
