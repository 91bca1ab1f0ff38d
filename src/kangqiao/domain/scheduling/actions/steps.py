"""What becomes of bookings: cancelled, arrived, seen, missed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.transition import transition
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.absences import _tell_suspension
from kangqiao.domain.scheduling.actions.offering import _offer
from kangqiao.domain.scheduling.actions.parts import (
    _after,
    _allow,
    _give_back,
    _locked_booking,
    _source,
    _when,
)
from kangqiao.domain.scheduling.models import Booking, Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.errors import RuleBroken


@transaction.atomic
def cancel_booking(*, booking_id: int, reason: str = "", by: Actor, at: datetime) -> Booking:
    """A place is given back: in the same moment it is free, or kept for the next in line.

    Raises AlreadyMoved, RuleBroken once it began.
    """
    queries.shared_sessions({queries.booking_with_slot(booking_id).session_id})
    booking = _locked_booking(booking_id)
    _allow(permissions.can_step(by, booking, BOOKING.step("cancel").parties))
    if not rules.may_cancel(booking.slot.starts_at, at):
        raise RuleBroken(_("就诊时间已到，不能再取消。"), next_step=_("来不了请打电话告诉中心。"))
    _give_back(booking, by=by, at=at, reason=reason)
    audit.record("cancel_booking", booking, by=by, at=at, resident_id=booking.resident_id)
    _offer(booking.slot_id, at, not_to=booking.resident_id)
    return booking


@transaction.atomic
def check_in(*, booking_id: int, by: Actor, at: datetime) -> Booking:
    """A resident has come; from now to the stated time after the visit day the doctor, too, may see them.

    Raises RuleBroken on another day than the visit's.
    """
    booking = _locked_booking(booking_id)
    _allow(permissions.can_step(by, booking, BOOKING.step("check_in").parties))
    _on_visit_day(booking, at)
    transition(booking, BOOKING, "check_in", by=by, at=at)
    if booking.session.practitioner.user_id is not None:
        residents.grant_basis(
            resident_id=booking.resident_id,
            kind="booking",
            source=_source(booking),
            since=at,
            until=rules.end_of_visit_day(localtime(booking.session.ends_at)) + _after(booking.resident, at),
            user_id=booking.session.practitioner.user_id,
            by=by, at=at,
        )  # fmt: skip
    audit.record("check_in", booking, by=by, at=at, resident_id=booking.resident_id)
    return booking


# How somebody came, by who took the place.
ORIGINS = {
    Booking.Channel.SELF: Encounter.Origin.BOOKING,
    Booking.Channel.GP: Encounter.Origin.GP,
    Booking.Channel.REFERRAL: Encounter.Origin.REFERRAL,
}


@transaction.atomic
def fulfil_booking(*, booking_id: int, diagnosis: str = "", summary: str = "", by: Actor, at: datetime) -> Encounter:
    """The visit has taken place and is in the record. Returns the encounter, which a referral keeps.

    Written down later, it stands in the record at its booked time. Raises RuleBroken before the day of the visit.
    """
    booking = _locked_booking(booking_id)
    _allow(permissions.can_step(by, booking, BOOKING.step("fulfil").parties))
    is_late = rules.end_of_visit_day(localtime(booking.slot.starts_at)) <= at
    if not is_late:
        _on_visit_day(booking, at)
    transition(booking, BOOKING, "fulfil", by=by, at=at)
    session = booking.session
    encounter = records.record_encounter(
        resident_id=booking.resident_id,
        organization_id=session.organization_id,
        practitioner_id=session.practitioner_id,
        specialty=session.specialty,
        started_at=booking.slot.starts_at if is_late else at,
        origin=ORIGINS[Booking.Channel(booking.channel)],
        is_emergency=booking.is_emergency,
        is_posted_expert=session.kind == Session.Kind.POSTED_EXPERT,
        diagnosis=diagnosis,
        summary=summary,
        by=by,
        at=at,
    )
    audit.record("fulfil_booking", booking, by=by, at=at, resident_id=booking.resident_id, encounter_id=encounter.pk)
    return encounter


@transaction.atomic
def miss_booking(*, booking_id: int, by: Actor, at: datetime) -> Booking:
    """A resident did not come; the basis of the booking ends with the visit day.

    Raises RuleBroken before the grace after the booked time is over.
    """
    booking = _locked_booking(booking_id)
    _allow(permissions.can_step(by, booking, BOOKING.step("miss").parties))
    parameters = SlotParameters.read(
        policy.at(place=booking.session.organization.place.code, date=localtime(booking.slot.starts_at).date())
    )
    # Whoever was added beyond the places comes after everybody else.
    begins = booking.session.ends_at if booking.right_id else booking.slot.starts_at
    if not rules.may_miss(begins, at, parameters.late_minutes):
        raise RuleBroken(
            _("预约时间过后%(minutes)s分钟才能记为未到诊。") % {"minutes": parameters.late_minutes},
            next_step=_("请再等一等，或先打电话问问。"),
        )
    transition(booking, BOOKING, "miss", by=by, at=at)
    _tell_suspension(booking, by, at)
    visit_day_ends = rules.end_of_visit_day(localtime(booking.session.ends_at))
    residents.end_basis(source=_source(booking), until=max(visit_day_ends, at), by=by, at=at)
    audit.record("miss_booking", booking, by=by, at=at, resident_id=booking.resident_id, policy_ref=parameters.ref)
    return booking


def _on_visit_day(booking: Booking, at: datetime) -> None:
    if not rules.is_visit_day(localtime(booking.slot.starts_at), localtime(at)):
        raise RuleBroken(
            _("就诊日是%(when)s，不是今天。") % {"when": _when(booking.slot.starts_at)},
            next_step=_("请在就诊当天办理。"),
        )
