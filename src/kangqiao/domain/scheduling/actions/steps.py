"""Every write of scheduling: opening and withdrawing sessions, taking and giving back places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.transition import begin, begin_all, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.messaging import actions as messaging
from kangqiao.domain.records import actions as records
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.parameters import access_at
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import Refusal
from kangqiao.domain.scheduling.states import BOOKING, SESSION
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken

# One statement takes the place and writes the booking and its basis. The session is share-locked first, so a withdrawal
# either waits for this booking and then lists it, or is seen here; the slot's own row decides between two bookers. The
# basis is new by its source, so it needs none of the care of `residents.grant_basis`, which would cost eight statements
# on the path where everybody comes at once. It lasts the stated time after `rules.end_of_visit_day`.
TAKE = f"""
WITH scheduling_session AS MATERIALIZED (
    SELECT session.* FROM scheduling_session session
    WHERE session.id = (SELECT session_id FROM scheduling_slot WHERE id = %(slot)s) AND session.status = 'open'
    FOR SHARE
), place AS (
    UPDATE scheduling_slot SET taken = scheduling_slot.taken + 1 FROM scheduling_session
    WHERE scheduling_slot.id = %(slot)s AND scheduling_session.id = scheduling_slot.session_id AND {queries.FREE}
    RETURNING scheduling_slot.id, scheduling_slot.session_id
), booked AS (
    INSERT INTO scheduling_booking (slot_id, session_id, resident_id, status, channel, booked_by, booked_at, attempt)
    SELECT id, session_id, %(resident)s, %(status)s, %(channel)s, %(name)s, %(at)s, %(attempt)s FROM place
    RETURNING *
), basis AS (
    INSERT INTO residents_basis (resident_id, organization_id, user_id, kind, source, since, until)
    SELECT booked.resident_id, session.organization_id, NULL, 'booking', 'booking:' || booked.id, %(at)s,
           (date_trunc('day', session.ends_at AT TIME ZONE %(zone)s) + interval '1 day') AT TIME ZONE %(zone)s
               + %(after)s
    FROM booked JOIN scheduling_session session ON session.id = booked.session_id
)
SELECT booked.*, session.policy_ref AS session_policy_ref, session.organization_id AS session_organization_id
FROM booked JOIN scheduling_session session ON session.id = booked.session_id
"""  # noqa: S608 (constant text)


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


@beyond("scheduling.withdraw")
def withdraw_session(*, session_id: int, reason: str, by: Actor, at: datetime) -> list[Booking]:
    """A session is called off: its bookings are cancelled with the reason and everyone affected is told.

    Each resident (or, without an account, their centre) gets the nearest places that are still free. Returns the
    cancelled bookings, so that the desk can call them. Raises AlreadyMoved when it was withdrawn before.
    """
    session = _locked_session(session_id)
    _allow(permissions.can_withdraw(by, session))
    if session.ends_at <= at:
        raise RuleBroken(_("这次出诊已经结束，不能再停诊。"), next_step=_("请把未到的人记为未到诊。"))
    transition(session, SESSION, "withdraw", by=by, at=at, reason=reason)
    queries.locked_slots(session.pk)
    affected = queries.affected_by(session)
    for booking in affected:
        _give_back(booking, by=by, at=at, reason=_("停诊：%(reason)s") % {"reason": reason})
    for booking in affected:
        _tell_withdrawn(booking, reason=reason, by=by, at=at)
    audit.record("withdraw_session", session, by=by, at=at, bookings=[b.pk for b in affected])
    return affected


def book(
    *,
    slot_id: int,
    resident_id: int,
    channel: str,
    attempt: str,
    as_partner_centre_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Booking:
    """A resident gets a place in a slot; the same attempt sent twice is one booking.

    The doctor's place may see the resident from now to the stated time after the visit day. Raises Taken with the
    nearest free places when someone was faster, RuleBroken when the slot is past, withdrawn, not open yet, still
    reserved for partner centres (SZ16-2.2b), the resident keeps its place out or has a place in this session already.
    """
    partner_of: list[int] = []
    try:
        with transaction.atomic():
            resident = queries.resident_to_book(resident_id, slot_id, at)
            has_basis = permissions.asks_for_basis(by, resident) and queries.has_basis(resident_id, by, at)
            _allow(
                permissions.can_book(
                    by,
                    resident,
                    has_basis=has_basis,
                    channel=channel,
                    as_partner_centre_id=as_partner_centre_id,
                )
            )
            if resident.keeps_out_place:  # type: ignore[attr-defined] # from resident_to_book
                raise RuleBroken(
                    _("居民不让这家机构看自己的档案，不能约它的号。"),
                    next_step=_("请另选一家，或由居民在“我的授权”里撤回拒绝。"),
                )
            if resident.deceased_on is not None:
                raise RuleBroken(_("这位居民已登记死亡，不能预约。"), next_step=_("请核对居民档案。"))
            if as_partner_centre_id is not None:
                partner_of = _partner_of(slot_id, as_partner_centre_id, at)
            booking = _take(slot_id, resident, channel, attempt, partner_of, by, at)
            if booking is not None:
                return booking
    except IntegrityError as error:
        if _constraint(error) not in ("booking_one_place_per_session", "scheduling_booking_attempt_key"):
            raise
    return _replay_or_refuse(slot_id, resident_id, attempt, partner_of, at)


@transaction.atomic
def cancel_booking(*, booking_id: int, reason: str = "", by: Actor, at: datetime) -> Booking:
    """A place is given back and is free again in the same moment. Raises AlreadyMoved, RuleBroken once it began."""
    booking = _locked_booking(booking_id)
    _allow(permissions.can_step(by, booking, BOOKING.step("cancel").parties))
    if not rules.may_cancel(booking.slot.starts_at, at):
        raise RuleBroken(_("就诊时间已到，不能再取消。"), next_step=_("来不了请打电话告诉中心。"))
    _give_back(booking, by=by, at=at, reason=reason)
    audit.record("cancel_booking", booking, by=by, at=at, resident_id=booking.resident_id)
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
    is_referral = booking.channel == Booking.Channel.REFERRAL
    encounter = records.record_encounter(
        resident_id=booking.resident_id,
        organization_id=session.organization_id,
        practitioner_id=session.practitioner_id,
        specialty=session.specialty,
        started_at=booking.slot.starts_at if is_late else at,
        origin=Encounter.Origin.REFERRAL if is_referral else Encounter.Origin.BOOKING,
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
    if not rules.may_miss(booking.slot.starts_at, at, parameters.late_minutes):
        raise RuleBroken(
            _("预约时间过后%(minutes)s分钟才能记为未到诊。") % {"minutes": parameters.late_minutes},
            next_step=_("请再等一等，或先打电话问问。"),
        )
    transition(booking, BOOKING, "miss", by=by, at=at)
    visit_day_ends = rules.end_of_visit_day(localtime(booking.session.ends_at))
    residents.end_basis(source=_source(booking), until=max(visit_day_ends, at), by=by, at=at)
    audit.record("miss_booking", booking, by=by, at=at, resident_id=booking.resident_id, policy_ref=parameters.ref)
    return booking


def _take(
    slot_id: int, resident: Resident, channel: str, attempt: str, partner_of: list[int], by: Actor, at: datetime
) -> Booking | None:
    """Runs the one statement and writes history and trace; None when no place could be taken."""
    values: dict[str, Any] = {
        "slot": slot_id,
        "resident": resident.pk,
        "after": _after(resident, at),
        "status": BOOKING.initial,
        "channel": channel,
        "name": by.name,
        "at": at,
        "attempt": attempt,
        "partner_of": partner_of,
        "zone": get_current_timezone_name(),
    }
    rows = list(Booking.objects.raw(TAKE, values))
    if not rows:
        return None
    booking = rows[0]
    begin(booking, BOOKING, by=by, at=at)
    audit.record(
        "book",
        booking,
        by=by,
        at=at,
        resident_id=resident.pk,
        policy_ref=booking.session_policy_ref,  # type: ignore[attr-defined] # from TAKE
        slot_id=slot_id,
        channel=channel,
        basis_of=booking.session_organization_id,  # type: ignore[attr-defined] # from TAKE
    )
    return booking


def _replay_or_refuse(slot_id: int, resident_id: int, attempt: str, partner_of: list[int], at: datetime) -> Booking:
    """The booking of the same attempt, else the error that says why there is no place."""
    earlier = queries.booking_of_attempt(attempt)
    if earlier is not None:
        if (earlier.slot_id, earlier.resident_id) != (slot_id, resident_id):
            raise RuleBroken(_("这张表单已经提交过，内容却不一样。"), next_step=_("请刷新页面后重新选择。"))
        return earlier
    slot = queries.get_slot(slot_id)
    session, own = slot.session, queries.place_in_session(slot.session_id, resident_id)
    facts = queries.facts_of(slot, session.status == SESSION.initial)
    is_partner = session.organization_id in partner_of
    refusal = rules.why_not(facts, at, is_partner=is_partner, is_in_session=own is not None) or Refusal.FULL
    nearest = tuple(
        (_called(free), _address(free)) for free in queries.nearest_free(slot, at, as_partner_of=partner_of)
    )
    if refusal is Refusal.FULL:
        raise Taken(
            _("%(when)s的号刚刚被约走了。") % {"when": _when(slot.starts_at)},
            next_step=_("请从最近的空号里选一个。") if nearest else _("请换一位医生，或过几天再看。"),
            alternatives=nearest,
        )
    raise rules.refused(refusal, slot.starts_at, slot.opens_at, slot.release_at, own.slot.starts_at if own else None)


def _partner_of(slot_id: int, centre_id: int, at: datetime) -> list[int]:
    hospital_id = queries.get_slot(slot_id).session.organization_id
    return [hospital_id] if agreements.is_paired(hospital_id, centre_id, localtime(at).date()) else []


def _locked_session(session_id: int) -> Session:
    session = Session.objects.select_for_update().filter(pk=session_id).first()
    if session is None:
        raise NotVisible(_("没有这个出诊单元。"), next_step=_("请回到日视图查看。"))
    return session


def _locked_booking(booking_id: int) -> Booking:
    """The booking, its slot locked before it: two people at one slot wait in the same order."""
    slot = Slot.objects.select_for_update().filter(bookings__pk=booking_id).first()
    booking = (
        Booking.objects.select_for_update(of=("self",))
        .select_related("slot", "session__organization__place", "session__practitioner", "resident__centre__place")
        .filter(pk=booking_id)
        .first()
    )
    if slot is None or booking is None:
        raise NotVisible(_("没有这个预约，或不在您的服务范围。"), next_step=_("请回到我的预约查看。"))
    return booking


def _give_back(booking: Booking, *, by: Actor, at: datetime, reason: str) -> None:
    transition(booking, BOOKING, "cancel", by=by, at=at, reason=reason)
    Slot.objects.filter(pk=booking.slot_id).update(taken=F("taken") - 1)
    residents.end_basis(source=_source(booking), by=by, at=at)


def _tell_withdrawn(booking: Booking, *, reason: str, by: Actor, at: datetime) -> None:
    nearest = queries.nearest_free(booking.slot, at)
    free = "、".join(_called(slot) for slot in nearest)
    told: dict[str, Any] = (
        {"user_id": booking.resident.user_id}
        if booking.resident.user_id
        else {"organization_id": booking.resident.centre_id, "role": Role.GP}
    )
    messaging.notify(
        cause=f"withdrawn:{booking.pk}",
        kind="session_withdrawn",
        subject=_("%(name)s %(when)s的预约因停诊取消")
        % {"name": booking.resident.name, "when": _when(booking.slot.starts_at)},
        body=_("原因：%(reason)s。最近的空号：%(free)s。")
        % {"reason": reason, "free": free or _("同专科近期没有空号")},
        url=_address(nearest[0]) if nearest else reverse("slots-find"),
        by=by,
        at=at,
        **told,
    )


def _on_visit_day(booking: Booking, at: datetime) -> None:
    if not rules.is_visit_day(localtime(booking.slot.starts_at), localtime(at)):
        raise RuleBroken(
            _("就诊日是%(when)s，不是今天。") % {"when": _when(booking.slot.starts_at)},
            next_step=_("请在就诊当天办理。"),
        )


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _after(resident: Resident, at: datetime) -> timedelta:
    """How long the place may still see the resident after the visit."""
    return access_at(resident.centre.place.code, localtime(at).date()).after


def _source(booking: Booking) -> str:
    return f"booking:{booking.pk}"


def _called(slot: Slot) -> str:
    session = slot.session
    return f"{_when(slot.starts_at)} {session.organization.short_zh} {session.practitioner.name}"


def _address(slot: Slot) -> str:
    return reverse("slots-confirm", args=(slot.pk,))


def _when(instant: datetime) -> str:
    return date_format(localtime(instant), "m-d H:i")


def _constraint(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", "") or "")
