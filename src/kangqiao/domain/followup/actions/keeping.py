"""Assessing, doing what is due, inviting, keeping the register of groups."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.contracting.models import Contract, Group, Team, TeamMember
from kangqiao.domain.contracting.queries import running_of
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.followup import permissions, queries, rules
from kangqiao.domain.followup.models import Assessment, CarePlan, GroupChannel, Invitation, PlanItem
from kangqiao.domain.followup.parameters import Ground, HealthClass, classes_at
from kangqiao.domain.followup.states import PLAN
from kangqiao.domain.messaging.actions import notify
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken


def assess(*, contract_id: int, goals: str = "", by: Actor, at: datetime) -> CarePlan:
    """The facts of the record put a contracted resident into a class, and a plan with its items follows from it.

    The plan before is replaced; what was due earlier stays due then. `goals` in the doctor's words stand instead of the
    pack's. Raises Denied, NotVisible, RuleBroken without a running contract or twice on a day (XH23-5.2.2b).
    """
    with transaction.atomic():
        contract, on = _contract(contract_id), localtime(at).date()
        _allow(permissions.can_plan(by, contract.team, contract.resident_id, at))
        if contract.status not in RUNNING:
            raise RuleBroken(_("这份签约没有生效，不能评估。"), next_step=_("请先签约。"))
        place = contract.team.organization.place.code
        terms = queries.terms_of(contract.team, on)
        facts = queries.facts_of([contract.resident], terms, on)[contract.resident_id]
        level, met = rules.class_of(facts, classes_at(place, on))
        row = _assessment(contract, level, met, terms.ref, by, on)
        before = CarePlan.objects.select_for_update().filter(resident=contract.resident, status="running").first()
        if before is not None:
            transition(before, PLAN, "replace", by=by, at=at)
        plan = CarePlan.objects.create(
            resident=contract.resident, contract=contract, assessment=row, goals=goals.strip() or level.goals_zh,
            goals_en=goals.strip() or level.goals_en, review_on=on + timedelta(days=level.review_days),
        )  # fmt: skip
        begin(plan, PLAN, by=by, at=at)
        due = {(one.act, one.zh): one for one in before.items.filter(done_on__isnull=True)} if before else {}
        for task in level.tasks:
            old, first = due.get((task.act, task.zh)), rules.next_due(on, task.every_days)
            PlanItem.objects.create(
                plan=plan, act=task.act, zh=task.zh, en=task.en, every_days=task.every_days,
                since=min(old.since, on) if old else on, due_on=min(old.due_on, first) if old else first,
            )  # fmt: skip
        record("followup.assess", row, by=by, at=at, resident_id=row.resident_id, policy_ref=terms.ref)
        _tell(contract, by=by, at=at)
    return plan


def finish_item(*, item_id: int, note: str = "", by: Actor, at: datetime) -> PlanItem:
    """Something of the plan was done today; when it is due again follows.

    Raises Denied, NotVisible, AlreadyMoved when the plan was replaced meanwhile, Taken when the item was done.
    """
    with transaction.atomic():
        row = _item(item_id)
        _allow(permissions.can_plan(by, row.plan.contract.team, row.plan.resident_id, at))
        _finish(row, localtime(at).date(), note, by=by, at=at)
    return row


def follow_services(*, by: Actor, at: datetime) -> dict[str, int]:
    """What the record shows as done is done in the plan too; plans go on in the team's next term, or close without one.

    One that somebody works on in the same moment is left to the next night. Raises Denied to anybody but a job.
    """
    if not by.is_system:
        raise Denied(_("由系统任务做。"))
    with transaction.atomic():
        done = sum(_served(item_id, on, by=by, at=at) for item_id, on in queries.done_by_services(localtime(at).date()))
        over = queries.over_plans()
        running = running_of([plan.resident_id for plan in over])
        closed = sum(_go_on(plan, running.get(plan.resident_id), by=by, at=at) for plan in over)
    return {"done": done, "closed": closed}


def invite(
    *, team_id: int, resident_id: int, group: str, way: str, outcome: str, again_on: date | None = None, by: Actor,
    at: datetime,
) -> Invitation:  # fmt: skip
    """Somebody of a key group without a contract was asked; who wants to think or was not reached is asked again.

    Raises Denied, RuleBroken without a later day to ask again, Taken where they were asked today.
    """
    with transaction.atomic():
        team, on = _team(team_id), localtime(at).date()
        _allow(permissions.can_plan(by, team, resident_id, at))
        asks_again = outcome in (Invitation.Outcome.LATER, Invitation.Outcome.UNREACHED)
        if asks_again and (again_on is None or again_on <= on):
            raise RuleBroken(_("请写以后哪天再联系。"), next_step=_("日期要在今天以后。"))
        try:
            with transaction.atomic():
                row = Invitation.objects.create(
                    resident_id=resident_id, team=team, group=Group(group).value, on=on,
                    way=Invitation.Way(way).value, outcome=Invitation.Outcome(outcome).value,
                    again_on=again_on if asks_again else None, by_name=by.name,
                )  # fmt: skip
        except IntegrityError as clash:
            raise Taken(_("今天已经联系过这位居民。"), next_step=_("请看上一次的结果。")) from clash
        record("followup.invite", row, by=by, at=at, resident_id=resident_id, outcome=row.outcome)
    return row


def register_channel(
    *, owner_id: int, kind: str, platform: str, zh: str, people: int, by: Actor, at: datetime
) -> GroupChannel:
    """A team's group on another platform enters the register: its owner and a count, nobody's name (FT18-2.2k).

    Raises Denied, NotVisible, Taken where the team has a group of that name.
    """
    with transaction.atomic():
        rows = TeamMember.objects.select_related("team").filter(pk=owner_id, until__isnull=True)
        owner = rows.first()
        if owner is None:
            raise NotVisible(_("没有这位成员，或已经离开团队。"))
        _allow(permissions.can_keep_channels(by, owner.team))
        try:
            with transaction.atomic():
                row = GroupChannel.objects.create(
                    team=owner.team, owner=owner, kind=GroupChannel.Kind(kind).value, platform=platform.strip(),
                    zh=zh.strip(), people=people, counted_on=localtime(at).date(),
                )  # fmt: skip
        except IntegrityError as clash:
            raise Taken(_("这个团队已有同名的群。"), next_step=_("请换个名称，或更新原来那一个的人数。")) from clash
        record("followup.register_channel", row, by=by, at=at, people=people)
    return row


def count_channel(
    *, channel_id: int, people: int, posts: int, is_ended: bool = False, by: Actor, at: datetime
) -> GroupChannel:
    """How many are in a group now and what was posted in the month; or the group is no longer kept.

    Raises Denied, NotVisible.
    """
    with transaction.atomic():
        rows = GroupChannel.objects.select_for_update(of=("self",)).select_related("team")
        row = rows.filter(pk=channel_id, ended_on__isnull=True).first()
        if row is None:
            raise queries.no_plan()
        _allow(permissions.can_keep_channels(by, row.team))
        row.people, row.posts, row.counted_on = people, posts, localtime(at).date()
        row.ended_on = row.counted_on if is_ended else None
        row.save(update_fields=("people", "posts", "counted_on", "ended_on"))
        record("followup.count_channel", row, by=by, at=at, people=people, posts=posts)
    return row


# --- inside ---------------------------------------------------------------------------------------------------


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason)


def _contract(contract_id: int) -> Contract:
    # Locked as the person: two assessments of one resident wait for each other.
    rows = Contract.objects.select_for_update(of=("self",)).select_related("team__organization__place", "resident")
    found = rows.filter(pk=contract_id).first()
    if found is None:
        raise queries.no_plan()
    return found


def _assessment(
    contract: Contract, level: HealthClass, met: list[Ground], ref: str, by: Actor, on: date
) -> Assessment:  # fmt: skip
    try:
        with transaction.atomic():
            return Assessment.objects.create(
                resident=contract.resident, contract=contract, on=on, level=level.key, zh=level.zh, en=level.en,
                grounds=[one.zh for one in met], grounds_en=[one.en for one in met], by_name=by.name, policy_ref=ref,
            )  # fmt: skip
    except IntegrityError as clash:
        raise Taken(_("今天已经评估过了。"), next_step=_("请看现在的方案；事实变了，明天再评估。")) from clash


def _item(item_id: int) -> PlanItem:
    # The plan is locked before the item: who replaces it waits until what was done stands in it.
    held = PlanItem.objects.filter(pk=item_id).values("plan")
    plan = CarePlan.objects.select_for_update().filter(pk__in=held).first()
    if plan is None:
        raise queries.no_plan()
    if plan.status != "running":
        raise moved_meanwhile(plan, PLAN)
    rows = PlanItem.objects.select_for_update(of=("self",)).select_related("plan__contract__team")
    found = rows.get(pk=item_id)
    if found.done_on is not None:
        raise Taken(_("%(who)s已经记过这一项。") % {"who": found.by_name}, next_step=_("请刷新后再看。"))
    return found


def _served(item_id: int, on: date, *, by: Actor, at: datetime) -> bool:
    """Whether the item was still open."""
    try:
        with transaction.atomic():
            _finish(_item(item_id), on, "", by=by, at=at)
    except (Taken, NotVisible, IntegrityError):
        return False
    return True


def _go_on(plan: CarePlan, contract: Contract | None, *, by: Actor, at: datetime) -> bool:
    """Whether a plan closes whose contract is over; where the same team goes on, it goes on under the new term."""
    new = contract if contract is not None and contract.team_id == plan.contract.team_id else None
    try:
        with transaction.atomic():
            if new is None:
                transition(plan, PLAN, "close", by=by, at=at)
            elif CarePlan.objects.filter(pk=plan.pk, status="running").update(contract=new):
                record("followup.renew_plan", plan, by=by, at=at, resident_id=plan.resident_id, contract=new.pk)
    except AlreadyMoved:
        return False
    return new is None


def _finish(row: PlanItem, on: date, note: str, *, by: Actor, at: datetime) -> None:
    row.done_on, row.note, row.by_name = on, note.strip(), by.name
    row.save(update_fields=("done_on", "note", "by_name"))
    PlanItem.objects.create(
        plan=row.plan, act=row.act, zh=row.zh, en=row.en, every_days=row.every_days, since=on,
        due_on=rules.next_due(on, row.every_days),
    )  # fmt: skip
    record("followup.finish_item", row, by=by, at=at, resident_id=row.plan.resident_id, act=row.act)


def _team(team_id: int) -> Team:
    found = Team.objects.filter(pk=team_id).first()
    if found is None:
        raise queries.no_plan()
    return found


def _tell(contract: Contract, *, by: Actor, at: datetime) -> None:
    if contract.resident.user_id is not None:
        notify(
            cause=f"plan:{contract.pk}:{at.isoformat()}", kind="plan", subject=_("您有新的健康方案"),
            url=reverse("followup-mine"), user_id=contract.resident.user_id, by=by, at=at,
        )  # fmt: skip
