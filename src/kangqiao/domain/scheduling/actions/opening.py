"""Time with a doctor becomes bookable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin_all
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.partners import _limit
from kangqiao.domain.scheduling.actions.parts import (
    _allow,
    _constraint,
)
from kangqiao.domain.scheduling.models import Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.states import SESSION
from kangqiao.kernel.errors import RuleBroken


def open_session(
    *,
    organization_id: int,
    practitioner_id: int,
    specialty: str,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    source: str,
    parameters: SlotParameters,
    by: Actor,
    at: datetime,
) -> Session:
    """A doctor's time at a place becomes bookable: the session and all its slots.

    A hospital clinic keeps the reserved share for paired centres until its release. A posted expert's session at a
    centre is public from the start, to residents registered anywhere: it exists to draw people to the centre
    (SZ16-4.3f). Raises Denied, RuleBroken when the time is past, too short, or the doctor sits elsewhere then.
    """
    opening = Opening(
        organization_id=organization_id,
        practitioner_id=practitioner_id,
        specialty=specialty,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        source=source,
        parameters=parameters,
    )
    return open_sessions(openings=[opening], by=by, at=at)[0]


@dataclass(frozen=True, slots=True)
class Opening:
    """One doctor's time at one place that is to become bookable: what `open_session` takes."""

    organization_id: int
    practitioner_id: int
    specialty: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    source: str
    parameters: SlotParameters
    # Of a template: in which room, the clinic of which day, in how many places a time, and how many in a hundred of the
    # times are kept for that day.
    room: str = ""
    template_id: int | None = None
    planned_for: date | None = None
    capacity: int = 1
    walk_in_percent: int = 0


def open_sessions(*, openings: Sequence[Opening], by: Actor, at: datetime) -> list[Session]:
    """Many doctors' times become bookable at once, all or none, in the order given; see `open_session`.

    A published month is some hundred sessions with thousands of slots: written in four statements, not thousands.
    Raises Denied, RuleBroken.
    """
    _allow(permissions.can_open(by, {opening.organization_id for opening in openings}))
    plans = [_slots_of(*pair, at) for pair in zip(openings, queries.calendars_for(openings), strict=True)]
    try:
        with transaction.atomic():
            sessions = Session.objects.bulk_create(
                Session(
                    organization_id=opening.organization_id,
                    practitioner_id=opening.practitioner_id,
                    specialty=opening.specialty,
                    kind=opening.kind,
                    starts_at=opening.starts_at,
                    ends_at=opening.ends_at,
                    source=opening.source,
                    policy_ref=opening.parameters.ref,
                    room=opening.room,
                    template_id=opening.template_id,
                    planned_for=opening.planned_for,
                )
                for opening in openings
            )
            Slot.objects.bulk_create(
                _slot(session, planned, opening.capacity)
                for session, opening, plan in zip(sessions, openings, plans, strict=True)
                for planned in plan
            )
            _limit([one for one in sessions if one.kind == Session.Kind.HOSPITAL_CLINIC])
            begin_all(sessions, SESSION, by=by, at=at)
            audit.record_all(
                "open_session",
                [
                    audit.Trace(session, {"slots": len(plan)}, policy_ref=session.policy_ref)
                    for session, plan in zip(sessions, plans, strict=True)
                ],
                by=by,
                at=at,
            )
    except IntegrityError as error:
        raise _refused(error) from None
    return sessions


def _refused(error: IntegrityError) -> RuleBroken:
    """Why a session cannot stand there. Raises the error itself when it is about anything else."""
    match _constraint(error):
        case "session_practitioner_in_one_place":
            return RuleBroken(
                _("这位医生在这段时间已有别的出诊安排。"), next_step=_("请换一个时间，或先停掉原来的出诊。")
            )
        case "session_once_a_template_day":
            return RuleBroken(_("这一天的门诊已经开过了。"), next_step=_("请刷新页面，再看还有哪些没开。"))
        case _:
            raise error


def _slot(session: Session, plan: rules.SlotPlan, capacity: int) -> Slot:
    return Slot(
        session=session, starts_at=plan.starts_at, ends_at=plan.ends_at, opens_at=plan.opens_at, pool=plan.pool,
        teams_at=plan.teams_at, contracted_at=plan.contracted_at, release_at=plan.release_at, capacity=capacity,
        is_same_day=plan.is_same_day,
    )  # fmt: skip


def _slots_of(opening: Opening, calendar: rules.Calendar, at: datetime) -> list[rules.SlotPlan]:
    """The slots a time is cut into, with who may book each from when."""
    parameters = opening.parameters
    if opening.starts_at <= at:
        raise RuleBroken(_("不能为已经开始的时间放号。"), next_step=_("请选一个将来的时间。"))
    span = (localtime(opening.starts_at), localtime(opening.ends_at))
    try:
        times = rules.cut(*span, parameters.slot_minutes, parameters.slots_per_session)
    except ValueError:
        raise RuleBroken(
            _("这段时间放不下一个号（每号%(minutes)s分钟）。") % {"minutes": parameters.slot_minutes},
            next_step=_("请延长出诊时间。"),
        ) from None
    if opening.kind != Session.Kind.HOSPITAL_CLINIC:
        return [rules.SlotPlan(*time, rules.opens_at(time[0], parameters.booking_horizon_days)) for time in times]
    walk_in = Fraction(opening.walk_in_percent, 100)
    return rules.plan_weekly(times, localtime(at), calendar, parameters.booking_horizon_days, walk_in)
