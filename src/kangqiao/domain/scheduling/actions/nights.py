"""The night keeps the coming weeks of a hospital open, from its templates."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import localtime

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.opening import open_sessions
from kangqiao.domain.scheduling.actions.parts import _allow
from kangqiao.domain.scheduling.actions.weekly import _opening
from kangqiao.domain.scheduling.models import OpeningNote
from kangqiao.domain.scheduling.queries import Planned
from kangqiao.domain.scheduling.rules import Skip
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def keep_weeks_open(*, organization_id: int, by: Actor, at: datetime) -> OpeningNote | None:
    """From tomorrow on, as many weeks as the setting says are open; what is open stays, what is called off too.

    Days of a year whose holidays are not announced wait, as they do for a person. What was opened, until when and what
    not and why stands in the hospital's note. None where there are no templates or a person publishes everything.
    Again on the same night nothing more is opened. Raises Denied, NoPolicyInForce.
    """
    house = organization_by_id(organization_id)
    _allow(permissions.can_plan_week(by, house))
    today = localtime(at).date()
    weeks = queries.weekly_terms(house, today).weeks_kept
    if not weeks or not queries.locked_templates(house):
        return None
    last_day = today + timedelta(weeks=weeks)
    plan = queries.plan_of(house, today + timedelta(days=1), last_day, at)
    refused = _opened(plan.opens, by, at)
    skipped = [_left(one, one.skip or "", one.why) for one in plan.skips]
    skipped += [_left(one, Skip.CONFLICT, why) for one, why in refused]
    opened = len(plan.opens) - len(refused)
    told = {"ran_at": at, "last_day": last_day, "opened": opened, "skipped": skipped}
    note, _is_new = OpeningNote.objects.update_or_create(organization=house, defaults=told)
    if opened:
        audit.record(
            "keep_weeks_open", note, by=by, at=at, organization_id=house.pk, weeks=weeks, sessions=opened,
            left_out=len(skipped),
        )  # fmt: skip
    return note


def _opened(planned: list[Planned], by: Actor, at: datetime) -> list[tuple[Planned, str]]:
    """Opens all at once; where one is refused, since a doctor sits elsewhere by now, all the others. Returns which."""
    if not planned:
        return []
    try:
        open_sessions(openings=[_opening(one.template, one.day) for one in planned], by=by, at=at)
    except RuleBroken as broken:
        if len(planned) == 1:
            return [(planned[0], str(broken))]
        return [pair for one in planned for pair in _opened([one], by, at)]
    return []


def _left(one: Planned, skip: str, why: str) -> dict[str, object]:
    return {"template": one.template.pk, "day": one.day.isoformat(), "skip": str(skip), "why": why}
