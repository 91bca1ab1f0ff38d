"""A student's emergency: the school reports it, its centre sends it on to a hospital or answers (FT18-2.3d)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.models import Community
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.referral import permissions, queries, rules
from kangqiao.domain.referral.actions.parts import _parameters
from kangqiao.domain.referral.actions.steps import send_up
from kangqiao.domain.referral.models import Referral, SchoolCase
from kangqiao.domain.referral.states import SCHOOL_CASE
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import sees, user_id_of
from kangqiao.domain.residents.queries import keeps_out, known_by
from kangqiao.kernel.errors import AlreadyMoved, Denied, RuleBroken, Taken
from kangqiao.kernel.identifiers import birth_date_of, is_citizen_id, sex_of

CLAUSE = "FT18-2.3d"
# A clock on the wall of the school may be some minutes ahead of the server's.
AHEAD = timedelta(minutes=5)
LONG_AGO = timedelta(days=1)


@transaction.atomic
def open_school_case(
    *, community_id: int, student: str = "", grade: str = "", identifier: str = "", contact: str, contact_phone: str,
    happened_at: datetime, what: str, consciousness: str, breathing: str, temperature: Decimal | None = None,
    signs: Sequence[str] = (), findings: str = "", is_ambulance_called: bool = False, by: Actor, at: datetime,
) -> SchoolCase:  # fmt: skip
    """Who looks after health at a school reports a student's emergency; the centre that serves it is told at once.

    With a number of the school's list the name comes from there; without, the name is enough. The same report again is
    the one already there. Raises Denied for somebody who does not look after the school; RuleBroken for a number of
    nobody, a name that is another's, no name, a telephone that cannot be one, or a time ahead; Taken where the student
    is reported already in other words.
    """
    place = next((one for one in contracting.schools_of(by) if one.pk == community_id), None)
    if place is None:
        raise Denied(
            _("您的账号现在不管这所学校的急诊。"),
            next_step=_("危急时先叫急救车；再请服务学校的社区中心把您的账号加到学校。"),
        )
    number = unicodedata.normalize("NFKC", identifier).strip().upper()
    told: dict[str, Any] = {
        "student": _named(place, student.strip(), number, at), "grade": grade.strip(), "identifier": number,
        "contact": contact.strip(), "contact_phone": unicodedata.normalize("NFKC", contact_phone).strip(),
        "happened_at": happened_at, "what": what.strip(),
        "consciousness": SchoolCase.Consciousness(consciousness).value,
        "breathing": SchoolCase.Breathing(breathing).value, "temperature": temperature,
        "signs": [SchoolCase.Sign(one).value for one in signs], "findings": findings.strip(),
        "is_ambulance_called": is_ambulance_called,
    }  # fmt: skip
    _require_told(told["contact"], told["contact_phone"], told["what"], happened_at, at)
    if twin := queries.open_school_twin(place.pk, told["student"], told["grade"], number):
        return _same_or_taken(twin, told)
    limit = _parameters(place.organization, at)
    try:
        with transaction.atomic():
            case = SchoolCase.objects.create(
                community=place, organization=place.organization, opened_by_id=user_id_of(by) or 0, opened_at=at,
                due_at=at + limit.school_limit, policy_ref=limit.ref, is_demo=place.is_demo, **told,
            )  # fmt: skip
    except IntegrityError as error:
        twin = queries.open_school_twin(place.pk, told["student"], told["grade"], number)
        if "school_case_open_once" not in str(error) or twin is None:
            raise
        return _same_or_taken(twin, told)
    begin(case, SCHOOL_CASE, by=_of_school(case, by), at=at)
    for role in (Role.GP, Role.CENTRE_MANAGER):
        _tell_centre(case, "opened", role, _("校园急诊：%(school)s有学生要马上处理"), by, at)
    audit.record("referral.open_school_case", case, by=by, at=at, community=place.pk, policy_ref=limit.ref)
    return case


@transaction.atomic
def answer_school_case(*, case_id: int, kind: str, words: str, by: Actor, at: datetime) -> SchoolCase:
    """The centre says what the school is to do: keep the student there, bring them, or wait for the ambulance.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without words.
    """
    case = _held(case_id, "answer", by)
    if not words.strip():
        raise RuleBroken(_("请写一两句，学校照着做。"), next_step=_("写清楚观察什么、什么时候再报。"), clause=CLAUSE)
    transition(
        case, SCHOOL_CASE, "answer", by=by, at=at, answer_kind=SchoolCase.Answer(kind).value, answer=words.strip(),
        answered_at=at, due_at=None,
    )  # fmt: skip
    subject = _("中心答复：%(answer)s") % {"answer": case.get_answer_kind_display()}
    _tell_school(case, "answered", subject, words, by, at)
    audit.record("referral.answer_school_case", case, by=by, at=at, kind=case.answer_kind)
    return case


@transaction.atomic
def forward_school_case(
    *, case_id: int, to_organization_id: int, specialty: str, diagnosis: str, student: str, identifier: str = "",
    sex: str = "", birth_date: date | None = None, medicines: str = "", allergies: str = "", has_consent: bool = False,
    is_ambulance_called: bool = False, by: Actor, at: datetime,
) -> Referral:  # fmt: skip
    """The centre sends the student to a hospital at once: an emergency letter with school, contact and first findings.

    It waits for no place and for no pool. Whoever is in the register under this name and number is matched; anybody
    else is registered, without papers where no number is known (ADR 19). Raises Denied, NotVisible, AlreadyMoved;
    RuleBroken where the number is in the register under another name, sex or birth date are missing for a new record,
    a record that is refused to the centre, or what `send_up` finds missing.
    """
    case = _held(case_id, "forward", by)
    patient = _patient(case, student.strip(), identifier, sex, birth_date, by, at)
    source = f"school_case:{case.pk}"
    if not sees(by, patient.pk, at):
        residents.grant_basis(
            resident_id=patient.pk, kind="referral", source=source, since=at, organization_id=case.organization_id,
            by=by, at=at,
        )  # fmt: skip
    case.is_ambulance_called = case.is_ambulance_called or is_ambulance_called
    letter = send_up(
        resident_id=patient.pk, to_organization_id=to_organization_id, specialty=specialty,
        urgency=Referral.Urgency.EMERGENCY, diagnosis=diagnosis.strip(), reason=queries.school_reason(case)[:500],
        history=case.what, examination=queries.findings_in_words(case), medicines=medicines.strip(),
        allergies=allergies.strip(), has_consent=has_consent, is_from_school=True, by=by, at=at,
    )  # fmt: skip
    residents.end_basis(source=source, by=by, at=at)
    transition(
        case, SCHOOL_CASE, "forward", by=by, at=at, referral=letter, answered_at=at, due_at=None,
        is_ambulance_called=case.is_ambulance_called,
    )  # fmt: skip
    names = {"hospital": letter.to_organization.short_zh or letter.to_organization.zh}
    _tell_school(case, "forwarded", _("中心已转到%(hospital)s") % names, "", by, at)
    _tell_hospital(case, letter, by, at)
    audit.record(
        "referral.forward_school_case", case, by=by, at=at, resident_id=patient.pk, referral=letter.pk,
        policy_ref=letter.policy_ref,
    )  # fmt: skip
    return letter


@transaction.atomic
def withdraw_school_case(*, case_id: int, reason: str, by: Actor, at: datetime) -> SchoolCase:
    """The school takes its report back with a reason, as long as nobody has answered.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason.
    """
    case = _held(case_id, "withdraw", by)
    transition(case, SCHOOL_CASE, "withdraw", by=_of_school(case, by), at=at, reason=reason, due_at=None)
    for role in (Role.GP, Role.CENTRE_MANAGER):
        _tell_centre(case, "withdrawn", role, _("%(school)s撤回了校园急诊"), by, at, reason)
    audit.record("referral.withdraw_school_case", case, by=by, at=at)
    return case


@transaction.atomic
def escalate_school_cases(*, by: Actor, at: datetime) -> int:
    """The centre's doctors are reminded when part of the limit is used; its manager and the school when it is all used.

    The shares come from the pack; each is told once per case. Returns how many were told.
    """
    told = 0
    for case in queries.school_cases_on_the_clock():
        parameters = _parameters(case.organization, at)
        used = rules.used_percent(case.opened_at, case.due_at or at, at)
        if used >= parameters.escalate_percent.integer():
            told += _tell_centre(case, "overdue", Role.CENTRE_MANAGER, _("校园急诊超过时限：%(school)s"), by, at)
            words = _("请直接%(call)s；危急先叫急救车。") % {"call": queries.call_centre(case)}
            told += _tell_school(case, "overdue", _("中心还没有答复"), words, by, at)
        elif used >= parameters.remind_percent.integer():
            told += _tell_centre(case, "remind", Role.GP, _("校园急诊时限已过半：%(school)s"), by, at)
    return told


def _named(place: Community, student: str, number: str, at: datetime) -> str:
    """The student's name: by the school's list where a number is given, else as it was written."""
    if not number:
        if not student:
            raise RuleBroken(_("请写学生的姓名，或名册上的证件号。"), next_step=_("有一样就能报。"))
        return student
    listed = contracting.student_named(place.pk, number, localtime(at).date())
    if not listed:
        raise RuleBroken(
            _("学校名册上没有这个证件号。"), next_step=_("请核对号码；来不及就把号码清空，只写姓名，马上能报。")
        )
    if student and student != listed:
        raise RuleBroken(
            _("号码和姓名对不上：名册上这个号码是%(name)s。") % {"name": listed},
            next_step=_("请核对；来不及就把号码清空，只写姓名。"),
        )
    return listed


def _require_told(contact: str, phone: str, what: str, happened_at: datetime, at: datetime) -> None:
    if not what:
        raise RuleBroken(_("请写一句出了什么事。"), next_step=_("例如：操场摔倒，右手腕肿。"))
    if not contact or not rules.is_phone(phone):
        raise RuleBroken(_("联系电话不像电话号码。"), next_step=_("请写一个现在打得通的号码，中心和医院会打过来。"))
    if happened_at > at + AHEAD:
        raise RuleBroken(_("发生的时间在现在之后。"), next_step=_("请核对时间。"))
    if happened_at < at - LONG_AGO:
        raise RuleBroken(_("发生的时间在一天以前。"), next_step=_("请核对日期；不是急诊的事请打电话给中心。"))


def _of_school(case: SchoolCase, by: Actor) -> Actor:
    """The person as the history names them: of the school, though the seat is at its centre."""
    return replace(by, organization=case.community.zh)


def _same_or_taken(twin: SchoolCase, told: dict[str, Any]) -> SchoolCase:
    """The same report again is the one there; other words about the same student go by telephone."""
    if all(getattr(twin, name) == told[name] for name in ("what", "consciousness", "breathing", "contact_phone")):
        return twin
    raise Taken(
        _("%(name)s%(when)s已经报过，中心正在处理。")
        % {"name": twin.student, "when": queries.moment(twin.opened_at)},
        next_step=_("有新情况请直接%(call)s；是同名的另一个学生，请写上班级。")
        % {"call": queries.call_centre(twin)},
    )  # fmt: skip


def _held(case_id: int, action: str, by: Actor) -> SchoolCase:
    """The case, locked, for a step of the actor's side. Raises NotVisible, Denied, AlreadyMoved."""
    rows = SchoolCase.objects.select_for_update(of=("self",)).select_related("organization__place", "community")
    case = rows.filter(pk=case_id).first()
    sides = set() if case is None else permissions.school_parties(by, case)
    if case is None or not sides:
        raise queries.no_school_case()
    step = SCHOOL_CASE.step(action)
    if not sides & set(step.parties):
        raise Denied(_("“%(step)s”由对方处理。") % {"step": step.zh}, next_step=_("请等对方处理，或打电话联系。"))
    if case.status not in step.sources:
        raise AlreadyMoved(
            _("现在是“%(state)s”，不能这样做。") % {"state": case.state.zh}, next_step=_("请看最新情况再决定。")
        )
    return case


