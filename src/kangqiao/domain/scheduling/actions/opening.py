"""Time with a doctor becomes bookable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin_all
from kangqiao.domain.scheduling import permissions, rules
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


def open_sessions(*, openings: Sequence[Opening], by: Actor, at: datetime) -> list[Session]:
    """Many doctors' times become bookable at once, all or none, in the order given; see `open_session`.

    A published month is some hundred sessions with thousands of slots: written in four statements, not thousands.
    Raises Denied, RuleBroken.
    """
    _allow(permissions.can_open(by, {opening.organization_id for opening in openings}))
    plans = [_slots_of(opening, at) for opening in openings]
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
                )
                for opening in openings
            )
            Slot.objects.bulk_create(
                Slot(
                    session=session,
                    starts_at=slot.starts_at,
                    ends_at=slot.ends_at,
                    opens_at=slot.opens_at,
                    pool=Slot.Pool.PUBLIC if slot.release_at is None else Slot.Pool.PARTNER,
                    release_at=slot.release_at,
                )
                for session, plan in zip(sessions, plans, strict=True)
                for slot in plan
            )
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
        if _constraint(error) != "session_practitioner_in_one_place":
            raise
        raise RuleBroken(
            _("这位医生在这段时间已有别的出诊安排。"), next_step=_("请换一个时间，或先停掉原来的出诊。")
        ) from None
    return sessions


def _slots_of(opening: Opening, at: datetime) -> list[rules.SlotPlan]:
    """The slots a time is cut into, with who may book each from when."""
    parameters = opening.parameters
    if opening.starts_at <= at:
        raise RuleBroken(_("不能为已经开始的时间放号。"), next_step=_("请选一个将来的时间。"))
    is_clinic = opening.kind == Session.Kind.HOSPITAL_CLINIC
    span = (localtime(opening.starts_at), localtime(opening.ends_at))
    try:
        times = rules.cut(*span, parameters.slot_minutes, parameters.slots_per_session)
    except ValueError:
        raise RuleBroken(
            _("这段时间放不下一个号（每号%(minutes)s分钟）。") % {"minutes": parameters.slot_minutes},
            next_step=_("请延长出诊时间。"),
        ) from None
    return rules.plan_slots(
        times,
        localtime(at),
        share=parameters.reserved_share if is_clinic else parameters.reserved_share * 0,
        head_start_days=parameters.head_start_days if is_clinic else 0,
        release_hours_before=parameters.release_hours_before,
        horizon_days=parameters.booking_horizon_days,
    )
