"""Asking residents some days after a visit how they are: planned, asked, answered, read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record, record_all
from kangqiao.base.bulk import reserve_ids
from kangqiao.base.transition import begin_all, moved_meanwhile, transition, transition_all
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.followup import permissions, queries, rules
from kangqiao.domain.followup.models import Survey, SurveyAnswer
from kangqiao.domain.followup.parameters import FollowupParameters
from kangqiao.domain.followup.states import SURVEY
from kangqiao.domain.messaging.actions import notify_all
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents.queries import accounts_deciding
from kangqiao.kernel.errors import Denied, RuleBroken

# Residents asked in one transaction of the job.
PIECE = 500


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit somebody is asked about: whose, of which kind, where, who saw them, and which centre looks after them."""

    resident_id: int
    kind: str
    on: date
    source: str
    organization_id: int
    desk_id: int
    practitioner_id: int | None


def plan_surveys(*, visits: Sequence[Visit], by: Actor, at: datetime) -> int:
    """For each visit a questionnaire is planned some days later; returns how many are new (XH23-5.4.4c).

    One visit once, and one at a time for who comes often. Raises Denied to anybody but a job.
    """
    _allow_job(by)
    with transaction.atomic():
        terms = queries.terms_by_desk({one.desk_id for one in visits}, localtime(at).date())
        asked = [one for one in visits if one.desk_id in terms]
        ids = reserve_ids(Survey, len(asked))
        made = [_planned(pk, one, terms[one.desk_id]) for pk, one in zip(ids, asked, strict=True)]
        Survey.objects.bulk_create(made, ignore_conflicts=True)
        rows = list(Survey.objects.filter(pk__in=ids).order_by("pk"))
        begin_all(rows, SURVEY, by=by, at=at)
        traces = [Trace(one, {"kind": one.kind}, one.resident_id, one.policy_ref) for one in rows]
        record_all("followup.plan_survey", traces, by=by, at=at)
    return len(rows)


def ask_surveys(*, by: Actor, at: datetime) -> int:
    """The next piece of what is to be asked by today goes to the residents; who has died is not asked.

    Who could not be asked on the day gets as long as everybody. Returns how many were worked on. Raises Denied.
    """
    _allow_job(by)
    with transaction.atomic():
        on = localtime(at).date()
        rows = queries.due_surveys(on, PIECE)
        dead = [one for one in rows if one.resident.deceased_on is not None]
        transition_all(dead, SURVEY, "drop", by=by, at=at)
        alive: dict[timedelta, list[Survey]] = defaultdict(list)
        for one in rows:
            if one.resident.deceased_on is None:
                alive[one.answer_by - one.ask_on].append(one)
        for term, some in alive.items():
            transition_all(some, SURVEY, "ask", by=by, at=at, ask_on=on, answer_by=on + term)
        _ask([one for some in alive.values() for one in some], by=by, at=at)
    return len(rows)


def lapse_surveys(*, by: Actor, at: datetime) -> int:
    """The next piece of what nobody answered in time stands as such from now on. Returns how many. Raises Denied."""
    _allow_job(by)
    with transaction.atomic():
        rows = queries.late_surveys(localtime(at).date(), PIECE)
        transition_all(rows, SURVEY, "lapse", by=by, at=at)
        record_all("followup.lapse_survey", [Trace(one, {}, one.resident_id) for one in rows], by=by, at=at)
    return len(rows)


def answer_survey(
    *, survey_id: int, answers: Mapping[str, str], words: str = "", by: Actor, at: datetime
) -> Survey:  # fmt: skip
    """The resident answers, or the centre writes down what was said on the telephone; the doctor is told.

    What worries by the pack is told the whole centre too. Raises Denied, RuleBroken where a question is open,
    AlreadyMoved when somebody answered before.
    """
    with transaction.atomic():
        row = _survey(survey_id, "answer", by, at)
        found = rules.chosen(queries.questionnaire_of(row), answers)
        if found is None:
            raise RuleBroken(_("还有问题没有选。"), next_step=_("每题选一个，选好的都在。"))
        SurveyAnswer.objects.bulk_create(
            SurveyAnswer(
                survey=row, key=one.key, zh=one.zh, en=one.en, choice=choice.key, choice_zh=choice.zh,
                choice_en=choice.en, is_worrying=choice.is_worrying,
            )
            for one, choice in found
        )  # fmt: skip
        transition(
            row, SURVEY, "answer", by=by, at=at, answered_at=at, by_name=by.name, words=words.strip(),
            is_worrying=any(choice.is_worrying for _question, choice in found),
        )  # fmt: skip
        record("followup.answer_survey", row, by=by, at=at, resident_id=row.resident_id, worrying=row.is_worrying)
        _tell_doctor(row, by=by, at=at)
    return row


