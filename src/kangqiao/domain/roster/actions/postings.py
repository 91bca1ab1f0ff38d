"""Writing postings: named, approved, sent, ended."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, take_back, transition
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.actions.parts import _cancelled, _hold, _posting, _require
from kangqiao.domain.roster.models import Posting
from kangqiao.domain.roster.permissions import (
    can_post,
    standing_of,
)
from kangqiao.domain.roster.states import POSTING
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

_OPEN_POSTINGS = ("nominated", "approved", "posted")


def nominate_expert(
    *, practitioner_id: int, centre_id: int, starts_on: date, ends_on: date | None = None, by: Actor, at: datetime
) -> Posting:
    """A hospital names an expert for a centre it is bound to; without an end the posting runs as the agreement does.

    Raises RuleBroken when the title rule, the agreement or an overlapping posting forbids it (SZ16-1c), or Denied.
    """
    with transaction.atomic():
        expert = _expert(practitioner_id)
        hospital = queries.hospital_of(expert)
        _require(can_post(standing_of(by), hospital.pk))
        agreement = _relation(hospital.pk, centre_id, starts_on)
        _hold(queries.title_check(expert, agreement.centre, starts_on), _("请换一位符合条件的专家。"))
        ends_on = ends_on or agreement.ends_on
        if not starts_on < ends_on <= agreement.ends_on:
            raise RuleBroken(
                _("派驻期要在协议期内：%(start)s 至 %(end)s。")
                % {"start": agreement.starts_on, "end": agreement.last_day},
                next_step=_("请改起止日期。"),
            )
        _no_overlap(expert, agreement, starts_on, ends_on)
        reference = queries.parameters_for(agreement.centre.place.code, starts_on).ref
        try:
            with transaction.atomic():
                posting = Posting.objects.create(
                    practitioner=expert, centre=agreement.centre, agreement=agreement,
                    starts_on=starts_on, ends_on=ends_on, policy_ref=reference,
                )  # fmt: skip
        except IntegrityError as clash:
            raise Taken(_("刚刚有人为同一位专家办了重叠的派驻。"), next_step=_("请刷新后再看。")) from clash
        begin(posting, POSTING, by=by, at=at)
        record("roster.nominate_expert", posting, by=by, at=at, policy_ref=reference, centre=centre_id)
    return posting


def approve_posting(*, posting_id: int, by: Actor, at: datetime) -> Posting:
    """The hospital agrees to send the expert. Raises RuleBroken, Denied, AlreadyMoved."""
    return _posting_step(posting_id, "approve", "", by, at)


def undo_approval(*, posting_id: int, by: Actor, at: datetime) -> Posting:
    """The hospital approved the wrong nominee: it is to be decided again."""
    with transaction.atomic():
        posting = _posting(posting_id)
        take_back(posting, POSTING, "approve", by=by, at=at)
        record("roster.undo_approval", posting, by=by, at=at)
    return posting


def refuse_posting(*, posting_id: int, reason: str, by: Actor, at: datetime) -> Posting:
    """The hospital does not send the nominee, and says why."""
    return _posting_step(posting_id, "refuse", reason, by, at)


def post_expert(*, posting_id: int, by: Actor, at: datetime) -> Posting:
    """The expert is sent: from the first day on he or she may be rostered at the centre (SZ16-1c)."""
    return _posting_step(posting_id, "post", "", by, at)


def end_posting(*, posting_id: int, reason: str, ends_on: date | None = None, by: Actor, at: datetime) -> Posting:
    """A posting ends early: `ends_on` is the first day no longer covered, tomorrow when not given.

    Half-days from that day on are cancelled with their bookings; when the centre falls below the experts it must have,
    the hospital's guidance office is told (SZ16-2.1a).
    """
    with transaction.atomic():
        posting = _posting(posting_id)
        _require(can_post(standing_of(by), posting.agreement.hospital_id))
        today = timezone.localtime(at, queries.zone()).date()
        last = max(ends_on or today + timedelta(days=1), posting.starts_on + timedelta(days=1))
        transition(posting, POSTING, "end", by=by, at=at, reason=reason, ends_on=min(last, posting.ends_on))
        left = posting.half_days.filter(day__gte=posting.ends_on, status__in=("planned", "confirmed"))
        cancelled = [_cancelled(row, reason, by, at) for row in left.select_related("session")]
        record("roster.end_posting", posting, by=by, at=at, ends_on=str(posting.ends_on), cancelled=len(cancelled))
        _tell_experts_missing(posting, by, at)
    return posting


def end_due_postings(*, on: date, by: Actor, at: datetime) -> list[Posting]:
    """Postings whose term is over are closed, and the hospitals of centres that now lack experts are told."""
    with transaction.atomic():
        due = Posting.objects.select_for_update(of=("self",)).filter(status="posted", ends_on__lte=on)
        ended = list(due.select_related("agreement", "centre__place", "practitioner"))
        for posting in ended:
            transition(posting, POSTING, "end", by=by, at=at, reason=_("派驻期满"))
            record("roster.end_posting", posting, by=by, at=at, ends_on=str(posting.ends_on))
            _tell_experts_missing(posting, by, at)
    return ended


def _posting_step(posting_id: int, action: str, reason: str, by: Actor, at: datetime) -> Posting:
    with transaction.atomic():
        posting = _posting(posting_id)
        _require(can_post(standing_of(by), posting.agreement.hospital_id))
        if action in ("approve", "post"):
            first = max(posting.starts_on, timezone.localtime(at, queries.zone()).date())
            _hold(queries.title_check(posting.practitioner, posting.centre, first), _("请换一位符合条件的专家。"))
        transition(posting, POSTING, action, by=by, at=at, reason=reason)
        record(f"roster.{action}_posting", posting, by=by, at=at, policy_ref=posting.policy_ref)
    return posting


def _expert(practitioner_id: int) -> Practitioner:
    # Locked, so that two nominations of one person are judged one after the other.
    rows = Practitioner.objects.select_for_update(of=("self",)).select_related("organization__part_of", "specialty")
    found = rows.filter(pk=practitioner_id).first()
    if found is None:
        raise NotVisible(_("没有这位人员。"))
    return found


def _relation(hospital_id: int, centre_id: int, on: date) -> Agreement:
    held = agreements.in_force(on, kinds=agreements.RELATIONS).filter(hospital=hospital_id, centre=centre_id).first()
    if held is None:
        raise RuleBroken(
            _("这家医院和这家中心在%(day)s没有生效的协议。") % {"day": on},
            next_step=_("请先签订协议，或改派驻的开始日期。"),
        )
    return held


def _no_overlap(expert: Practitioner, agreement: Agreement, starts_on: date, ends_on: date) -> None:
    same = Posting.objects.filter(practitioner=expert, centre=agreement.centre, status__in=_OPEN_POSTINGS)
    other = same.filter(starts_on__lt=ends_on, ends_on__gt=starts_on).first()
    if other is not None:
        raise RuleBroken(
            _("%(who)s在%(centre)s已有派驻：%(start)s 至 %(end)s（%(state)s），时间重叠。")
            % {
                "who": expert.name,
                "centre": queries.named(agreement.centre),
                "start": other.starts_on,
                "end": other.ends_on,
                "state": queries.named(POSTING.state(other.status)),
            },
            next_step=_("请改开始日期，或先结束原来的派驻。"),
        )


def _tell_experts_missing(posting: Posting, by: Actor, at: datetime) -> None:
    minimum = queries.parameters_for(posting.centre.place.code, posting.ends_on).experts_per_centre_min
    people = queries.experts_posted([posting.centre_id], posting.ends_on).get(posting.centre_id, 0)
    if people >= minimum.integer():
        return
    notify(
        cause=f"roster.experts:{posting.pk}",
        kind="experts_missing",
        subject=_("%(centre)s自%(day)s起只有 %(people)s/%(minimum)s 名专家")
        % {
            "centre": posting.centre.short_zh,
            "day": posting.ends_on,
            "people": people,
            "minimum": minimum.integer(),
        },
        body=_("%(who)s的派驻结束了，请补派一名专家。") % {"who": posting.practitioner.name},
        url="/roster/postings/",
        organization_id=posting.agreement.hospital_id,
        role="guidance_office",
        clause=minimum.clause,
        by=by,
        at=at,
    )
