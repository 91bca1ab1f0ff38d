"""Confirming, publishing, holding half-days, what was done in them, and the closing of a week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import take_back, transition, transition_all
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.actions.parts import _half_day, _planner, _require, _withdraw
from kangqiao.domain.roster.models import Activity, HalfDay, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    can_plan,
    can_record,
    can_step,
    parties,
    standing_of,
)
from kangqiao.domain.roster.rules import said_when
from kangqiao.domain.roster.states import HALF_DAY, ROSTER
from kangqiao.domain.scheduling.actions import Opening, open_sessions
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken
from kangqiao.kernel.period import Period
from kangqiao.policy import at as policy_at


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


def undo_attendance(*, half_day_id: int, by: Actor, at: datetime) -> HalfDay:
    """The centre attested the wrong half-day: it waits to be attested again."""
    with transaction.atomic():
        row = _half_day(half_day_id)
        take_back(row, HALF_DAY, "complete", by=by, at=at)
        record("roster.undo_attendance", row, by=by, at=at)
    return row


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
        record(f"roster.{action}_half_day", row, by=by, at=at)
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
