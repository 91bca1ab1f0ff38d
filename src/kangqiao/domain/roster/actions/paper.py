"""Postings, rosters and half-days that were on paper before the site knew them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import Trace, record, record_all
from kangqiao.base.transition import begin_all, transition_all
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.actions.parts import _hold
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.roster.states import POSTING
from kangqiao.kernel.errors import Denied, RuleBroken, Taken


def import_posted(
    *, postings: Sequence[Posting], office: Callable[[Posting], Actor], by: Actor, at: datetime
) -> list[Posting]:
    """Experts who serve already are read in as posted: named, approved and sent by the offices of their hospitals.

    The rows come unsaved, with expert, centre, agreement and term. Each leaves the history and the events that
    `nominate_expert`, `approve_posting` and `post_expert` would have left, in a few statements for all, and is held to
    the same title rule and term (SZ16-1c). Raises Denied to anybody but a named job, RuleBroken, Taken.
    """
    if not by.is_system:
        raise Denied(_("已在派驻的专家只能由导入任务写入。"))
    _hold_all(postings)
    try:
        with transaction.atomic():
            Posting.objects.bulk_create(postings)
            own: dict[Actor, list[Posting]] = defaultdict(list)
            for posting in postings:
                own[office(posting)].append(posting)
            for person, theirs in own.items():
                begin_all(theirs, POSTING, by=person, at=at)
                _record("nominate_expert", theirs, person, at)
                for action in ("approve", "post"):
                    transition_all(theirs, POSTING, action, by=person, at=at)
                    _record(f"{action}_posting", theirs, person, at)
    except IntegrityError as clash:
        raise Taken(_("有专家在同一家中心的派驻时间重叠。"), next_step=_("请核对名单中的起止日期。")) from clash
    return list(postings)


def _hold_all(postings: Sequence[Posting]) -> None:
    """The title rule and the term of the agreement, for each; a posting carries the policy it was judged by."""
    specialties = queries.specialty_codes()
    for posting in postings:
        expert, centre, agreement = posting.practitioner, posting.centre, posting.agreement
        first = queries.title_check(expert, centre, posting.starts_on, specialties)
        _hold(first, _("请换一位符合条件的专家。"))
        if agreement.kind not in agreements.RELATIONS or agreement.status != "in_force":
            raise RuleBroken(_("这家医院和这家中心没有生效的协议。"), next_step=_("请先签订协议。"))
        if not agreement.starts_on <= posting.starts_on < posting.ends_on <= agreement.ends_on:
            raise RuleBroken(
                _("派驻期要在协议期内：%(start)s 至 %(end)s。")
                % {"start": agreement.starts_on, "end": agreement.last_day},
                next_step=_("请改起止日期。"),
            )
        posting.policy_ref = queries.parameters_for(centre.place.code, posting.starts_on).ref


def _record(action: str, postings: Sequence[Posting], by: Actor, at: datetime) -> None:
    detail = [{"centre": one.centre_id} if action == "nominate_expert" else {} for one in postings]
    traces = [Trace(one, told, policy_ref=one.policy_ref) for one, told in zip(postings, detail, strict=True)]
    record_all(f"roster.{action}", traces, by=by, at=at)


def import_past(
    *, postings: Sequence[Posting], half_days: Sequence[HalfDay], rosters: Sequence[Roster], by: Actor, at: datetime
) -> None:
    """Finished postings, and rosters of the past with their half-days, are read in as they were.

    Only a named job may; the rows come with their status, and one audit row stands for all. Raises Denied.
    """
    if not by.is_system:
        raise Denied(_("历史排班只能由导入任务写入。"))
    with transaction.atomic():
        Posting.objects.bulk_create(postings)
        Roster.objects.bulk_create(rosters)
        HalfDay.objects.bulk_create(half_days, batch_size=2000)
        record("roster.import_past", Roster(), by=by, at=at, postings=len(postings), half_days=len(half_days))
