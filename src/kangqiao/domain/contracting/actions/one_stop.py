"""Pilots of the one-stop service: begun and ended, visits arranged, steps done one by one (FT18-3.1a)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, transition
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Contract, OneStop, OneStopStep, Pilot, TeamMember
from kangqiao.domain.contracting.parameters import Flow, one_stop_hours_at
from kangqiao.domain.contracting.permissions import can_import
from kangqiao.domain.contracting.states import ONE_STOP
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.records.models import Encounter
from kangqiao.kernel.errors import AlreadyMoved, NotVisible, RuleBroken, Taken
from kangqiao.policy import at as policy_at

# Today's visits begin at a full five minutes.
ROUND = timedelta(minutes=5)


def begin_pilot(
    *, organization_id: int, starts_on: date, aim: str = "", is_demo: bool = False, by: Actor, at: datetime
) -> Pilot:
    """A centre tries the one-stop service from a day on.

    Raises Denied, RuleBroken for a house that has no teams, for a place without a flow, a day gone or inside an
    earlier pilot, Taken where one is open already.
    """
    with transaction.atomic():
        house = organization_by_id(organization_id)
        _allow(permissions.can_keep_pilot(by, house))
        if house.kind not in queries.REGISTERING:
            raise RuleBroken(_("试点在有家庭医生团队的中心或站进行。"), next_step=_("请另选一家。"))
        if starts_on < localtime(at).date():
            raise RuleBroken(_("试点不能从过去的日子开始。"), next_step=_("请选今天或以后。"))
        if queries.pilot_on(house.pk, starts_on) is not None:
            raise Taken(_("这家机构那天已经在试点。"), next_step=_("请打开那个试点，或选它结束以后的日子。"))
        if not queries.flows_in(house.place.code, starts_on):
            raise RuleBroken(_("本地区还没有一站式的服务流程。"), next_step=_("请先在政策包里写明流程。"))
        ref = str(policy_at(house.place.code, starts_on).ref)
        row = Pilot(organization=house, starts_on=starts_on, aim=aim.strip(), policy_ref=ref, is_demo=is_demo)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as clash:
            raise Taken(_("这家机构已经有一个试点。"), next_step=_("请先结束那一个。")) from clash
        record("contracting.begin_pilot", row, by=by, at=at, policy_ref=ref, organization=house.pk)
    return row


def end_pilot(*, pilot_id: int, by: Actor, at: datetime) -> Pilot:
    """The pilot ends with today; what is arranged for later is called off by whoever arranged it.

    Raises Denied, NotVisible, RuleBroken where it has an end, or while visits stand for days after today.
    """
    with transaction.atomic():
        row = Pilot.objects.select_for_update(of=("self",)).select_related("organization").filter(pk=pilot_id).first()
        if row is None:
            raise NotVisible(_("没有这个试点。"), next_step=_("请从一站式试点的清单打开。"))
        _allow(permissions.can_keep_pilot(by, row.organization))
        if row.ends_on is not None:
            raise RuleBroken(_("这个试点已经结束。"), next_step=_("请刷新后再看。"))
        on = localtime(at).date()
        ahead = queries.stops_after(row, on)
        if ahead:
            raise RuleBroken(
                _("今天以后还有 %(n)s 次一站式就诊。") % {"n": ahead}, next_step=_("请先由中心取消，或做完以后再结束。")
            )
        row.ends_on = max(on + timedelta(days=1), row.starts_on)
        row.save(update_fields=("ends_on",))
        record("contracting.end_pilot", row, by=by, at=at, organization=row.organization_id)
    return row


def plan_one_stop(
    *, contract_id: int, flow: str, on: date, begins: time | None = None, by: Actor, at: datetime
) -> OneStop:
    """A contracted resident comes once: every step of the flow that day, one after another, with who is there.

    Raises Denied, NotVisible, RuleBroken without a running contract or pilot, for a group the person is not in, a kind
    of member the team lacks or who is away, a day gone or too full; Taken where they come that day already or somebody
    was given away this moment.
    """
    with transaction.atomic():
        held = _contract(contract_id)
        house = held.team.organization
        _allow(permissions.can_serve_at_one_stop(by, house.pk, held.resident_id, at))
        pilot, wanted = _pilot_and_flow(held, flow, on, at)
        first, until = (make_aware(datetime.combine(on, one)) for one in one_stop_hours_at(house.place.code, on))
        start = max(first, make_aware(datetime.combine(on, begins)) if begins else first, _soon(at))
        placed = _place(held, wanted, on, start, until)
        ref = str(policy_at(house.place.code, on).ref)
        row = OneStop(
            pilot=pilot, contract=held, resident=held.resident, flow=wanted.key, zh=wanted.zh, en=wanted.en, on=on,
            policy_ref=ref,
        )  # fmt: skip
        _insert(row, wanted, placed)
        begin(row, ONE_STOP, by=by, at=at)
        record("contracting.plan_one_stop", row, by=by, at=at, resident_id=row.resident_id, policy_ref=ref)
        _tell(row, _("%(day)s 请来中心，一次办完"), by=by, at=at)
    return row


def finish_one_stop_step(*, step_id: int, by: Actor, at: datetime) -> OneStopStep:
    """Somebody of the team did a step; with the last one the visit is done.

    Raises Denied, NotVisible, AlreadyMoved where it is done or called off, RuleBroken before the day.
    """
    with transaction.atomic():
        row = _step(step_id)
        visit = row.visit
        _allow(permissions.can_serve_at_one_stop(by, visit.pilot.organization_id, visit.resident_id, at))
        if visit.on > localtime(at).date():
            raise RuleBroken(_("还没到来的那天。"), next_step=_("请当天做好以后再记。"))
        if row.done_at is not None:
            raise AlreadyMoved(_("%(who)s已经记下这一步。") % {"who": row.by_name}, next_step=_("请看下一步。"))
        if visit.status != "planned":
            raise moved_meanwhile(visit, ONE_STOP)
        _done(row, by.name, "", by=by, at=at)
    return row


def note_visit_at_one_stop(*, encounter_id: int, by: Actor, at: datetime) -> OneStopStep | None:
    """A visit that was written is the step of that doctor for that resident on that day, if one is open.

    Raises Denied to anybody but a job.
    """
    _allow(can_import(by))
    with transaction.atomic():
        seen = Encounter.objects.select_related("practitioner").get(pk=encounter_id)
        rows = OneStopStep.objects.filter(
            practitioner=seen.practitioner_id, visit__resident=seen.resident_id, visit__status="planned",
            visit__on=localtime(seen.started_at).date(), done_at__isnull=True,
        )  # fmt: skip
        found = rows.order_by("number").values_list("pk", flat=True).first()
        if found is None or seen.practitioner is None:
            return None
        row = _step(found)
        if row.done_at is not None or row.visit.status != "planned":
            return None
        _done(row, seen.practitioner.name, f"encounter:{seen.pk}", by=by, at=at)
    return row


def cancel_one_stop(*, one_stop_id: int, reason: str, by: Actor, at: datetime) -> OneStop:
    """They do not come after all; everybody's time is free again, and the resident is told.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken without a reason or when a step was done.
    """
    with transaction.atomic():
        row = _visit(one_stop_id)
        _allow(permissions.can_serve_at_one_stop(by, row.pilot.organization_id, row.resident_id, at))
        if row.status != "planned":
            raise moved_meanwhile(row, ONE_STOP)
        if row.steps.filter(done_at__isnull=False).exists():
            raise RuleBroken(_("已经做了一步，不能取消。"), next_step=_("没做的几步留着，结果里会写明没有一次办完。"))
        transition(row, ONE_STOP, "cancel", by=by, at=at, reason=reason)
        row.steps.update(is_off=True)
        record("contracting.cancel_one_stop", row, by=by, at=at, resident_id=row.resident_id)
        _tell(row, _("%(day)s 的一站式就诊取消了"), body=reason, by=by, at=at)
    return row


def _contract(contract_id: int) -> Contract:
    rows = Contract.objects.select_related("team__organization__place", "resident")
    row = rows.filter(pk=contract_id).first()
    if row is None:
        raise NotVisible(_("没有这份签约，或不在您的服务范围。"), next_step=_("请从签约台打开。"))
    return row


def _pilot_and_flow(held: Contract, key: str, on: date, at: datetime) -> tuple[Pilot, Flow]:
    if held.status != "active" or held.ends_on is None or on >= held.ends_on:
        raise RuleBroken(_("那天没有有效的签约。"), next_step=_("请选签约期内的日子，或先续约。"))
    if on < localtime(at).date():
        raise RuleBroken(_("日期已经过去。"), next_step=_("请选今天或以后。"))
    pilot = queries.pilot_on(held.team.organization_id, on)
    if pilot is None:
        raise RuleBroken(
            _("%(house)s那天不是一站式试点。") % {"house": held.team.organization.zh},
            next_step=_("请选试点期间的日子，或请负责人先开始试点。"), clause="FT18-3.1a",
        )  # fmt: skip
    wanted = next((one for one in queries.flows_for(held, on) if one.key == key), None)
    if wanted is None:
        raise RuleBroken(
            _("这位居民没有适用的一站式流程。"), next_step=_("流程按重点人群设；请先在健康档案里记下健康问题。")
        )
    return pilot, wanted


def _place(
    held: Contract, flow: Flow, on: date, start: datetime, until: datetime
) -> list[tuple[int, datetime, datetime]]:
    there, missing, away = queries.people_for(held, flow, on)
    if missing:
        raise RuleBroken(
            _("%(team)s还没有%(kinds)s，办不成一站式。") % {"team": held.team.zh, "kinds": _named(missing)},
            next_step=_("请中心负责人在团队页加上这类成员。"), clause="FT18-3.1a",
        )  # fmt: skip
    if away:
        raise RuleBroken(_("%(kinds)s那天都不在。") % {"kinds": _named(away)}, next_step=_("请换一天。"))
    busy = queries.busy_on([pk for people in there.values() for pk in people], on)
    placed = rules.one_after_another([(one.kind, one.minutes) for one in flow.steps], there, busy, start, until)
    if placed is None:
        raise RuleBroken(
            _("那天 %(from)s 以后排不下这几步。") % {"from": f"{localtime(start):%H:%M}"},
            next_step=_("请早一点开始，或换一天。"),
        )
    return placed


def _named(kinds: list[str]) -> str:
    return "、".join(str(TeamMember.Kind(one).label) for one in kinds)


def _insert(row: OneStop, flow: Flow, placed: list[tuple[int, datetime, datetime]]) -> None:
    """Writes visit and steps; what the constraints keep apart is told as taken."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as clash:
        raise Taken(_("这位居民那天已经安排了一次。"), next_step=_("请打开那一次，或换一天。")) from clash
    try:
        with transaction.atomic():
            OneStopStep.objects.bulk_create(
                OneStopStep(
                    visit=row, number=number, kind=step.kind, practitioner_id=who, zh=step.zh, en=step.en,
                    starts_at=starts, ends_at=ends,
                )
                for number, (step, (who, starts, ends)) in enumerate(zip(flow.steps, placed, strict=True), 1)
            )  # fmt: skip
    except IntegrityError as clash:
        raise Taken(_("有成员的这段时间刚刚排给了别人。"), next_step=_("请再按一次，会排到下一段空的时间。")) from clash