def read_survey(*, survey_id: int, reason: str = "", by: Actor, at: datetime) -> Survey:
    """The doctor has read the answers; of what worries the doctor says what was done. Raises Denied, RuleBroken."""
    with transaction.atomic():
        row = _survey(survey_id, "read", by, at)
        if row.is_worrying and not reason.strip():
            raise RuleBroken(
                _("这份回答要留意，请写怎么处理的。"), next_step=_("写一句，例如：电话里嘱咐停药，明天来看。")
            )
        transition(row, SURVEY, "read", by=by, at=at, reason=reason.strip())
        record("followup.read_survey", row, by=by, at=at, resident_id=row.resident_id)
    return row


# --- inside ---------------------------------------------------------------------------------------------------


def _allow_job(by: Actor) -> None:
    if not by.is_system:
        raise Denied(_("由系统任务做。"))


def _planned(pk: int, visit: Visit, terms: FollowupParameters) -> Survey:
    after, within = terms.survey_after.integer(), terms.survey_within.integer()
    ask_on, answer_by = rules.survey_days(visit.on, after=after, within=within)
    return Survey(
        pk=pk, resident_id=visit.resident_id, kind=visit.kind, source=visit.source, desk_id=visit.desk_id,
        organization_id=visit.organization_id, practitioner_id=visit.practitioner_id, visit_on=visit.on, ask_on=ask_on,
        answer_by=answer_by, policy_ref=terms.ref,
    )  # fmt: skip


def _ask(rows: list[Survey], *, by: Actor, at: datetime) -> None:
    accounts = accounts_deciding([one.resident_id for one in rows], at)
    notices = [
        Notice(
            cause=f"survey:{one.pk}:ask:{user_id}", kind="survey", subject=_("就诊后怎么样了？请点几下告诉医生"),
            url=reverse("followup-survey-answer", args=(one.pk,)), user_id=user_id,
        )
        for one in rows
        for user_id in accounts[one.resident_id]
    ]  # fmt: skip
    notify_all(notices=notices, by=by, at=at)
    record_all("followup.ask_survey", [Trace(one, {}, one.resident_id) for one in rows], by=by, at=at)


def _survey(survey_id: int, action: str, by: Actor, at: datetime) -> Survey:
    rows = Survey.objects.select_for_update(of=("self",)).select_related("desk__place", "practitioner", "resident")
    found = rows.filter(pk=survey_id).first()
    if found is None:
        raise queries.no_survey()
    step = SURVEY.step(action)
    allowed = permissions.can_step(by, found, step.parties, at)
    if not allowed:
        raise Denied(allowed.reason)
    if found.status not in step.sources:
        raise moved_meanwhile(found, SURVEY)
    return found


def _tell_doctor(row: Survey, *, by: Actor, at: datetime) -> None:
    """The doctor who saw the resident hears of it, and the centre where that is another house or something worries."""
    doctor, house = queries.account_of_doctor(row, at), row.practitioner and row.practitioner.organization_id
    subject = _("居民诊后的回答要马上看") if row.is_worrying else _("居民回答了诊后问卷")
    told: dict[str, dict[str, Any]] = {}
    if doctor is not None and f"user:{doctor}" != by.id:
        told["doctor"] = {"user_id": doctor}
    if doctor is None or house != row.desk_id or row.is_worrying:
        told["desk"] = {"organization_id": row.desk_id, "role": Role.GP}
    url = reverse("followup-survey", args=(row.pk,))
    notices = [
        Notice(cause=f"survey:{row.pk}:answer:{who}", kind="survey", subject=subject, url=url, **to)
        for who, to in told.items()
    ]
    notify_all(notices=notices, by=by, at=at)
