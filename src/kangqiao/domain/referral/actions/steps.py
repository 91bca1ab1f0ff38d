"""Every step of an up-referral, and the clocks of all referrals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.parts import (
    ITEMS,
    _allow,
    _check_codes,
    _close,
    _create,
    _doctor,
    _encounter,
    _locked,
    _longest_diagnosis,
    _move,
    _open_to_both,
    _organization,
    _parameters,
    _press,
    _refuse_other_person,
    _refuse_twin,
    _resident,
    _shut,
    _tell,
    _tell_resident,
)
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
from kangqiao.domain.referral.states import UP
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.terminology import queries as terminology
from kangqiao.kernel.errors import Denied, RuleBroken
from kangqiao.policy import Value

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
    is_from_school: bool = False,
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
    what the record tells; it travels frozen. `is_from_school` asks for the few items of a school's emergency alone
    (FT18-2.3d).
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
    _require_whole(parameters.school_items if is_from_school else parameters.required_items, given)
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
    _require_whole(parameters.required_items, whole)
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
    """The hospital writes what was found and done; the letter enters the record and goes back to the centre.

    Raises AlreadyMoved, RuleBroken without words and for a letter that names another person.
    """
    referral = _locked(referral_id, "summarise", seen_status, by)
    _refuse_other_person(referral, reply)
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


def import_past(*, referrals: Sequence[Referral], by: Actor, at: datetime) -> None:
    """Referrals of the past are read in as they ended; one audit row stands for all.

    Only a named job may. They grant nobody a basis: the cases are over. Raises Denied.
    """
    if not by.is_system:
        raise Denied(_("历史转诊只能由导入任务写入。"))
    with transaction.atomic():
        Referral.objects.bulk_create(referrals, batch_size=2000)
        audit.record("referral.import_past", Referral(), by=by, at=at, rows=len(referrals))


def _origin_visit(encounter_id: int, resident_id: int, by: Actor) -> Encounter:
    """The visit named as origin: at the sender's own centre, or the expert's own at whichever centre it was."""
    visit = queries.origin_visit(encounter_id, resident_id)
    expert = None if visit is None or visit.practitioner is None else visit.practitioner.user_id
    own = expert is not None and expert == user_id_of(by) if by.role == Role.EXPERT else False
    if visit is None or not (own or visit.organization_id == by.organization_id):
        raise RuleBroken(_("起因的就诊不是这位居民在本中心的。"), next_step=_("请从当次就诊发起上转。"))
    return visit


def _require_whole(required: Value, given: dict[str, bool]) -> None:
    missing = rules.missing_items([str(item) for item in required.list_()], given)
    if missing:
        raise RuleBroken(
            _("转诊资料还缺%(count)s项，先补“%(first)s”。") % {"count": len(missing), "first": _(ITEMS[missing[0]])},
            next_step=_("补齐后再发送，已填的内容都在。"),
            clause=required.clause,
        )


def _require_why(summary: Mapping[str, Any], reason_code: str, reason: str) -> None:
    """Whoever passes over what the record speaks for says why."""
    codes = [one["code"] for one in summary.get("criteria", ())]
    if codes and reason_code not in codes and not reason.strip():
        raise RuleBroken(
            _("档案里符合“%(one)s”，您选了别的条件。") % {"one": terminology.label("referral_reason", codes[0])},
            next_step=_("请改选这一条，或在“转诊原因”里写一句为什么。"), clause="ZH-4.4b",
        )  # fmt: skip


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
