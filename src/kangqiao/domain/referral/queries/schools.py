"""Emergencies at schools: what waits for the centre, what the school reads, and what the hospital gets (FT18-2.3d)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.transition import Told, told
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.permissions import SCHOOL
from kangqiao.domain.referral.models import Referral, SchoolCase
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.permissions import school_cases_visible_to, school_parties
from kangqiao.domain.referral.queries.cases import moment
from kangqiao.domain.referral.states import SCHOOL_CASE
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step

MOST = 50
# How far the letter is, as a school reads it.
RECEIVED = ("unplaced", "accepted")


@dataclass(frozen=True, slots=True)
class SchoolLetter:
    """What a school reads of the letter that came of its case."""

    status: str
    hospital: str
    sent_at: datetime
    answered_at: datetime | None
    arrived_at: datetime | None


@dataclass(frozen=True, slots=True)
class SchoolLine:
    """A case as a row: where it stands in a sentence, and for how many minutes it has waited."""

    case: SchoolCase
    sentence: str
    minutes: int
    is_late: bool


def school_cases(seat: Seat) -> QuerySet[SchoolCase]:
    """The cases a school or a centre may see, the latest first."""
    rows = SchoolCase.objects.select_related("community", "organization", "opened_by", "referral__to_organization")
    return rows.filter(school_cases_visible_to(seat)).order_by("-opened_at", "-pk")


def get_school_case(seat: Seat, case_id: int) -> SchoolCase:
    """One of them. Raises NotVisible."""
    found = school_cases(seat).filter(pk=case_id).first()
    if found is None:
        raise no_school_case()
    return found


def no_school_case() -> NotVisible:
    """For what is not there, or not for this reader."""
    return NotVisible(_("没有这件校园急诊，或不由您处理。"), next_step=_("请从校园急诊清单打开。"))


def school_case_steps(seat: Seat, case: SchoolCase) -> list[Step]:
    """The moves open to the seat."""
    return list(SCHOOL_CASE.steps_from(case.status, school_parties(seat.actor, case)))


def school_case_history(case: SchoolCase) -> list[Told]:
    """Every step of a case in words."""
    return told(case, SCHOOL_CASE)


def school_cases_waiting(seat: Seat) -> Waits:
    """The cases nobody has answered yet, and since when."""
    return Waits(SchoolCase.objects.filter(school_cases_visible_to(seat), status="open"), "opened_at")


def school_waiting_rows(seat: Seat, now: datetime) -> list[SchoolLine]:
    """What `school_cases_waiting` counts: whose life may be at risk first, then who waits longest."""
    found = list(school_cases(seat).filter(status="open").order_by("opened_at", "pk")[:MOST])
    return sorted(school_lines(seat, found, now), key=lambda line: not line.case.is_life_threat)


def school_lines(seat: Seat, rows: Iterable[SchoolCase], now: datetime) -> list[SchoolLine]:
    """Cases as rows of a list."""
    found = list(rows)
    letters = _letters_of(found) if seat.role in SCHOOL else {one.pk: _letter(one.referral) for one in found}
    return [
        SchoolLine(
            one, _sentence(one, letters.get(one.pk), now), int((now - one.opened_at).total_seconds() // 60),
            one.due_at is not None and one.due_at <= now,
        )
        for one in found
    ]  # fmt: skip


def school_cases_on_the_clock() -> list[SchoolCase]:
    """Every case, of any school, that waits for its centre; for the job that reminds and escalates."""
    rows = SchoolCase.objects.select_related("organization__place", "community")
    return list(rows.filter(status="open", due_at__isnull=False).order_by("due_at", "pk"))


def open_school_twin(community_id: int, student: str, grade: str, identifier: str) -> SchoolCase | None:
    """The report about the same student that nobody has answered, by number or by name alone."""
    rows = SchoolCase.objects.select_related("organization", "community").filter(community=community_id, status="open")
    named = Q(student=student, grade=grade)
    same = Q(identifier=identifier) | (Q(identifier="") & named) if identifier else named
    return rows.filter(same).order_by("pk").first()


def school_case_of(referral: Referral) -> SchoolCase | None:
    """The school's case a letter came of; only an emergency may have one."""
    if referral.urgency != Referral.Urgency.EMERGENCY:
        return None
    rows = SchoolCase.objects.select_related("community", "opened_by").filter(referral=referral.pk)
    return rows.first()


def findings_in_words(case: SchoolCase) -> str:
    """The first findings as a doctor reads them."""
    named = dict(SchoolCase.Sign.choices)
    parts = [str(case.get_consciousness_display()), str(case.get_breathing_display())]
    parts += [_("体温 %(t)s ℃") % {"t": case.temperature}] if case.temperature is not None else []
    parts += [str(named[one]) for one in case.signs]
    parts += [_("急救车已叫")] if case.is_ambulance_called else []
    line = "，".join(parts) + "。"
    return f"{line}{case.findings}" if case.findings else line


def school_reason(case: SchoolCase) -> str:
    """Why a letter is written, in one line: which school, when, and whom to call."""
    return _("校园急诊：%(school)s %(when)s 报告；学校联系人 %(contact)s %(phone)s。") % {
        "school": case.community.zh, "when": moment(case.opened_at), "contact": case.contact,
        "phone": case.contact_phone,
    }  # fmt: skip


def call_centre(case: SchoolCase) -> str:
    """How to reach the centre by telephone."""
    phone = case.organization.phone
    return _("打电话 %(phone)s") % {"phone": phone} if phone else _("打中心的电话")


def emergency_number(place_code: str, on: date) -> str:
    """The number that calls an ambulance."""
    return str(ReferralParameters.read(policy.at(place_code, on)).emergency_number.value)


def _letter(one: Referral | None) -> SchoolLetter | None:
    if one is None:
        return None
    hospital = one.to_organization.short_zh or one.to_organization.zh
    return SchoolLetter(one.status, hospital, one.sent_at, one.answered_at, one.arrived_at)


def _letters_of(cases: list[SchoolCase]) -> dict[int, SchoolLetter]:
    """Case → its letter, as the database hands it out to a school."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kangqiao_school_letters(%s)", [[one.pk for one in cases]])
        return {row[0]: SchoolLetter(*row[1:]) for row in cursor.fetchall()}


def _sentence(case: SchoolCase, letter: SchoolLetter | None, now: datetime) -> str:
    """Where a case stands, in the words of who waits for it."""
    names = {
        "centre": case.organization.short_zh or case.organization.zh, "call": call_centre(case),
        "due": moment(case.due_at), "when": moment(case.answered_at), "answer": case.get_answer_kind_display(),
        "words": case.answer, "hospital": letter.hospital if letter else "",
    }  # fmt: skip
    if case.status == "open":
        if case.due_at is not None and case.due_at <= now:
            return _("%(centre)s还没有答复：请直接%(call)s，危急先叫急救车。") % names
        return _("已报给%(centre)s，最晚%(due)s答复；不答复会再催。") % names
    if case.status == "answered":
        return _("%(centre)s%(when)s答复：%(answer)s。%(words)s") % names
    if letter is None:
        return _("学校已撤回。")
    if letter.arrived_at is not None or letter.status in ("seen", "summarised", "closed"):
        return _("学生已到%(hospital)s。") % names
    if letter.status in RECEIVED:
        return _("%(hospital)s已接收，可以直接去急诊。") % names
    if letter.status == "sent":
        return _("%(centre)s%(when)s已转到%(hospital)s，等医院接收；不用等，可以先去急诊。") % names
    return _("%(hospital)s没有接收，%(centre)s正在处理；有急事%(call)s。") % names
