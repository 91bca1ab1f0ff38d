"""Looking in an emergency, asking why somebody looked, and answering."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.residents import queries
from kangqiao.domain.residents.actions.bases import grant_basis
from kangqiao.domain.residents.models import Basis, Emergency, Question, Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.residents.permissions import can_answer, can_break_glass, can_question, sees, user_id_of
from kangqiao.domain.residents.rules import SHORTEST_REASON
from kangqiao.domain.residents.states import QUESTION
from kangqiao.kernel.errors import Denied, RuleBroken


@beyond("residents.emergency")
def break_glass(*, name: str, identifier: str, reason: str, by: Actor, at: datetime) -> Emergency:
    """A doctor opens the record of somebody in danger without a relation, for the stated hours, and writes why.

    Name and identifier must both be known: it opens a record for a patient at hand, it is no search. It comes before a
    refusal of the resident, is marked in the audit, and resident and security administrators are told at once. Raises
    Denied, RuleBroken, NotVisible with the sentence of every other resident out of reach.
    """
    user_id = user_id_of(by)
    allowed = can_break_glass(by)
    if not allowed or user_id is None or by.organization_id is None:
        raise Denied(allowed.reason or _("紧急查阅由在岗的医生做。"))
    if len(reason.strip()) < SHORTEST_REASON:
        raise RuleBroken(_("请写清楚为什么要紧急查阅。"), next_step=_("写一句病情和地点，例如“昏迷送院，需查过敏史”。"))
    resident = queries.person_in_danger(name, identifier)
    if sees(by, resident.pk, at):
        raise RuleBroken(_("您现在就能看这位居民，不用紧急查阅。"), next_step=_("请从“找居民”打开。"))
    terms = access_at(resident.centre.place.code, localtime(at).date())
    row = Emergency.objects.create(
        resident=resident, user_id=user_id, organization_id=by.organization_id, reason=reason.strip(), since=at,
        until=at + terms.break_glass,
    )  # fmt: skip
    grant_basis(
        resident_id=resident.pk, kind=Basis.Kind.EMERGENCY, source=f"emergency:{row.pk}", since=at, until=row.until,
        user_id=user_id, by=by, at=at,
    )  # fmt: skip
    record("residents.break_glass", row, by=by, at=at, resident_id=resident.pk, policy_ref=terms.ref)
    _tell_about_emergency(row, by, at)
    return row


@transaction.atomic
def ask_about_look(*, resident_id: int, event_id: int, text: str, seat: Seat, by: Actor, at: datetime) -> Question:
    """A resident asks why somebody looked; the security administrator responsible gets it as a task.

    Raises NotVisible for a look that is not in the resident's log, RuleBroken without words.
    """
    resident = queries.get_resident(seat, resident_id)
    look = queries.look(seat, resident, event_id)
    reader = User.objects.filter(pk=user_id_of(look.actor) or 0).first()
    if reader is None or look.organization_id is None:
        raise RuleBroken(_("这一次没有登录身份，没有人可问。"), next_step=_("有疑问请联系登记中心。"))
    _require_words(text)
    row = _ask(
        Question(
            kind=Question.Kind.RESIDENT, resident=resident, reader=reader, organization_id=look.organization_id,
            looked_at=look.at, text=text.strip(), asked_by_id=seat.user_id, asked_at=at,
        ),
        by, at,
    )  # fmt: skip
    subject = _("居民问：为什么看我的档案")
    for organization_id in queries.overseers_of(look.organization_id, localtime(at).date()):
        notify(
            cause=f"question:{row.pk}:{organization_id}", kind="question", subject=subject, url=_address(row),
            organization_id=organization_id, role=Role.SECURITY_ADMIN, by=by, at=at,
        )  # fmt: skip
    return row


@transaction.atomic
def question_emergency(*, emergency_id: int, text: str, seat: Seat, by: Actor, at: datetime) -> Question:
    """The security administrator asks whoever opened a record in an emergency to explain. Raises Denied, NotVisible."""
    allowed = can_question(seat)
    if not allowed:
        raise Denied(allowed.reason)
    found = queries.emergency(seat, emergency_id)
    _require_words(text)
    row = _ask(
        Question(
            kind=Question.Kind.REVIEW, resident_id=found.resident_id, reader_id=found.user_id, emergency=found,
            organization_id=found.organization_id, looked_at=found.since, text=text.strip(),
            asked_by_id=seat.user_id, asked_at=at,
        ),
        by, at,
    )  # fmt: skip
    notify(
        cause=f"question:{row.pk}", kind="question", subject=_("安全管理员请您说明一次紧急查阅"), body=row.text,
        url=_address(row), user_id=row.reader_id, by=by, at=at,
    )  # fmt: skip
    return row


@transaction.atomic
def answer_question(*, question_id: int, answer: str, seat: Seat, by: Actor, at: datetime) -> Question:
    """Whoever the question went to answers; who asked is told. Raises NotVisible, Denied, AlreadyMoved, RuleBroken."""
    row = queries.question(seat, question_id)
    allowed = can_answer(seat, row)
    if not allowed:
        raise Denied(allowed.reason)
    _require_words(answer)
    transition(
        row, QUESTION, "answer", by=by, at=at, answer=answer.strip(), answered_by=by.name, answered_at=at
    )  # fmt: skip
    record("residents.answer_question", row, by=by, at=at, resident_id=row.resident_id)
    notify(
        cause=f"answer:{row.pk}", kind="question", subject=_("您问的“为什么看档案”有答复了"), body=row.answer,
        url=_address(row), user_id=row.asked_by_id, by=by, at=at,
    )  # fmt: skip
    return row


def report_wide_reading(*, people: int, minutes: int, by: Actor, at: datetime) -> None:
    """Somebody opened the records of many people in a short time: the security administrators responsible are told.

    Once per person and span of time; the reader is not stopped by it.
    """
    if by.organization_id is None:
        return
    span = timedelta(minutes=minutes)
    window = int(at.timestamp() // span.total_seconds())
    for organization_id in queries.overseers_of(by.organization_id, localtime(at).date()):
        notify(
            cause=f"wide-reading:{by.id}:{window}:{organization_id}", kind="wide_reading",
            subject=_("%(who)s %(minutes)s分钟内查看了%(people)s位居民")
            % {"who": f"{by.name} {by.organization}", "minutes": minutes, "people": people},
            url=reverse("residents-oversight"), organization_id=organization_id, role=Role.SECURITY_ADMIN, by=by, at=at,
        )  # fmt: skip


def _ask(row: Question, by: Actor, at: datetime) -> Question:
    row.save(force_insert=True)
    begin(row, QUESTION, by=by, at=at)
    record("residents.ask", row, by=by, at=at, resident_id=row.resident_id, kind=row.kind)
    return row


def _tell_about_emergency(row: Emergency, by: Actor, at: datetime) -> None:
    resident: Resident = row.resident
    who = f"{by.name} {by.organization}"
    words = _("%(who)s在紧急情况下查看了%(name)s的档案") % {"who": who, "name": resident.name}
    tell = {"kind": "emergency", "subject": words, "by": by, "at": at}
    for user_id in queries.who_decides(resident.pk, at):
        notify(
            cause=f"emergency:{row.pk}:{user_id}", body=row.reason, url=reverse("residents-reads"), user_id=user_id,
            **tell,  # type: ignore[arg-type]
        )  # fmt: skip
    for organization_id in queries.overseers_of(row.organization_id, localtime(at).date()):
        notify(
            cause=f"emergency:{row.pk}:to:{organization_id}", url=reverse("residents-oversight"),
            organization_id=organization_id, role=Role.SECURITY_ADMIN, **{**tell, "subject": _unnamed(by)},  # type: ignore[arg-type]
        )  # fmt: skip


def _unnamed(by: Actor) -> str:
    """What an administrator reads: who looked, not at whom."""
    return _("%(who)s紧急查看了一位居民的档案") % {"who": f"{by.name} {by.organization}"}


def _require_words(text: str) -> None:
    if not text.strip():
        raise RuleBroken(_("还没有写内容。"), next_step=_("请写一两句话再提交。"))


def _address(row: Question) -> str:
    return reverse("residents-question", args=(row.pk,))
