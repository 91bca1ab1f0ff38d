"""Every write of the roster: postings, planning, moves, confirmations, publishing, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, begin_all, transition, transition_all
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    can_plan,
    can_post,
    can_record,
    can_step,
    parties,
    standing_of,
)
from kangqiao.domain.roster.rules import HALVES, is_workday, may_sit, said_when
from kangqiao.domain.roster.states import HALF_DAY, POSTING, ROSTER
from kangqiao.domain.scheduling.actions import Opening, open_sessions, withdraw_session
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.engines.planning import (
    Cell,
    Move,
    Progress,
    RosterPlan,
    Rule,
    Unmet,
    check_plan,
)
from kangqiao.engines.planning import (
    plan_roster as solve,
)
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken
from kangqiao.kernel.period import Period, week
from kangqiao.policy import at as policy_at

SOLVE_SECONDS = 5.0
_OPEN_POSTINGS = ("nominated", "approved", "posted")


def _require(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _hold(decision: Decision, next_step: str) -> None:
    if not decision:
        raise RuleBroken(decision.reason, next_step=next_step, clause=decision.clause)


# Postings


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
                _("派驻期要在协议期内：%(start)s 至 %(end)s。") % {"start": starts_on, "end": agreement.ends_on},
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


def _posting(posting_id: int) -> Posting:
    rows = Posting.objects.select_for_update(of=("self",)).select_related(
        "agreement", "centre__place", "practitioner__specialty", "practitioner__organization__part_of"
    )
    found = rows.filter(pk=posting_id).first()
    if found is None:
        raise NotVisible(_("没有这个派驻，或不在您的范围。"))
    return found


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
                "centre": agreement.centre.short_zh,
                "start": other.starts_on,
                "end": other.ends_on,
                "state": POSTING.state(other.status).zh,
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


# Planning


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
        raise RuleBroken(_("%(place)s还没有生效的协议，没有可排的任务。") % {"place": place.zh})
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


# The dispatcher's changes


def add_half_day(
    *, posting_id: int, day: date, half: str, roster_id: int | None = None, by: Actor, at: datetime
) -> HalfDay:
    """The dispatcher puts an expert on a half-day by hand; a later planning run keeps it.

    Without a roster for that week one is begun, so that a small place can be rostered by hand alone. Raises
    RuleBroken with the reason when the sitting is not lawful, Taken when somebody was faster.
    """
    with transaction.atomic():
        posting = _posting(posting_id)
        roster = _roster(posting, day, roster_id, by, at)
        _require(can_plan(standing_of(by), roster.place))
        _hold_sitting(roster.place, posting, day, half, None, at)
        row = _placed(roster, posting, day, half, by, at)
        record("roster.add_half_day", row, by=by, at=at, day=str(day), half=half, centre=row.centre_id)
    return row


def move_half_day(
    *,
    half_day_id: int,
    day: date,
    half: str,
    centre_id: int | None = None,
    practitioner_id: int | None = None,
    reason: str = "",
    by: Actor,
    at: datetime,
) -> HalfDay:
    """The dispatcher moves a half-day to another time or centre, or gives it to another expert; it stays fixed there.

    A confirmed half-day is not edited: it is cancelled with its session (the people booked are dealt with there) and
    a new one begins its own confirmations. Raises RuleBroken with the reason, Taken, Denied.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        place = row.roster.place
        _require(can_plan(standing_of(by), place))
        _hold_open(row)
        posting = queries.posting_of(practitioner_id or row.practitioner_id, centre_id or row.centre_id, day)
        if posting is None:
            _missing_posting(practitioner_id or row.practitioner_id, centre_id or row.centre_id, day, half)
        _hold_sitting(place, posting, day, half, row, at)
        was = {"day": str(row.day), "half": row.half, "centre": row.centre_id, "practitioner": row.practitioner_id}
        if row.status == "planned":
            _change(row, posting, day, half)
        else:
            text = reason or _("改到%(when)s") % {"when": said_when(day, half)}
            _cancelled(row, text, by, at)
            row = _placed(row.roster, posting, day, half, by, at)
        record("roster.move_half_day", row, by=by, at=at, was=was, day=str(day), half=half, centre=row.centre_id)
    return row


def cancel_half_day(*, half_day_id: int, reason: str, by: Actor, at: datetime) -> HalfDay:
    """A half-day falls out; when it was public its session is withdrawn and the people booked are dealt with there."""
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_step(standing_of(by), row, HALF_DAY.step("cancel").parties))
        _cancelled(row, reason, by, at)
        record("roster.cancel_half_day", row, by=by, at=at, reason=reason)
    return row