def _patient(
    case: SchoolCase, name: str, identifier: str, sex: str, birth_date: date | None, by: Actor, at: datetime
) -> Resident:
    """Who of the register it is, by whole number and name, or a new record at the centre."""
    number = unicodedata.normalize("NFKC", identifier).strip().upper()
    if not name:
        raise RuleBroken(_("请写学生的姓名。"), next_step=_("已填的内容都在。"))
    known = known_by(number)
    if known is not None:
        if known.name != name:
            raise RuleBroken(
                _("这个证件号的档案是另一个姓名。"),
                next_step=_("请核对姓名和证件号；来不及就把证件号清空，先按没有证件转，之后再合并档案。"),
            )
        if keeps_out(known.pk, case.organization_id, at):
            raise RuleBroken(
                _("这位居民不让本中心看自己的档案。"),
                next_step=_("请电话联系医院急诊和家长；要用档案，请走“紧急查阅”并写明原因。"),
            )
        return known
    kinds = Resident.IdentifierKind
    kind = kinds.NONE if not number else kinds.CITIZEN if is_citizen_id(number) else kinds.OTHER
    if kind == kinds.CITIZEN:
        birth_date, sex = birth_date or birth_date_of(number), sex or sex_of(number)
    if not sex or birth_date is None:
        raise RuleBroken(
            _("这名学生还没有档案，要写性别和出生日期。"), next_step=_("出生日期不确定写大概的，之后再改。")
        )
    return residents.register_resident(
        name=name, sex=sex, birth_date=birth_date, identifier=number, identifier_kind=kind.value,
        centre_id=case.organization_id, phone=case.contact_phone, is_demo=case.is_demo, by=by, at=at,
    )  # fmt: skip


