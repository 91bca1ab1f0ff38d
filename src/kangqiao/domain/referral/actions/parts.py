"""What the steps of a referral share: the row locked and moved, who sees the resident, who is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, DateTimeField, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told, insert
from kangqiao.base.transition import moved_meanwhile, transition
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import is_refused, user_id_of, valid_at
from kangqiao.domain.residents.queries import not_found as no_resident
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


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _organization(organization_id: int | None) -> Organization:
    found: list[Organization] = _house.models(organization=organization_id)
    if not found:
        raise NotVisible(_("没有这家机构。"), next_step=_("请重新选择。"))
    return found[0]


@Prepared
def _house() -> QuerySet[Organization]:
    return Organization.objects.select_related("place", "part_of__place").filter(
        pk=Told("organization", BigIntegerField())
    )


def _resident(resident_id: int, sender: Organization, receiver: Organization, at: datetime) -> Resident:
    seen: list[Resident] = _seen_by.models(resident=resident_id, sender=sender.pk, at=at)
    if not seen or is_refused(resident_id, sender.pk, at):
        raise no_resident()
    (found,) = seen
    if is_refused(resident_id, receiver.pk, at):
        raise RuleBroken(
            _("居民不让%(place)s看自己的档案，不能转到那里。") % {"place": receiver.zh},
            next_step=_("请和居民商量换一家，或请居民先在“我的授权”里撤回拒绝。"),
        )
    if found.deceased_on is not None:
        raise RuleBroken(_("这位居民已登记死亡，不能转诊。"), next_step=_("请核对居民档案。"))
    return found


@Prepared
def _seen_by() -> QuerySet[Resident]:
    resident = Told("resident", BigIntegerField())
    held = valid_at(Told("at", DateTimeField())).filter(resident_id=resident)
    held = held.filter(organization_id=Told("sender", BigIntegerField()))
    return Resident.objects.filter(pk=resident, pk__in=held.values("resident_id")).order_by()


def _doctor(by: Actor) -> Practitioner | None:
    user_id = user_id_of(by)
    return None if user_id is None else practitioner_of(user_id)


def _parameters(organization: Organization, at: datetime) -> ReferralParameters:
    return ReferralParameters.read(policy.at(place=organization.place.code, date=localtime(at).date()))


def _check_codes(reason_code: str, specialty: str) -> None:
    if reason_code:
        terminology.concept("referral_reason", reason_code)
    terminology.concept("specialty", specialty)


def _refuse_other_person(referral: Referral, words: str) -> None:
    """A letter that names somebody else stays in the window it was written in."""
    said = rules.names_another(words, referral.resident.name, referral.resident.identifier)
    if said:
        raise RuleBroken(
            _("写的是另一个人（%(said)s），这张转诊单是%(name)s的。") % {"said": said, "name": referral.resident.name},
            next_step=_("请核对是不是贴错了；没有错的，去掉那一行姓名或证件号再回传。"),
        )


def _refuse_twin(resident_id: int, to: Organization, specialty: str, direction: str) -> None:
    twin = queries.open_twin(resident_id, to.pk, specialty, direction)
    if twin is not None:
        raise RuleBroken(
            _("这位居民已有一张未结束的转诊单 %(number)s（%(place)s）。") % {"number": twin.number, "place": to.zh},
            next_step=_("请打开那张转诊单继续；有新的情况，补到那张上。"),
        )


def _create(*, limit: timedelta, **fields: Any) -> Referral:
    at = fields["sent_at"]
    number = queries.next_number(fields["from_organization"].place.code[:4], localtime(at).date())
    clock = {"clock_from": at, "due_at": at + limit, "answer_by": at + limit}
    try:
        with transaction.atomic():
            row = Referral(number=number, **clock, **fields)
            insert(row)
            return row
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
    found: list[Referral] = _for_step.models(referral=referral_id)
    sides = permissions.parties(by, found[0], queries.own_bodies(by.organization_id)) if found else set()
    if not sides:
        raise queries.not_found()
    return found[0], sides


@Prepared
def _for_step() -> QuerySet[Referral]:
    along = "from_organization__place", "to_organization__place", "resident", "booking__slot", "booking__session"
    rows = Referral.objects.select_for_update(of=("self",)).select_related(*along)
    return rows.filter(pk=Told("referral", BigIntegerField())).order_by()


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


def _encounter(
    referral: Referral, organization_id: int, doctor: Practitioner | None, note: str, by: Actor, at: datetime
) -> Encounter:
    return records.record_encounter(
        resident_id=referral.resident_id, organization_id=organization_id,
        practitioner_id=doctor.pk if doctor else None, specialty=referral.specialty, started_at=at,
        origin=Encounter.Origin.REFERRAL, is_emergency=referral.urgency == Referral.Urgency.EMERGENCY, summary=note,
        by=by, at=at,
        diagnosis=referral.diagnosis if len(referral.diagnosis) <= _longest_diagnosis() else "",
    )  # fmt: skip


def _longest_diagnosis() -> int:
    """The record holds a code or a short name; a longer text stays in the letter."""
    return Encounter._meta.get_field("diagnosis").max_length or 0


def _open_to_both(referral: Referral, by: Actor, at: datetime) -> None:
    houses = (referral.from_organization, referral.to_organization)
    everybody = dict.fromkeys(one for house in houses for one in queries.house_of(house))
    source = f"referral:{referral.pk}"
    grants = [residents.Grant(referral.resident_id, source, organization_id=one) for one in everybody]
    residents.grant_bases(kind="referral", grants=grants, by=by, at=at)


def _close(referral: Referral, by: Actor, at: datetime) -> None:
    """The case is over: both houses may still look for the stated time, to answer questions and finish letters."""
    after = access_at(referral.to_organization.place.code, localtime(at).date()).after
    residents.end_basis(source=f"referral:{referral.pk}", until=at + after, by=by, at=at)


def _shut(referral: Referral, by: Actor, at: datetime) -> None:
    """The case never came about: nobody looks because of it any more."""
    residents.end_basis(source=f"referral:{referral.pk}", by=by, at=at)


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