def _done(row: OneStopStep, name: str, source: str, *, by: Actor, at: datetime) -> None:
    row.done_at, row.by_name, row.source = at, name, source
    row.save(update_fields=("done_at", "by_name", "source"))
    record("contracting.finish_one_stop_step", row, by=by, at=at, resident_id=row.visit.resident_id, number=row.number)
    if not row.visit.steps.filter(done_at__isnull=True).exists():
        transition(row.visit, ONE_STOP, "finish", by=by, at=at)


def _visit(one_stop_id: int) -> OneStop:
    """Locked, so that the last two steps do not miss each other. Raises NotVisible."""
    rows = OneStop.objects.select_for_update(of=("self",)).select_related(
        "pilot__organization", "resident", "contract__team"
    )
    row = rows.filter(pk=one_stop_id).first()
    if row is None:
        raise queries.no_one_stop()
    return row


def _step(step_id: int) -> OneStopStep:
    """With its visit locked first. Raises NotVisible."""
    visit_id = OneStopStep.objects.filter(pk=step_id).values_list("visit_id", flat=True).first()
    if visit_id is None:
        raise queries.no_one_stop()
    visit = _visit(visit_id)
    row = OneStopStep.objects.get(pk=step_id)
    row.visit = visit
    return row


def _soon(at: datetime) -> datetime:
    """The next full five minutes."""
    past = (at - datetime.min.replace(tzinfo=at.tzinfo)) % ROUND
    return at + (ROUND - past if past else past)


def _tell(row: OneStop, subject: str, *, body: str = "", by: Actor, at: datetime) -> None:
    """The resident is told the day; what for stands on the page behind."""
    if row.resident.user_id is None:
        return
    notify(
        cause=f"one_stop:{row.pk}:{row.status}", kind="contract", subject=subject % {"day": row.on.isoformat()},
        body=body, url=reverse("contracting-mine"), user_id=row.resident.user_id, by=by, at=at,
    )  # fmt: skip