def _tell_centre(case: SchoolCase, event: str, role: str, words: str, by: Actor, at: datetime, why: str = "") -> int:
    """A notice to that role of the centre, once per event of a case; 1 when it was news."""
    news = messaging.notify(
        cause=f"school-case-{event}:{case.pk}:{role}", kind="school", subject=words % {"school": case.community.zh},
        body=why, url=f"/referrals/school/{case.pk}/", organization_id=case.organization_id, role=role, clause=CLAUSE,
        by=by, at=at,
    )  # fmt: skip
    return int(news is not None)


def _tell_school(case: SchoolCase, event: str, subject: str, words: str, by: Actor, at: datetime) -> int:
    """A notice to whoever reported the case, once per event; the student is not named in it."""
    news = messaging.notify(
        cause=f"school-case-{event}:{case.pk}:school", kind="school", subject=subject, body=words,
        url=f"/referrals/school/{case.pk}/", user_id=case.opened_by_id, clause=CLAUSE, by=by, at=at,
    )  # fmt: skip
    return int(news is not None)


def _tell_hospital(case: SchoolCase, letter: Referral, by: Actor, at: datetime) -> None:
    messaging.notify(
        cause=f"school-case-forwarded:{case.pk}:hospital", kind="school",
        subject=_("校园急诊：%(school)s的学生正转来") % {"school": case.community.zh},
        body=_("%(when)s 学校报告，学校联系人 %(contact)s %(phone)s。")
        % {"when": queries.moment(case.opened_at), "contact": case.contact, "phone": case.contact_phone},
        url=f"/referrals/{letter.pk}/", organization_id=letter.to_organization_id, role=Role.REFERRAL_DESK,
        clause=CLAUSE, by=by, at=at,
    )  # fmt: skip