def _half_day(half_day_id: int) -> HalfDay:
    rows = HalfDay.objects.select_for_update(of=("self",)).select_related(
        "roster__place", "posting__agreement", "practitioner__specialty", "centre__place", "session"
    )
    found = rows.filter(pk=half_day_id).first()
    if found is None:
        raise NotVisible(_("没有这个半天，或不在您的范围。"))
    return found


def _hold_open(row: HalfDay) -> None:
    if row.status not in ("planned", "confirmed"):
        raise AlreadyMoved(_("这个半天%(state)s，不能再改。") % {"state": HALF_DAY.state(row.status).zh})


def _missing_posting(practitioner_id: int, centre_id: int, day: date, half: str) -> NoReturn:
    raise RuleBroken(
        queries.not_posted(practitioner_id, centre_id, day, half), next_step=_("请先办理派驻，或换一位已派驻的专家。")
    )


def _roster(posting: Posting, day: date, roster_id: int | None, by: Actor, at: datetime) -> Roster:
    if roster_id is not None:
        found = Roster.objects.select_related("place").filter(pk=roster_id, status__in=("draft", "published")).first()
        if found is None or not found.starts_on <= day < found.ends_on:
            raise RuleBroken(_("这张排班表不包括这一天，或已被新版替代。"), next_step=_("请刷新排班表。"))
        return found
    found = queries.roster_on(posting.centre.place_id, day)
    if found is not None:
        return found
    place = queries.planning_place(by.organization_id, posting.centre.place)
    span = week(day)
    last = Roster.objects.filter(place=place, starts_on=span.start).order_by("-version").first()
    roster = Roster.objects.create(
        place=place, starts_on=span.start, ends_on=span.start + timedelta(weeks=1),
        version=last.version + 1 if last else 1, policy_ref=queries.parameters_for(place.code, day).ref, planned_at=at,
    )  # fmt: skip
    begin(roster, ROSTER, by=by, at=at)
    return roster


def _hold_sitting(place: Place, posting: Posting, day: date, half: str, leaves: HalfDay | None, at: datetime) -> None:
    """Refuses a sitting that is not lawful; `leaves` is the half-day it replaces."""
    if half not in HALVES:
        raise RuleBroken(_("半天只有上午和下午。"))
    if day < timezone.localtime(at, queries.zone()).date():
        raise RuleBroken(_("%(day)s已经过去了。") % {"day": day}, next_step=_("请选今天或以后的半天。"))
    if not is_workday(day):
        raise RuleBroken(_("%(day)s是休息日，不排门诊。") % {"day": day}, next_step=_("请选工作日。"))
    if posting.status != "posted" or not posting.starts_on <= day < posting.ends_on:
        _missing_posting(posting.practitioner_id, posting.centre_id, day, half)
    asked = queries.question(place, week(day).start, 1, for_move=True)
    slot = asked.slot_of(day, half)
    assert slot is not None, "a working day has both halves"
    take = next((cell for cell, row in asked.standing.items() if leaves is not None and row.pk == leaves.pk), None)
    give = Cell(slot, str(posting.centre_id), str(posting.practitioner_id))
    verdict = may_sit(asked.problem, list(asked.standing), Move(take, give), asked.names, asked.start)
    _hold(verdict, _("请选别的半天，或换一位专家。"))


def _placed(roster: Roster, posting: Posting, day: date, half: str, by: Actor, at: datetime) -> HalfDay:
    try:
        with transaction.atomic():
            row = HalfDay.objects.create(
                roster=roster, posting=posting, practitioner=posting.practitioner, centre=posting.centre,
                day=day, half=half, is_fixed=True,
            )  # fmt: skip
    except IntegrityError as clash:
        raise _two_places(posting, day, half) from clash
    begin(row, HALF_DAY, by=by, at=at)
    return row


def _change(row: HalfDay, posting: Posting, day: date, half: str) -> None:
    row.posting, row.practitioner, row.centre = posting, posting.practitioner, posting.centre
    row.day, row.half, row.is_fixed = day, half, True
    # A new time or person was agreed by nobody yet.
    row.hospital_confirmed_at = row.centre_confirmed_at = None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as clash:
        raise _two_places(posting, day, half) from clash


def _two_places(posting: Posting, day: date, half: str) -> Taken:
    return Taken(
        _("%(who)s%(when)s已排在别处。") % {"who": posting.practitioner.name, "when": said_when(day, half)},
        next_step=_("请刷新排班表后再选。"),
    )


def _cancelled(row: HalfDay, reason: str, by: Actor, at: datetime) -> HalfDay:
    transition(row, HALF_DAY, "cancel", by=by, at=at, reason=reason)
    _withdraw(row, reason, by, at)
    return row


