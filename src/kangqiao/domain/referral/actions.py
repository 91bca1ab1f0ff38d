"""Every step of a referral, up and down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.workforce.queries import practitioner_of
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken

ITEMS = {
    "patient_identity": "居民身份",
    "diagnosis": "诊断",
    "reason": "转诊原因",
    "history": "病史摘要",
    "examination": "查体和检查",
    "medicines": "现用药",
    "allergies": "过敏史（没有也请写“无”）",
    "consent": "居民同意",
}


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
    origin_encounter_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Referral:
    """A centre sends a patient up; a paired hospital receives it through the green channel (SZ16-2.2a, ZH-3.2.4b).

    The hospital may see the resident from now until the case ends. The desk's clock starts. Raises RuleBroken naming
    the first missing item of the data set (ZH-4.4c) or the open referral for the same problem; Denied, NotVisible.
    """
    _allow(permissions.can_send_up(by))
    centre, hospital = _organization(by.organization_id), _organization(to_organization_id)
    if hospital.kind != Organization.Kind.HOSPITAL:
        raise RuleBroken(_("上转要送到医院。"), next_step=_("请选一家医院。"))
    resident = _resident(resident_id, centre.pk, at)
    parameters = _parameters(centre, at)
    given = {
        "patient_identity": bool(resident.identifier), "diagnosis": bool(diagnosis.strip()),
        "reason": bool(reason_code or reason.strip()), "history": bool(history.strip()),
        "examination": bool(examination.strip()), "medicines": bool(medicines.strip()),
        "allergies": bool(allergies.strip()), "consent": has_consent,
    }  # fmt: skip
    _require_whole(parameters, given)
    _refuse_twin(resident_id, hospital, specialty, "up")
    day = localtime(at).date()
    agreement = agreements.responsible_agreement(centre.pk, day)
    paired = agreements.is_paired(hospital.pk, centre.pk, day)
    doctor = None if by.is_system else practitioner_of(int(by.id.partition(":")[2]))
    referral = _create(
        direction="up", resident=resident, from_organization=centre, to_organization=hospital,
        from_practitioner=doctor, agreement=agreement if agreement and agreement.hospital_id == hospital.pk else None,
        origin_encounter_id=origin_encounter_id, specialty=specialty, urgency=Referral.Urgency(urgency).value,
        diagnosis=diagnosis, reason_code=reason_code, reason=reason, history=history, examination=examination,
        question=question, medicines=medicines, allergies=allergies, has_consent=has_consent,
        is_green_channel=paired, booking_id=booking_id, status=UP.initial, sent_at=at, clock_from=at,
        due_at=at + parameters.accept_limit(urgency), policy_ref=parameters.ref,
    )  # fmt: skip
    begin(referral, UP, by=by, at=at)
    _open_to(referral, hospital.pk, by, at)
    _tell(referral, "sent", hospital.pk, Role.REFERRAL_DESK, _("%(centre)s上转一位患者"), by, at)
    audit.record("referral.send_up", referral, by=by, at=at, resident_id=resident_id, policy_ref=parameters.ref)
    return referral


@transaction.atomic
def accept_referral(*, referral_id: int, slot_id: int | None = None, by: Actor, at: datetime) -> Referral:
    """The desk takes the patient, with the place the GP reserved or one it names; the answer stops the clock.

    Raises RuleBroken when there is no place at all, Taken when the named one has just gone.
    """
    referral = _locked(referral_id, "accept", by)
    booking = referral.booking
    if slot_id is not None or booking is None or booking.status != "booked":
        if slot_id is None:
            raise RuleBroken(_("还没有给这位患者占号。"), next_step=_("请选一个预留号再接收。"), clause="ZH-3.2.4b")
        if booking is not None and booking.status == "booked" and booking.slot_id != slot_id:
            fresh = _book(referral, slot_id, by, at)
            scheduling.cancel_booking(booking_id=booking.pk, reason=_("改期"), by=_desk(by), at=at)
        elif booking is not None and booking.slot_id == slot_id and booking.status == "booked":
            fresh = booking
        else:
            fresh = _book(referral, slot_id, by, at)
        booking = fresh
    transition(referral, UP, "accept", by=by, at=at, booking=booking, answered_at=at, due_at=None, clock_from=None)
    _tell(referral, "accepted", referral.from_organization_id, Role.GP, _("%(hospital)s已接收上转"), by, at)
    _tell_resident(referral, "accepted", _("%(hospital)s已接收您的转诊，请按预约时间就诊"), by, at)
    audit.record("referral.accept", referral, by=by, at=at, resident_id=referral.resident_id, booking_id=booking.pk)
    return referral


@transaction.atomic
def return_referral(*, referral_id: int, reason: str, by: Actor, at: datetime) -> Referral:
    """The desk sends it back with a reason and what to do instead; the reserved place is free again."""
    referral = _locked(referral_id, "return", by)
    answered = referral.answered_at or at
    transition(referral, UP, "return", by=by, at=at, reason=reason, answered_at=answered, due_at=None, clock_from=None)
    _free_place(referral, reason, at)
    _tell(referral, "returned", referral.from_organization_id, Role.GP, _("%(hospital)s退回上转"), by, at, reason)
    audit.record("referral.return", referral, by=by, at=at, resident_id=referral.resident_id, reason=reason)
    return referral


@transaction.atomic
def resend_referral(*, referral_id: int, by: Actor, at: datetime, **changes: str) -> Referral:
    """The GP completes a returned referral and sends it again; the desk's clock starts anew.

    `changes` may hold history, examination, question, medicines, allergies, reason, diagnosis. Raises RuleBroken.
    """
    referral = _locked(referral_id, "resend", by)
    unknown = set(changes) - {"history", "examination", "question", "medicines", "allergies", "reason", "diagnosis"}
    if unknown:
        raise RuleBroken(_("这些内容不能在重送时修改：%(names)s。") % {"names": "、".join(sorted(unknown))})
    parameters = _parameters(referral.from_organization, at)
    transition(
        referral, UP, "resend", by=by, at=at, sent_at=at, answered_at=None, clock_from=at,
        due_at=at + parameters.accept_limit(referral.urgency), **changes,
    )  # fmt: skip
    _tell(referral, "resent", referral.to_organization_id, Role.REFERRAL_DESK, _("%(centre)s补充后再次上转"), by, at)
    audit.record("referral.resend", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def withdraw_referral(*, referral_id: int, reason: str, by: Actor, at: datetime) -> Referral:
    """The sender takes it back with a reason; the place is free and the other side no longer sees the resident."""
    referral = _locked(referral_id, "withdraw", by)
    table = queries.table_of(referral)
    transition(referral, table, "withdraw", by=by, at=at, reason=reason, due_at=None, clock_from=None)
    _free_place(referral, reason, at)
    _close_to(referral, by, at)
    audit.record("referral.withdraw", referral, by=by, at=at, resident_id=referral.resident_id, reason=reason)
    return referral


@transaction.atomic
def confirm_visit(*, referral_id: int, by: Actor, at: datetime) -> Referral:
    """The patient has come and been seen: the visit enters the record and the clock for the summary starts."""
    referral = _locked(referral_id, "see", by)
    if referral.booking is None:
        raise RuleBroken(_("这张转诊单还没有占号。"), next_step=_("请先占号。"))
    encounter = scheduling.fulfil_booking(
        booking_id=referral.booking.pk, diagnosis=referral.diagnosis, by=_desk(by), at=at
    )
    limit = _parameters(referral.to_organization, at).summary_limit(referral.urgency)
    transition(referral, UP, "see", by=by, at=at, encounter=encounter, clock_from=at, due_at=at + limit)
    audit.record("referral.see", referral, by=by, at=at, resident_id=referral.resident_id, encounter_id=encounter.pk)
    return referral


@transaction.atomic
def mark_not_attended(*, referral_id: int, reason: str, by: Actor, at: datetime) -> Referral:
    """The patient did not come; the centre is told, so that nobody is lost between two buildings."""
    referral = _locked(referral_id, "not_attend", by)
    if referral.booking is not None and referral.booking.status == "booked":
        scheduling.miss_booking(booking_id=referral.booking.pk, by=_desk(by), at=at)
    transition(referral, UP, "not_attend", by=by, at=at, reason=reason, due_at=None, clock_from=None)
    _close_to(referral, by, at)
    _tell(referral, "missed", referral.from_organization_id, Role.GP, _("上转患者未到%(hospital)s就诊"), by, at, reason)
    audit.record("referral.not_attend", referral, by=by, at=at, resident_id=referral.resident_id, reason=reason)
    return referral


@transaction.atomic
def return_summary(*, referral_id: int, reply: str, by: Actor, at: datetime) -> Referral:
    """The hospital writes what was found and done; the letter enters the record and goes back to the centre."""
    referral = _locked(referral_id, "summarise", by)
    records.write_document(
        resident_id=referral.resident_id, kind=Document.Kind.VISIT_SUMMARY, text=reply,
        organization_id=referral.to_organization_id, encounter_id=referral.encounter_id, by=by, at=at,
    )  # fmt: skip
    transition(referral, UP, "summarise", by=by, at=at, reply=reply, due_at=None, clock_from=None)
    _tell(referral, "summary", referral.from_organization_id, Role.GP, _("%(hospital)s已回信"), by, at)
    audit.record("referral.summarise", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def close_referral(*, referral_id: int, by: Actor, at: datetime) -> Referral:
    """The GP has read the summary; the case ends and the hospital's basis of referral with it."""
    referral = _locked(referral_id, "close", by)
    transition(referral, UP, "close", by=by, at=at)
    _close_to(referral, by, at)
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
    origin_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Referral:
    """The hospital hands a patient back with medicines and a plan; the centre answers within its limit (ZH-4.4b).

    `plan` says what to watch, when, and when to send the patient up again. Raises RuleBroken without plan, medicines
    or a reason, and when the same hand-over is already open.
    """
    _allow(permissions.can_send_down(by))
    hospital = _hospital_of(by)
    centre = _organization(to_organization_id)
    if centre.kind != Organization.Kind.CENTRE:
        raise RuleBroken(_("下转要送到社区卫生服务中心。"), next_step=_("请选一家中心。"))
    resident = _resident(resident_id, hospital.pk, at)
    if not (plan.strip() and medicines.strip() and (reason_code or reason.strip())):
        raise RuleBroken(_("下转要写明符合的条件、现用药和随访计划。"), next_step=_("请补齐后再送。"), clause="ZH-4.4b")
    _refuse_twin(resident_id, centre, specialty, "down")
    parameters = _parameters(centre, at)
    origin = None if origin_id is None else queries.open_or_closed(origin_id, resident_id)
    referral = _create(
        direction="down", resident=resident, from_organization=hospital, to_organization=centre, origin=origin,
        agreement=agreements.responsible_agreement(centre.pk, localtime(at).date()), specialty=specialty,
        urgency=Referral.Urgency(urgency).value, diagnosis=diagnosis, reason_code=reason_code, reason=reason,
        medicines=medicines, plan=plan, has_consent=True, status=DOWN.initial, sent_at=at, clock_from=at,
        due_at=at + parameters.down_limit(urgency), policy_ref=parameters.ref,
    )  # fmt: skip
    begin(referral, DOWN, by=by, at=at)
    _open_to(referral, centre.pk, by, at)
    records.write_document(
        resident_id=resident_id, kind=Document.Kind.CARE_PLAN, text=plan, organization_id=hospital.pk, by=by, at=at
    )
    _tell(referral, "proposed", centre.pk, Role.GP, _("%(hospital)s下转一位患者"), by, at)
    audit.record("referral.propose_down", referral, by=by, at=at, resident_id=resident_id, policy_ref=parameters.ref)
    return referral


