"""Every step of a referral, up and down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.reserving import (
    _free_all,
    _miss_all,
    _own_booking,
    _place,
    _points_of,
    _refuse_arrived,
    _refuse_visit_begun,
    _take,
    _wanted,
)
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import is_refused, user_id_of, valid_at
from kangqiao.domain.residents.queries import not_found as no_resident
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.domain.workforce.queries import practitioner_of
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

ITEMS = {
    "patient_identity": gettext_noop("居民身份"),
    "diagnosis": gettext_noop("诊断"),
    "reason": gettext_noop("转诊原因"),
    "history": gettext_noop("病史摘要"),
    "examination": gettext_noop("查体和检查"),
    "medicines": gettext_noop("现用药"),
    "allergies": gettext_noop("过敏史（没有也请写“无”）"),
    "consent": gettext_noop("居民同意"),
}
CHANGEABLE = frozenset({"history", "examination", "question", "medicines", "allergies", "reason", "diagnosis"})


@transaction.atomic
def send_up(
    *,
    resident_id: int,
    to_organization_id: int,
    specialty: str,
    urgency: str = Referral.Urgency.ROUTINE,
    diagnosis: str,
    reason_code: str = "",
    reason: str = "",
    history: str = "",
    examination: str = "",
    question: str = "",
    medicines: str = "",
    allergies: str = "",
    has_consent: bool = False,
    booking_id: int | None = None,
    slot_id: int | None = None,
    parts: Mapping[str, int] | None = None,
    attempt: str = "",
    origin_encounter_id: int | None = None,
    summary: Mapping[str, Any] | None = None,
    by: Actor,
    at: datetime,
) -> Referral:
    """A centre sends a patient up; a paired hospital receives it through the green channel (SZ16-2.2a, ZH-3.2.4b).

    The mark of the green channel follows from the agreements in force; nobody sets it. Both houses may see the
    resident from now until the case ends. The desk's clock starts. A posted expert sends from the visit at the centre
    (SZ16-3.2b). `slot_id` takes a place in the same breath (`attempt` names the sending), `booking_id` brings one;
    `parts` are slots for examinations and a bed by kind (SZ16-2.2c), all taken or none. Raises RuleBroken naming the
    first missing item of the data set (ZH-4.4c), a criterion of the record passed over without a reason, or the open
    referral for the same problem; Taken naming the place that went, with the nearest; Denied, NotVisible. `summary` is
    what the record tells; it travels frozen.
    """
    origin = None if origin_encounter_id is None else _origin_visit(origin_encounter_id, resident_id, by)
    _allow(permissions.can_send_up(by, origin))
    centre = origin.organization if origin and by.role == Role.EXPERT else _organization(by.organization_id)
    hospital = _organization(to_organization_id)
    if hospital.kind != Organization.Kind.HOSPITAL:
        raise RuleBroken(_("上转要送到医院。"), next_step=_("请选一家医院。"))
    resident = _resident(resident_id, centre, hospital, at)
    parameters = _parameters(centre, at)
    given = {
        "patient_identity": bool(resident.identifier), "diagnosis": bool(diagnosis.strip()),
        "reason": bool(reason_code or reason.strip()), "history": bool(history.strip()),
        "examination": bool(examination.strip()), "medicines": bool(medicines.strip()),
        "allergies": bool(allergies.strip()), "consent": has_consent,
    }  # fmt: skip
    _require_whole(parameters, given)
    _check_codes(reason_code, specialty)
    _require_why(summary or {}, reason_code, reason)
    _refuse_twin(resident_id, hospital, specialty, "up")
    agreement = queries.relation_between(hospital.pk, centre.pk, localtime(at).date())
    wanted = _wanted(slot_id, parts or {}, hospital, is_green=agreement is not None)
    taken = _take(wanted, resident_id=resident_id, centre=centre, attempt=attempt, urgency=urgency, by=by, at=at)
    visit = taken.pop("", None) or _own_booking(booking_id, resident_id, hospital.pk, at)
    referral = _create(
        direction="up", resident=resident, from_organization=centre, to_organization=hospital,
        from_practitioner=_doctor(by), agreement=agreement, is_green_channel=agreement is not None,
        origin_encounter=origin, specialty=specialty, urgency=Referral.Urgency(urgency).value, diagnosis=diagnosis,
        reason_code=reason_code, reason=reason, history=history, examination=examination, question=question,
        medicines=medicines, allergies=allergies, has_consent=has_consent,
        booking=visit, status=UP.initial, sent_at=at, limit=parameters.accept_limit(urgency),
        policy_ref=parameters.ref, points=_points_of(resident, urgency, reason_code, parameters, at),
        summary=summary or {}, summary_sha256=rules.digest(summary) if summary else "",
    )  # fmt: skip
    begin(referral, UP, by=by, at=at)
    Part.objects.bulk_create(Part(referral=referral, kind=kind, booking=one) for kind, one in taken.items())
    _open_to_both(referral, by, at)
    _tell(referral, "sent", hospital, Role.REFERRAL_DESK, _("%(centre)s上转一位患者"), by, at)
    audit.record("referral.send_up", referral, by=by, at=at, resident_id=resident_id, policy_ref=parameters.ref)
    return referral


@transaction.atomic
def accept_referral(
    *, referral_id: int, slot_id: int | None = None, seen_status: str = "", by: Actor, at: datetime
) -> Referral:
    """The desk takes the patient, with the place the GP reserved or one it names; the answer stops the clock.

    An emergency may come at once, without a place. `seen_status` is the state the person saw (here and below): whoever
    decided on an older one is told who was faster. Raises RuleBroken when there is no place at all, Taken when the
    named one has just gone, AlreadyMoved.
    """
    referral = _locked(referral_id, "accept", seen_status, by)
    booking = _place(referral, slot_id, by, at)
    if booking is None and referral.urgency != Referral.Urgency.EMERGENCY:
        raise RuleBroken(_("还没有给这位患者占号。"), next_step=_("请选一个预留号再接收。"), clause="ZH-3.2.4b")
    _move(referral, "accept", by=by, at=at, booking=booking, answered_at=at)
    _tell(referral, "accepted", referral.from_organization, Role.GP, _("%(hospital)s已接收上转"), by, at)
    _tell_resident(referral, "accepted", _("%(hospital)s已接收您的转诊"), by, at)
    audit.record("referral.accept", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def rebook_referral(*, referral_id: int, slot_id: int, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The desk moves an accepted patient to another place: both change, or neither. Raises Taken, AlreadyMoved."""
    referral = _locked(referral_id, "rebook", seen_status, by)
    _refuse_visit_begun(referral)
    _move(referral, "rebook", by=by, at=at, booking=_place(referral, slot_id, by, at))
    _tell(referral, "rebooked", referral.from_organization, Role.GP, _("%(hospital)s改了就诊时间"), by, at)
    _tell_resident(referral, "rebooked", _("%(hospital)s改了您的就诊时间"), by, at)
    audit.record("referral.rebook", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def return_referral(*, referral_id: int, reason: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The desk sends it back with a reason and what to do instead; the reserved place is free again."""
    referral = _locked(referral_id, "return", seen_status, by)
    _refuse_arrived(referral)
    _move(referral, "return", by=by, at=at, reason=reason, answered_at=referral.answered_at or at)
    _free_all(referral, reason, by, at)
    _tell(referral, "returned", referral.from_organization, Role.GP, _("%(hospital)s退回上转"), by, at, reason)
    audit.record("referral.return", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def resend_referral(*, referral_id: int, seen_status: str = "", by: Actor, at: datetime, **changes: str) -> Referral:
    """The GP completes a returned referral and sends it again; the desk's clock starts anew.

    `changes` may hold history, examination, question, medicines, allergies, reason, diagnosis. Raises RuleBroken.
    """
    referral = _locked(referral_id, "resend", seen_status, by)
    if unknown := set(changes) - CHANGEABLE:
        raise RuleBroken(_("这些内容不能在重送时修改：%(names)s。") % {"names": "、".join(sorted(unknown))})
    parameters = _parameters(referral.from_organization, at)
    whole = dict.fromkeys(ITEMS, True)
    whole |= {name: bool(changes.get(name, getattr(referral, name)).strip()) for name in CHANGEABLE & set(ITEMS)}
    whole["reason"] |= bool(referral.reason_code)
    _require_whole(parameters, whole)
    limit = parameters.accept_limit(referral.urgency)
    _move(referral, "resend", by=by, at=at, limit=limit, sent_at=at, answered_at=None, answer_by=at + limit, **changes)
    _tell(referral, "resent", referral.to_organization, Role.REFERRAL_DESK, _("%(centre)s补充后再次上转"), by, at)
    audit.record("referral.resend", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def withdraw_referral(*, referral_id: int, reason: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The sender takes it back with a reason; the place is free and the other side no longer sees the resident."""
    referral = _locked(referral_id, "withdraw", seen_status, by)
    _refuse_arrived(referral)
    _move(referral, "withdraw", by=by, at=at, reason=reason)
    _free_all(referral, reason, by, at)
    _shut(referral, by, at)
    up = referral.direction == Referral.Direction.UP
    words = _("%(centre)s撤回上转") if up else _("%(hospital)s撤回下转")
    _tell(referral, "withdrawn", referral.to_organization, Role.REFERRAL_DESK if up else Role.GP, words, by, at, reason)
    audit.record("referral.withdraw", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def confirm_visit(*, referral_id: int, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The patient has come and been seen: the visit enters the record and the clock for the summary starts.

    On the day of the place taken; an emergency without a place, at once. A visit that the clinic has completed already
    is taken as it is. Raises RuleBroken on another day.
    """
    referral = _locked(referral_id, "see", seen_status, by)
    encounter = _visit(referral, by, at)
    limit = _parameters(referral.to_organization, at).summary_limit(referral.urgency)
    _move(referral, "see", by=by, at=at, limit=limit, encounter=encounter, arrived_at=referral.arrived_at or at)
    _tell(referral, "seen", referral.from_organization, Role.GP, _("上转患者已到%(hospital)s就诊"), by, at)
    audit.record("referral.see", referral, by=by, at=at, resident_id=referral.resident_id, encounter_id=encounter.pk)
    return referral


@transaction.atomic
def mark_not_attended(*, referral_id: int, reason: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The patient did not come; the centre is told, so that nobody is lost between two buildings.

    Examinations and beds whose time has passed are missed like the visit; what lies ahead is free again. Raises
    RuleBroken for who has come, and before the grace after a booked time is over; AlreadyMoved.
    """
    referral = _locked(referral_id, "not_attend", seen_status, by)
    _refuse_arrived(referral)
    _miss_all(referral, by, at)
    _move(referral, "not_attend", by=by, at=at, reason=reason)
    _free_all(referral, reason, by, at)
    _shut(referral, by, at)
    _tell(referral, "missed", referral.from_organization, Role.GP, _("上转患者未到%(hospital)s就诊"), by, at, reason)
    audit.record("referral.not_attend", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def return_summary(*, referral_id: int, reply: str, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The hospital writes what was found and done; the letter enters the record and goes back to the centre."""
    referral = _locked(referral_id, "summarise", seen_status, by)
    records.write_document(
        resident_id=referral.resident_id, kind=Document.Kind.VISIT_SUMMARY, text=reply,
        organization_id=referral.to_organization_id, encounter_id=referral.encounter_id, by=by, at=at,
    )  # fmt: skip
    _move(referral, "summarise", by=by, at=at, reply=reply)
    _tell(referral, "summary", referral.from_organization, Role.GP, _("%(hospital)s已回信"), by, at)
    audit.record("referral.summarise", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def close_referral(*, referral_id: int, seen_status: str = "", by: Actor, at: datetime) -> Referral:
    """The GP has read the summary; the case ends, and the basis of referral the stated time after it."""
    referral = _locked(referral_id, "close", seen_status, by)
    _move(referral, "close", by=by, at=at)
    _close(referral, by, at)
    audit.record("referral.close", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


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


@transaction.atomic
def escalate_overdue(*, by: Actor, at: datetime) -> int:
    """Whoever owes the next step is reminded when part of the limit is used, the supervisor told when it is all used.

    The shares come from the pack; each is told once per state and limit (ZH-4.4c). Returns how many were told.
    """
    told = 0
    for referral in queries.on_the_clock():
        parameters, clock = _parameters(referral.from_organization, at), queries.clock_of(referral, at)
        used = clock.used_percent if clock else 0
        at_hospital = queries.state_of(referral).owner in ("desk", "specialist")
        if used >= parameters.escalate_percent.integer():
            role = Role.GUIDANCE_OFFICE if at_hospital else Role.CENTRE_MANAGER
            told += _press(referral, "overdue", role, _("转诊单%(number)s超过时限：%(state)s"), by, at)
        elif used >= parameters.remind_percent.integer():
            role = Role.REFERRAL_DESK if at_hospital else Role.GP
            told += _press(referral, "remind", role, _("转诊单%(number)s时限已过半：%(state)s"), by, at)
    return told


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _organization(organization_id: int | None) -> Organization:
    found = Organization.objects.select_related("place", "part_of__place").filter(pk=organization_id or 0).first()
    if found is None:
        raise NotVisible(_("没有这家机构。"), next_step=_("请重新选择。"))
    return found


def _hospital_of(by: Actor) -> Organization:
    own = _organization(by.organization_id)
    return own if own.kind == Organization.Kind.HOSPITAL or own.part_of is None else own.part_of


def _resident(resident_id: int, sender: Organization, receiver: Organization, at: datetime) -> Resident:
    held = valid_at(at).filter(resident_id=resident_id, organization_id=sender.pk)
    found = Resident.objects.filter(pk=resident_id, pk__in=held.values("resident_id")).first()
    if found is None or is_refused(resident_id, sender.pk, at):
        raise no_resident()
    if is_refused(resident_id, receiver.pk, at):
        raise RuleBroken(
            _("居民不让%(place)s看自己的档案，不能转到那里。") % {"place": receiver.zh},
            next_step=_("请和居民商量换一家，或请居民先在“我的授权”里撤回拒绝。"),
        )
    if found.deceased_on is not None:
        raise RuleBroken(_("这位居民已登记死亡，不能转诊。"), next_step=_("请核对居民档案。"))
    return found


def _doctor(by: Actor) -> Practitioner | None:
    user_id = user_id_of(by)
    return None if user_id is None else practitioner_of(user_id)


def _origin_visit(encounter_id: int, resident_id: int, by: Actor) -> Encounter:
    """The visit named as origin: at the sender's own centre, or the expert's own at whichever centre it was."""
    visit = queries.origin_visit(encounter_id, resident_id)
    expert = None if visit is None or visit.practitioner is None else visit.practitioner.user_id
    own = expert is not None and expert == user_id_of(by) if by.role == Role.EXPERT else False
    if visit is None or not (own or visit.organization_id == by.organization_id):
        raise RuleBroken(_("起因的就诊不是这位居民在本中心的。"), next_step=_("请从当次就诊发起上转。"))
    return visit


def _parameters(organization: Organization, at: datetime) -> ReferralParameters:
    return ReferralParameters.read(policy.at(place=organization.place.code, date=localtime(at).date()))


def _require_whole(parameters: ReferralParameters, given: dict[str, bool]) -> None:
    missing = rules.missing_items([str(item) for item in parameters.required_items.list_()], given)
    if missing:
        raise RuleBroken(
            _("转诊资料还缺%(count)s项，先补“%(first)s”。") % {"count": len(missing), "first": _(ITEMS[missing[0]])},
            next_step=_("补齐后再发送，已填的内容都在。"),
            clause=parameters.required_items.clause,
        )


def _require_plan(plan: str, medicines: str) -> None:
    if not (plan.strip() and medicines.strip()):
        raise RuleBroken(_("下转要写明现用药和随访计划。"), next_step=_("请补齐后再送。"), clause="ZH-4.4b")


def _require_why(summary: Mapping[str, Any], reason_code: str, reason: str) -> None:
    """Whoever passes over what the record speaks for says why."""
    codes = [one["code"] for one in summary.get("criteria", ())]
    if codes and reason_code not in codes and not reason.strip():
        raise RuleBroken(
            _("档案里符合“%(one)s”，您选了别的条件。") % {"one": terminology.label("referral_reason", codes[0])},
            next_step=_("请改选这一条，或在“转诊原因”里写一句为什么。"), clause="ZH-4.4b",
        )  # fmt: skip


def _check_codes(reason_code: str, specialty: str) -> None:
    if reason_code:
        terminology.concept("referral_reason", reason_code)
    terminology.concept("specialty", specialty)


def _refuse_twin(resident_id: int, to: Organization, specialty: str, direction: str) -> None:
    twin = queries.open_twin(resident_id, to.pk, specialty, direction)
    if twin is not None:
        raise RuleBroken(
            _("这位居民已有一张未结束的转诊单 %(number)s（%(place)s）。") % {"number": twin.number, "place": to.zh},
            next_step=_("请打开那张转诊单继续。"),
        )


def _create(*, limit: timedelta, **fields: Any) -> Referral:
    at = fields["sent_at"]
    number = queries.next_number(fields["from_organization"].place.code[:4], localtime(at).date())
    clock = {"clock_from": at, "due_at": at + limit, "answer_by": at + limit}
    try:
        with transaction.atomic():
            return Referral.objects.create(number=number, **clock, **fields)
    except IntegrityError as error:
        if "referral_open_once" not in str(error):
            raise
        _refuse_twin(fields["resident"].pk, fields["to_organization"], fields["specialty"], fields["direction"])
        raise


def _locked(referral_id: int, action: str, seen_status: str, by: Actor) -> Referral:
    """The row, locked; only then is it known who was first. The other house's step is denied, a stranger sees none."""
    referral, sides = _held(referral_id, by)
    table = queries.table_of(referral)
    step = next((step for step in table.steps if step.action == action), None)
    if step is None:
        raise RuleBroken(_("%(table)s没有这一步。") % {"table": _(table.zh)}, next_step=_("请打开转诊单查看能做什么。"))
    if not sides.intersection(step.parties):
        raise Denied(_("“%(step)s”由对方处理。") % {"step": step.zh}, next_step=_("请等对方处理，或打电话联系。"))
    if seen_status not in ("", referral.status) or referral.status not in step.sources:
        raise moved_meanwhile(referral, table)
    return referral


def _held(referral_id: int, by: Actor) -> tuple[Referral, set[str]]:
    """The row, locked, and which of its parties the actor is."""
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related(
            "from_organization__place", "to_organization__place", "resident", "booking__slot", "booking__session"
        )
        .filter(pk=referral_id)
        .first()
    )
    sides = set() if referral is None else permissions.parties(by, referral, queries.own_bodies(by.organization_id))
    if referral is None or not sides:
        raise queries.not_found()
    return referral, sides


def _move(
    referral: Referral,
    action: str,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    limit: timedelta | None = None,
    **fields: Any,
) -> None:
    """One step of the table; the clock of the new state starts, or none runs."""
    due = None if limit is None else at + limit
    table = queries.table_of(referral)
    transition(referral, table, action, by=by, at=at, reason=reason, clock_from=at, due_at=due, **fields)


def _visit(referral: Referral, by: Actor, at: datetime) -> Encounter:
    booking = referral.booking
    desk = permissions.at_the_desk(by, referral.to_organization)
    if booking is None:
        return _encounter(referral, referral.to_organization_id, None, "", desk, at)
    done = queries.visit_of(booking) if booking.status == "fulfilled" else None
    if done is not None:
        return done
    if booking.status not in ("booked", "arrived"):
        raise RuleBroken(
            _("%(when)s的号已经取消。") % {"when": date_format(localtime(booking.slot.starts_at), "m-d H:i")},
            next_step=_("请先改期，再确认就诊。"),
        )
    code = referral.diagnosis if len(referral.diagnosis) <= _longest_diagnosis() else ""
    return scheduling.fulfil_booking(booking_id=booking.pk, diagnosis=code, by=desk, at=at)


def _encounter(
    referral: Referral, organization_id: int, doctor: Practitioner | None, note: str, by: Actor, at: datetime
) -> Encounter:
    return records.record_encounter(
        resident_id=referral.resident_id, organization_id=organization_id,
        practitioner_id=doctor.pk if doctor else None, specialty=referral.specialty, started_at=at,
        origin=Encounter.Origin.REFERRAL, summary=note, by=by, at=at,
        diagnosis=referral.diagnosis if len(referral.diagnosis) <= _longest_diagnosis() else "",
    )  # fmt: skip


def _longest_diagnosis() -> int:
    """The record holds a code or a short name; a longer text stays in the letter."""
    return Encounter._meta.get_field("diagnosis").max_length or 0


def _open_to_both(referral: Referral, by: Actor, at: datetime) -> None:
    for house in (referral.from_organization, referral.to_organization):
        for organization_id in queries.house_of(house):
            residents.grant_basis(
                resident_id=referral.resident_id, kind="referral", source=f"referral:{referral.pk}", since=at,
                organization_id=organization_id, by=by, at=at,
            )  # fmt: skip


def _close(referral: Referral, by: Actor, at: datetime) -> None:
    """The case is over: both houses may still look for the stated time, to answer questions and finish letters."""
    after = access_at(referral.to_organization.place.code, localtime(at).date()).after
    residents.end_basis(source=f"referral:{referral.pk}", until=at + after, by=by, at=at)


def _shut(referral: Referral, by: Actor, at: datetime) -> None:
    """The case never came about: nobody looks because of it any more."""
    residents.end_basis(source=f"referral:{referral.pk}", by=by, at=at)


def _file_plan(referral: Referral, by: Actor, at: datetime) -> None:
    records.write_document(
        resident_id=referral.resident_id, kind=Document.Kind.CARE_PLAN, text=referral.plan,
        organization_id=referral.from_organization_id, by=by, at=at,
    )  # fmt: skip


def _tell(
    referral: Referral, event: str, to: Organization, role: str, words: str, by: Actor, at: datetime, why: str = ""
) -> None:
    """A notice to that role of the house; a guidance office of its own is told as a whole."""
    for organization_id in queries.house_of(to):
        messaging.notify(
            cause=f"referral:{referral.pk}:{event}:{organization_id}:{at.timestamp():.6f}", kind="referral",
            subject=words % _names(referral), body=why, url=f"/referrals/{referral.pk}/",
            organization_id=organization_id, role=role if organization_id == to.pk else "", by=by, at=at,
        )  # fmt: skip


def _tell_resident(referral: Referral, event: str, words: str, by: Actor, at: datetime) -> None:
    booking = referral.booking
    when = "" if booking is None else _("就诊时间%(when)s。") % {
        "when": date_format(localtime(booking.slot.starts_at), "m-d H:i")
    }  # fmt: skip
    if referral.resident.user_id is not None:
        messaging.notify(
            cause=f"referral:{referral.pk}:{event}:resident:{at.timestamp():.6f}", kind="referral",
            subject=words % _names(referral), body=when, url=f"/referrals/{referral.pk}/",
            user_id=referral.resident.user_id, by=by, at=at,
        )  # fmt: skip


def _press(referral: Referral, event: str, role: str, words: str, by: Actor, at: datetime) -> int:
    """Tells the house that owes the next step, once per state and limit; 1 when it was news."""
    at_hospital = queries.state_of(referral).owner in ("desk", "specialist")
    wanted = permissions.hospital_of(referral) if at_hospital else permissions.centre_of(referral)
    ends = (referral.from_organization, referral.to_organization)
    house = next(end for end in ends if end.pk == wanted)
    names = {"number": referral.number, "state": queries.state_of(referral).zh}
    news = [
        messaging.notify(
            cause=f"referral-{event}:{referral.pk}:{referral.status}:{referral.due_at:%Y%m%d%H%M%S}:{organization_id}",
            kind=event, subject=words % names, url=f"/referrals/{referral.pk}/", organization_id=organization_id,
            role=role if organization_id == house.pk else "", clause="ZH-4.4c", by=by, at=at,
        )
        for organization_id in queries.house_of(house)
    ]  # fmt: skip
    return int(any(news))


def _names(referral: Referral) -> dict[str, str]:
    up = referral.direction == Referral.Direction.UP
    centre, hospital = referral.from_organization, referral.to_organization
    if not up:
        centre, hospital = hospital, centre
    return {"centre": centre.short_zh or centre.zh, "hospital": hospital.short_zh or hospital.zh}


def import_past(*, referrals: Sequence[Referral], by: Actor, at: datetime) -> None:
    """Referrals of the past are read in as they ended; one audit row stands for all.

    Only a named job may. They grant nobody a basis: the cases are over. Raises Denied.
    """
    if not by.is_system:
        raise Denied(_("历史转诊只能由导入任务写入。"))
    with transaction.atomic():
        Referral.objects.bulk_create(referrals, batch_size=2000)
        audit.record("referral.import_past", Referral(), by=by, at=at, rows=len(referrals))
