"""A hospital shares its places out anew; what is not yet there to be booked by whom follows."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.partners import _limit
from kangqiao.domain.scheduling.actions.parts import _allow
from kangqiao.domain.scheduling.models import PoolRule, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def set_pool_rule(
    *,
    organization_id: int,
    specialty: str = "",
    session_id: int | None = None,
    since: date,
    partner_percent: int,
    team_percent: int,
    contracted_percent: int,
    team_hours: int,
    contracted_hours: int,
    release_hours: int,
    reason: str,
    by: Actor,
    at: datetime,
) -> tuple[PoolRule, int]:
    """A hospital, a department or one session shares its places out in its own way, from a day on, with a reason.

    Coming clinics follow at once; a place that was taken stays taken. Returns the rule and how many clinics follow.
    Raises Denied, RuleBroken when the shares pass the whole or a wider circle would come before a narrower one.
    """
    _allow(permissions.can_share_out(by, organization_by_id(organization_id)))
    if partner_percent + team_percent + contracted_percent > 100:
        raise RuleBroken(_("三份预留加起来超过了100%。"), next_step=_("请把其中一份改小。"))
    if not team_hours >= contracted_hours >= release_hours:
        raise RuleBroken(_("号要从里到外放：先团队，再签约居民，最后所有人。"), next_step=_("请把小时数从大到小填写。"))
    if session_id is not None and queries.get_session(session_id).organization_id != organization_id:
        raise RuleBroken(_("这次出诊不在这家医院。"), next_step=_("请从本院的出诊里选择。"))
    rule = PoolRule.objects.create(
        organization_id=organization_id, specialty=specialty, session_id=session_id, since=since,
        partner_percent=partner_percent, team_percent=team_percent, contracted_percent=contracted_percent,
        team_hours=team_hours, contracted_hours=contracted_hours, release_hours=release_hours, reason=reason,
        set_by=by.name, set_at=at,
    )  # fmt: skip
    count = _share_out_again(rule, at)
    audit.record("set_pool_rule", rule, by=by, at=at, organization_id=organization_id, sessions=count)
    return rule, count


def _share_out_again(rule: PoolRule, at: datetime) -> int:
    """The coming clinics of a rule get their pools anew, from the instant they were opened; how many they are."""
    sessions = queries.clinics_to_share(rule, at)
    queries.lock_sessions(sessions)
    known = list(PoolRule.objects.filter(organization_id=rule.organization_id))
    opened, changed = queries.opened_at(sessions), []
    slots: dict[int, list[Slot]] = {session.pk: [] for session in sessions}
    for slot in Slot.objects.filter(session__in=sessions, is_same_day=False).order_by("starts_at", "pk"):
        slots[slot.session_id].append(slot)
    for session in sessions:
        day = localtime(session.starts_at).date()
        parameters = SlotParameters.read(policy.at(place=session.organization.place.code, date=day))
        counts = queries.rule_for(known, session.organization_id, session.specialty, day, session.pk)
        calendar = queries.calendar_of(parameters, counts)
        plans = rules.plan_slots(
            [(localtime(slot.starts_at), localtime(slot.ends_at)) for slot in slots[session.pk]],
            localtime(opened.get(session.pk, at)), calendar, parameters.booking_horizon_days,
        )  # fmt: skip
        for slot, plan in zip(slots[session.pk], plans, strict=True):
            slot.pool, slot.teams_at = plan.pool, plan.teams_at
            slot.contracted_at, slot.release_at = plan.contracted_at, plan.release_at
            changed.append(slot)
    # What is kept for single centres is a part of what is reserved: it is told again below.
    Slot.objects.bulk_update(changed, ("pool", "teams_at", "contracted_at", "release_at"), batch_size=500)
    _limit(sessions)
    return len(sessions)