def _withdraw(row: HalfDay, reason: str, by: Actor, at: datetime) -> None:
    session = row.session
    # Once a session is over the desk writes off its bookings one by one.
    if session is None or session.status != "open" or session.ends_at <= at:
        return
    withdraw_session(session_id=session.pk, reason=reason, by=_planner(by), at=at)
    session.refresh_from_db()


def _planner(by: Actor) -> Actor:
    """Who opens or withdraws the session: sides that may confirm but not plan act through the roster itself."""
    return by if by.is_system or by.role == "dispatcher" else Actor.system("roster")


# Confirming, publishing, holding


def confirm_half_day(*, half_day_id: int, by: Actor, at: datetime) -> HalfDay:
    """One side agrees to time and place; once all sides the policy asks for agree and the roster is published,
    residents may book (SZ16-2.1b).

    Where one side is enough, the hospital's word or the dispatcher's is it. Raises Denied, AlreadyMoved.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        sides = parties(standing_of(by), row)
        _require(can_step(standing_of(by), row, HALF_DAY.step("confirm").parties))
        figures = queries.parameters_for(row.centre.place.code, row.day)
        both = figures.needs_both_sides
        if not sides & ({"hospital", "centre"} if both else {"hospital", "dispatcher"}):
            who = _("派出医院和社区中心各自") if both else _("派出医院")
            raise Denied(_("这个半天要由%(who)s确认。") % {"who": who}, clause=figures.confirming_parties.clause)
        if row.status != "planned":
            transition(row, HALF_DAY, "confirm", by=by, at=at)
        stamps: dict[str, Any] = {}
        if "hospital" in sides and row.hospital_confirmed_at is None:
            stamps["hospital_confirmed_at"] = at
        if "centre" in sides and row.centre_confirmed_at is None:
            stamps["centre_confirmed_at"] = at
        _confirmed(row, stamps, both, by, at)
        record("roster.confirm_half_day", row, by=by, at=at, sides=sorted(sides), status=row.status)
        if row.status == "confirmed" and row.roster.status == "published":
            _open([row], by, at)
    return row


def _confirmed(row: HalfDay, stamps: dict[str, Any], both: bool, by: Actor, at: datetime) -> None:
    for name, value in stamps.items():
        setattr(row, name, value)
    row.save(update_fields=("hospital_confirmed_at", "centre_confirmed_at"))
    if not both or (row.hospital_confirmed_at and row.centre_confirmed_at):
        transition(row, HALF_DAY, "confirm", by=by, at=at)


def publish_roster(*, roster_id: int, by: Actor, at: datetime) -> Roster:
    """The dispatcher publishes: confirmed half-days become bookable sessions; the rest wait for their second side.

    Where the policy asks for one side only, publishing is that confirmation. Raises RuleBroken for an empty roster,
    AlreadyMoved when it was published or superseded before, Denied.
    """
    with transaction.atomic():
        roster = Roster.objects.select_for_update(of=("self",)).select_related("place").filter(pk=roster_id).first()
        if roster is None:
            raise NotVisible(_("没有这张排班表。"))
        _require(can_plan(standing_of(by), roster.place))
        rows = list(queries.half_days_of(roster_id).select_for_update(of=("self",)))
        if roster.status == "draft" and not rows:
            raise RuleBroken(_("这张排班表是空的，没有可发布的半天。"), next_step=_("请先排班，或手工安排半天。"))
        transition(roster, ROSTER, "publish", by=by, at=at)
        for older in Roster.objects.filter(place=roster.place, starts_on=roster.starts_on, status="published"):
            if older.pk != roster.pk:
                transition(older, ROSTER, "supersede", by=by, at=at)
        alone = [row for row in rows if row.status == "planned" and not _figures(row).needs_both_sides]
        transition_all(alone, HALF_DAY, "confirm", by=by, at=at, hospital_confirmed_at=at)
        opened = _open([row for row in rows if row.status == "confirmed"], by, at)
        record("roster.publish_roster", roster, by=by, at=at, half_days=len(rows), opened=opened)
    return roster


def _figures(row: HalfDay) -> RosterParameters:
    return queries.parameters_for(row.centre.place.code, row.day)


def _open(rows: Iterable[HalfDay], by: Actor, at: datetime) -> int:
    """Opens the sessions of confirmed half-days that have none; a half-day that has begun opens none."""
    due, openings = [], []
    for row in rows:
        starts_at, ends_at = _figures(row).instants(row.day, row.half, queries.zone())
        if row.session_id is not None or starts_at <= at:
            continue
        specialty = row.practitioner.specialty
        due.append(row)
        openings.append(
            Opening(
                organization_id=row.centre_id,
                practitioner_id=row.practitioner_id,
                specialty=specialty.code if specialty else "",
                kind=Session.Kind.POSTED_EXPERT,
                starts_at=starts_at,
                ends_at=ends_at,
                source=f"roster.HalfDay:{row.pk}",
                parameters=SlotParameters.read(policy_at(row.centre.place.code, row.day)),
            )
        )
    for row, session in zip(due, open_sessions(openings=openings, by=_planner(by), at=at), strict=True):
        row.session = session
    HalfDay.objects.bulk_update(due, ("session",))
    return len(due)


def complete_half_day(*, half_day_id: int, by: Actor, at: datetime) -> HalfDay:
    """The centre attests that the expert came and worked. Raises RuleBroken before the half-day has begun."""
    return _held(half_day_id, "complete", "", by, at)


def miss_half_day(*, half_day_id: int, reason: str, by: Actor, at: datetime) -> HalfDay:
    """The centre writes down that the expert did not come, and why; the people booked are told by the session."""
    return _held(half_day_id, "miss", reason, by, at)


def _held(half_day_id: int, action: str, reason: str, by: Actor, at: datetime) -> HalfDay:
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_step(standing_of(by), row, HALF_DAY.step(action).parties))
        starts_at, _ends_at = queries.parameters_for(row.centre.place.code, row.day).instants(
            row.day, row.half, queries.zone()
        )
        if at < starts_at:
            raise RuleBroken(
                _("%(when)s的门诊还没有开始。") % {"when": said_when(row.day, row.half)},
                next_step=_("请在出诊当天登记。"),
            )
        transition(row, HALF_DAY, action, by=by, at=at, reason=reason)
        if action == "miss":
            _withdraw(row, reason, by, at)
        record(f"roster.{action}_half_day", row, by=by, at=at, reason=reason)
    return row


def record_activity(
    *,
    half_day_id: int,
    kind: str,
    people: int,
    topic: str = "",
    started_at: datetime | None = None,
    note: str = "",
    by: Actor,
    at: datetime,
) -> Activity:
    """What the expert did in a half-day, by one of the five kinds, with time and number of people (SZ16-2.1c).

    Time defaults to the start of the half-day. Raises RuleBroken for another kind, a time outside the day, or a
    half-day that did not take place; Denied.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_record(standing_of(by), row))
        starts_at, _ends_at = queries.parameters_for(row.centre.place.code, row.day).instants(
            row.day, row.half, queries.zone()
        )
        begun = started_at or starts_at
        if kind not in Activity.Kind.values:
            raise RuleBroken(_("没有这种服务类型。"), next_step=_("请从五种类型中选一种。"))
        if row.status not in ("confirmed", "done") or at < starts_at:
            raise RuleBroken(_("只能为已开始的半天登记服务。"), next_step=_("请在出诊当天或之后登记。"))
        if timezone.localtime(begun, queries.zone()).date() != row.day:
            raise RuleBroken(_("服务时间不在%(day)s这一天。") % {"day": row.day}, next_step=_("请核对时间。"))
        if people < 0:
            raise RuleBroken(_("人数不能小于零。"))
        activity = Activity.objects.create(
            half_day=row, kind=kind, topic=topic, people=people, started_at=begun, note=note, recorded_by=by.name
        )
        record("roster.record_activity", activity, by=by, at=at, kind=kind, people=people, half_day=row.pk)
    return activity