@transaction.atomic
def take_over(*, referral_id: int, by: Actor, at: datetime) -> Referral:
    """The centre takes the patient over; the clock for the first contact starts."""
    referral = _locked(referral_id, "take_over", by)
    limit = _parameters(referral.to_organization, at).first_contact_limit
    transition(referral, DOWN, "take_over", by=by, at=at, answered_at=at, clock_from=at, due_at=at + limit)
    _tell(referral, "taken", referral.from_organization_id, Role.REFERRAL_DESK, _("%(centre)s已接收下转"), by, at)
    audit.record("referral.take_over", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def decline_down(*, referral_id: int, reason: str, by: Actor, at: datetime) -> Referral:
    """The centre cannot take the patient and says why; the hospital keeps the custody."""
    referral = _locked(referral_id, "decline", by)
    transition(referral, DOWN, "decline", by=by, at=at, reason=reason, answered_at=at, due_at=None, clock_from=None)
    _tell(
        referral,
        "declined",
        referral.from_organization_id,
        Role.REFERRAL_DESK,
        _("%(centre)s未接收下转"),
        by,
        at,
        reason,
    )
    audit.record("referral.decline", referral, by=by, at=at, resident_id=referral.resident_id, reason=reason)
    return referral


@transaction.atomic
def propose_again(*, referral_id: int, plan: str, medicines: str, by: Actor, at: datetime) -> Referral:
    """The hospital completes a declined hand-over and sends it again."""
    referral = _locked(referral_id, "propose_again", by)
    if not (plan.strip() and medicines.strip()):
        raise RuleBroken(_("下转要写明现用药和随访计划。"), next_step=_("请补齐后再送。"), clause="ZH-4.4b")
    limit = _parameters(referral.to_organization, at).down_limit(referral.urgency)
    transition(
        referral, DOWN, "propose_again", by=by, at=at, plan=plan, medicines=medicines, sent_at=at, answered_at=None,
        clock_from=at, due_at=at + limit,
    )  # fmt: skip
    _tell(referral, "again", referral.to_organization_id, Role.GP, _("%(hospital)s补充后再次下转"), by, at)
    audit.record("referral.propose_again", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def record_first_contact(*, referral_id: int, note: str, by: Actor, at: datetime) -> Referral:
    """The centre has seen or called the patient: the contact enters the record and the hand-over is complete."""
    referral = _locked(referral_id, "follow_up", by)
    if not note.strip():
        raise RuleBroken(_("请写下首次随访的情况。"), next_step=_("写一两句即可。"))
    doctor = None if by.is_system else practitioner_of(int(by.id.partition(":")[2]))
    encounter = records.record_encounter(
        resident_id=referral.resident_id, organization_id=referral.to_organization_id,
        practitioner_id=doctor.pk if doctor else None, specialty=referral.specialty, started_at=at,
        origin=Encounter.Origin.REFERRAL, diagnosis=referral.diagnosis, summary=note, by=by, at=at,
    )  # fmt: skip
    transition(referral, DOWN, "follow_up", by=by, at=at, encounter=encounter, due_at=None, clock_from=None)
    _close_to(referral, by, at)
    audit.record("referral.follow_up", referral, by=by, at=at, resident_id=referral.resident_id)
    return referral


@transaction.atomic
def escalate_overdue(*, by: Actor, at: datetime) -> int:
    """Tells the supervisor of the side that owes the next step about every referral whose clock ran out, once each.

    Returns how many were told.
    """
    told = 0
    for referral in queries.overdue(at):
        waits_for_hospital = queries.state_of(referral).owner in ("desk", "specialist")
        owner = permissions.hospital_of(referral) if waits_for_hospital else permissions.centre_of(referral)
        role = Role.HOSPITAL_DIRECTOR if waits_for_hospital else Role.CENTRE_MANAGER
        notice = messaging.notify(
            cause=f"referral-overdue:{referral.pk}:{referral.status}:{referral.due_at:%Y%m%d%H%M}", kind="overdue",
            subject=_("转诊单%(number)s超过时限：%(state)s")
            % {"number": referral.number, "state": queries.state_of(referral).zh},
            url=f"/referrals/{referral.pk}/", organization_id=owner, role=role, clause="ZH-4.4c", by=by, at=at,
        )  # fmt: skip
        told += notice is not None
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


def _resident(resident_id: int, organization_id: int, at: datetime) -> Resident:
    held = valid_at(at).filter(resident_id=resident_id, organization_id=organization_id)
    found = Resident.objects.filter(pk=resident_id, pk__in=held.values("resident_id")).first()
    if found is None:
        raise NotVisible(_("未找到，或不在您的服务范围。"), next_step=_("请核对姓名和证件后再找。"))
    if found.deceased_on is not None:
        raise RuleBroken(_("这位居民已登记死亡，不能转诊。"), next_step=_("请核对居民档案。"))
    return found


def _parameters(organization: Organization, at: datetime) -> ReferralParameters:
    return ReferralParameters.read(policy.at(place=organization.place.code, date=localtime(at).date()))


def _require_whole(parameters: ReferralParameters, given: dict[str, bool]) -> None:
    required = [str(item) for item in parameters.required_items.list_()]
    missing = rules.missing_items(required, given)
    if missing:
        raise RuleBroken(
            _("转诊资料还缺%(count)s项，先补“%(first)s”。") % {"count": len(missing), "first": _(ITEMS[missing[0]])},
            next_step=_("补齐后再发送，已填的内容都在。"),
            clause=parameters.required_items.clause,
        )


def _refuse_twin(resident_id: int, to: Organization, specialty: str, direction: str) -> None:
    twin = queries.open_twin(resident_id, to.pk, specialty, direction)
    if twin is not None:
        raise RuleBroken(
            _("这位居民已有一张未结束的转诊单 %(number)s（%(place)s）。") % {"number": twin.number, "place": to.zh},
            next_step=_("请打开那张转诊单继续。"),
        )


def _create(**fields: Any) -> Referral:
    city = fields["from_organization"].place.code[:4]
    number = queries.next_number(city, localtime(fields["sent_at"]).date())
    try:
        with transaction.atomic():
            return Referral.objects.create(number=number, **fields)
    except IntegrityError as error:
        if "referral_open_once" not in str(error):
            raise
        _refuse_twin(fields["resident"].pk, fields["to_organization"], fields["specialty"], fields["direction"])
        raise


def _locked(referral_id: int, action: str, by: Actor) -> Referral:
    referral = (
        Referral.objects.select_for_update(of=("self",))
        .select_related("from_organization__place", "to_organization__place", "resident", "booking__slot")
        .filter(pk=referral_id)
        .first()
    )
    sides = set() if referral is None else permissions.parties(by, referral, queries.own_bodies(by.organization_id))
    if referral is None or not sides:
        raise NotVisible(_("没有这张转诊单，或不在您的服务范围。"), next_step=_("请回到转诊列表查看。"))
    step = queries.table_of(referral).step(action)
    if not sides.intersection(step.parties) and not by.is_system:
        raise Denied(_("“%(step)s”由对方处理。") % {"step": step.zh}, next_step=_("请等对方处理，或打电话联系。"))
    return referral


def _book(referral: Referral, slot_id: int, by: Actor, at: datetime) -> Booking:
    return scheduling.book(
        slot_id=slot_id, resident_id=referral.resident_id, channel=Booking.Channel.REFERRAL,
        attempt=f"referral:{referral.pk}:{slot_id}:{at.timestamp():.0f}",
        as_partner_centre_id=referral.from_organization_id if referral.is_green_channel else None,
        by=_desk(by), at=at,
    )  # fmt: skip


def _desk(by: Actor) -> Actor:
    """The actor as the hospital itself: an office acts for the hospital it is part of."""
    if by.is_system:
        return by
    bodies = queries.own_bodies(by.organization_id)
    parent = next(iter(bodies - {by.organization_id}), by.organization_id)
    own = _organization(by.organization_id)
    hospital = own.pk if own.kind == Organization.Kind.HOSPITAL else parent
    return Actor(by.id, by.name, hospital, by.organization, Role.REFERRAL_DESK)


def _free_place(referral: Referral, reason: str, at: datetime) -> None:
    if referral.booking is not None and referral.booking.status == "booked" and referral.booking.slot.starts_at > at:
        scheduling.cancel_booking(booking_id=referral.booking.pk, reason=reason, by=Actor.system("referral"), at=at)


def _open_to(referral: Referral, organization_id: int, by: Actor, at: datetime) -> None:
    residents.grant_basis(
        resident_id=referral.resident_id, kind="referral", source=f"referral:{referral.pk}", since=at,
        organization_id=organization_id, by=by, at=at,
    )  # fmt: skip


def _close_to(referral: Referral, by: Actor, at: datetime) -> None:
    residents.end_basis(source=f"referral:{referral.pk}", by=by, at=at)


def _tell(
    referral: Referral, event: str, organization_id: int, role: str, words: str, by: Actor, at: datetime, why: str = ""
) -> None:
    names = _names(referral)
    messaging.notify(
        cause=f"referral:{referral.pk}:{event}:{at.timestamp():.0f}", kind="referral", subject=words % names, body=why,
        url=f"/referrals/{referral.pk}/", organization_id=organization_id, role=role, by=by, at=at,
    )  # fmt: skip


def _tell_resident(referral: Referral, event: str, words: str, by: Actor, at: datetime) -> None:
    if referral.resident.user_id is not None:
        messaging.notify(
            cause=f"referral:{referral.pk}:{event}:resident", kind="referral", subject=words % _names(referral),
            url=f"/referrals/{referral.pk}/", user_id=referral.resident.user_id, by=by, at=at,
        )  # fmt: skip


def _names(referral: Referral) -> dict[str, str]:
    up = referral.direction == "up"
    return {
        "centre": (referral.from_organization if up else referral.to_organization).short_zh,
        "hospital": (referral.to_organization if up else referral.from_organization).short_zh,
    }


def import_past(*, referrals: Sequence[Referral], by: Actor, at: datetime) -> None:
    """Referrals of the past are read in as they ended; one audit row stands for all.

    Only a named job may. They grant nobody a basis: the cases are over. Raises Denied.
    """
    if not by.is_system:
        raise Denied(_("历史转诊只能由导入任务写入。"))
    with transaction.atomic():
        Referral.objects.bulk_create(referrals, batch_size=2000)
        audit.record("referral.import_past", Referral(), by=by, at=at, rows=len(referrals))
