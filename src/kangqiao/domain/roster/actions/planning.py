"""The machine plans; the draft and its proof are stored."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, begin_all, transition
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.actions.parts import _require
from kangqiao.domain.roster.models import HalfDay, Roster
from kangqiao.domain.roster.permissions import (
    can_plan,
    standing_of,
)
from kangqiao.domain.roster.states import HALF_DAY, ROSTER
from kangqiao.engines.planning import (
    Progress,
    RosterPlan,
    Rule,
    Unmet,
    check_plan,
)
from kangqiao.engines.planning import (
    plan_roster as solve,
)
from kangqiao.kernel.errors import AlreadyMoved, RuleBroken
from kangqiao.kernel.period import week

SOLVE_SECONDS = 5.0


def plan_roster(
    *,
    place_id: int,
    starts_on: date,
    weeks: int,
    seed: int = 1,
    time_limit_seconds: float = SOLVE_SECONDS,
    progress: Progress | None = None,
    by: Actor,
    at: datetime,
) -> Roster:
    """The machine plans the half-days of a place for some weeks and stores them as a draft with its proof.

    An earlier draft for the same start is superseded; what a person fixed and what is public stays. The solver runs
    before the rows are locked; if somebody changed the supply meanwhile, AlreadyMoved is raised. Raises RuleBroken
    for a start that is no Monday or lies in the past, for a place without agreements, or when a half-day that must
    stay has become unlawful; NoPolicyInForce.
    """
    asked = check_run(place_id=place_id, starts_on=starts_on, weeks=weeks, by=by, at=at)
    plan = solve(asked.problem, seed=seed, time_limit_seconds=time_limit_seconds, progress=progress)
    place = queries.get_place(place_id)
    with transaction.atomic():
        # One planning run at a time for a place: the row lock of the place queues them.
        Place.objects.select_for_update().get(pk=place_id)
        if queries.question(place, starts_on, weeks).problem != asked.problem:
            raise AlreadyMoved(_("排班期间有人改动了派驻、请假或排班。"), next_step=_("请再排一次。"))
        roster = _stored(place, asked, plan, weeks, by, at)
        _supersede_drafts(roster, by, at)
        _store_cells(roster, asked, plan, by, at)
        record(
            "roster.plan_roster", roster, by=by, at=at, policy_ref=asked.policy_ref, seed=seed, weeks=weeks,
            half_days=len(plan.cells), unmet=len(plan.unmet), method=plan.method,
        )  # fmt: skip
    return roster


def check_run(*, place_id: int, starts_on: date, weeks: int, by: Actor, at: datetime) -> queries.Question:
    """Whether a planning run may begin, before anybody waits for it; answers the question it would solve.

    Raises what `plan_roster` raises, and writes nothing.
    """
    place = queries.get_place(place_id)
    _require(can_plan(standing_of(by), place))
    if starts_on.weekday() != 0:
        raise RuleBroken(_("排班从周一开始，%(day)s不是周一。") % {"day": starts_on}, next_step=_("请选一个周一。"))
    if weeks < 1:
        raise RuleBroken(_("至少要排一周。"))
    if starts_on < week(timezone.localtime(at, queries.zone()).date()).start:
        raise RuleBroken(_("不能为过去的一周排班。"), next_step=_("请从本周或以后的一周开始。"))
    asked = queries.question(place, starts_on, weeks)
    if not asked.problem.demands:
        raise RuleBroken(_("%(place)s还没有生效的协议，没有可排的任务。") % {"place": queries.named(place)})
    broken = [each for each in check_plan(asked.problem, sorted(asked.problem.kept)) if each.rule != Rule.KEPT_MOVED]
    if broken:
        raise RuleBroken(queries.kept_broken(asked, broken), next_step=_("请先取消或改动这个半天，再排。"))
    return asked


def _stored(place: Place, asked: queries.Question, plan: RosterPlan, weeks: int, by: Actor, at: datetime) -> Roster:
    earlier = Roster.objects.filter(place=place, starts_on=asked.start).order_by("-version").first()
    roster = Roster.objects.create(
        place=place,
        starts_on=asked.start,
        ends_on=asked.start + timedelta(weeks=weeks),
        version=earlier.version + 1 if earlier else 1,
        objective=plan.objective,
        bound=plan.bound,
        gap=plan.gap,
        cpu_seconds=plan.cpu_seconds,
        unmet=[_unmet(each, asked) for each in plan.unmet],
        policy_ref=asked.policy_ref,
        planned_at=at,
    )
    begin(roster, ROSTER, by=by, at=at)
    return roster


def _supersede_drafts(roster: Roster, by: Actor, at: datetime) -> None:
    drafts = Roster.objects.select_for_update().filter(place=roster.place, starts_on=roster.starts_on, status="draft")
    for draft in drafts.exclude(pk=roster.pk):
        # Cells of a draft were never public: those nobody touched give way, the fixed ones move to the new version.
        draft.half_days.filter(status="planned", is_fixed=False).delete()
        draft.half_days.filter(status="planned").update(roster=roster)
        transition(draft, ROSTER, "supersede", by=by, at=at)


def _store_cells(roster: Roster, asked: queries.Question, plan: RosterPlan, by: Actor, at: datetime) -> None:
    rows = []
    for cell in plan.cells:
        if cell in asked.problem.kept:
            continue
        day, half = asked.when(cell.slot)
        posting = asked.postings[cell.expert_id, cell.centre_id]
        rows.append(
            HalfDay(
                roster=roster, posting=posting, practitioner_id=posting.practitioner_id, centre_id=posting.centre_id,
                day=day, half=half,
            )
        )  # fmt: skip
    begin_all(HalfDay.objects.bulk_create(rows), HALF_DAY, by=by, at=at)


def _unmet(unmet: Unmet, asked: queries.Question) -> dict[str, Any]:
    short = unmet.shortfall
    return {
        "centre": short.centre_id,
        "what": short.what.value,
        "week": None if short.week is None else str(asked.start + timedelta(weeks=short.week)),
        "needed": short.needed,
        "got": short.got,
        "specialty": short.specialty,
        "reason": unmet.reason.value,
        "params": _plain(unmet.reason_params, asked),
        "remedies": [{"kind": each.kind.value, "params": _plain(each.params, asked)} for each in unmet.remedies],
    }


def _plain(params: Any, asked: queries.Question) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in params.items():
        if key == "slot":
            day, half = asked.when(value)
            found.update(day=str(day), half=half)
        elif key == "week":
            found["week"] = str(asked.start + timedelta(weeks=value))
        elif key == "hospital_id" and str(value).startswith("centre:"):
            found[key] = asked.names.hospital_of_centre[str(value).removeprefix("centre:")]
        else:
            found[key] = list(value) if isinstance(value, tuple) else value
    return found