def notify_shortfalls(*, of: Period, place_code: str = "", by: Actor, at: datetime) -> int:
    """The week is closed: each hospital that kept too few half-days at a centre is told, once (ZH-3.2.1a).

    Answers how many notices were written. A week that is not over yet is refused with RuleBroken.
    """
    if of.end is None or of.end > timezone.localtime(at, queries.zone()).date():
        raise RuleBroken(_("这一周还没有结束。"))
    shortfalls = queries.week_shortfalls(place_code or None, of)
    return sum(_tell_half_days_missing(short, of, by, at) for short in shortfalls)


def _tell_half_days_missing(short: queries.WeekShortfall, of: Period, by: Actor, at: datetime) -> bool:
    centre = short.duties.centre
    notice = notify(
        cause=f"roster.shortfall:{centre.pk}:{of.start}",
        kind="half_days_missing",
        subject=_("%(centre)s第 %(number)s 周只有 %(kept)s/%(needed)s 个半天")
        % {
            "centre": centre.short_zh,
            "number": of.start.isocalendar().week,
            "kept": short.kept,
            "needed": short.needed,
        },
        body=_("请看这一周的出诊，安排补上。"),
        url=f"/roster/?week={of.start}",
        organization_id=short.duties.hospital.pk,
        role="guidance_office",
        clause=short.duties.half_days_clause,
        by=by,
        at=at,
    )
    return notice is not None


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
