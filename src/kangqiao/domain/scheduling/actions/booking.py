"""Taking a place: one statement decides, the rest is words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.prepared import rows_of
from kangqiao.base.transition import begin, transition
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import permissions, queries, rules
from kangqiao.domain.scheduling.actions.offering import SHARED, _end, _has_locked, _offer
from kangqiao.domain.scheduling.actions.parts import (
    _address,
    _after,
    _allow,
    _called,
    _constraint,
    _lock_resident,
    _owed,
    _when,
)
from kangqiao.domain.scheduling.models import Booking, Displaced, Waiting
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.rules import Circle, Refusal
from kangqiao.domain.scheduling.states import BOOKING, DISPLACED, SESSION, WAITING
from kangqiao.kernel.errors import Denied, RuleBroken, Taken

# One statement takes the place and writes the booking and its basis. The session is share-locked first, so a withdrawal
# either waits for this booking and then lists it, or is seen here; the slot's own row decides between two bookers, and
# the place held for this resident is theirs. The basis is new by its source, so it needs none of the care of
# `residents.grant_basis`, which would cost eight statements on the path where everybody comes at once. It lasts the
# stated time after `rules.end_of_visit_day`.
OWN = "(SELECT until FROM own)"
OVER_SHARE = "partner_count_within_most"
NOT_TWICE = ("booking_one_place_per_session", "scheduling_booking_attempt_key")
TAKE = f"""
WITH {SHARED}, own AS MATERIALIZED (
    SELECT until FROM scheduling_hold
    WHERE slot_id = %(slot)s AND resident_id = %(resident)s AND until > %(at)s
), place AS (
    UPDATE scheduling_slot SET taken = scheduling_slot.taken + 1, held = {queries.HELD.format(own=OWN)}
    FROM scheduling_session
    WHERE scheduling_slot.id = %(slot)s AND scheduling_session.id = scheduling_slot.session_id
      AND {queries.FREE.format(own=OWN)}
    RETURNING scheduling_slot.id, scheduling_slot.session_id,
        CASE WHEN scheduling_slot.release_at > %(at)s THEN %(centre)s::bigint END AS centre_id,
        CASE WHEN scheduling_slot.release_at > %(at)s THEN scheduling_slot.pool ELSE 'public' END AS pool
), used AS (
    UPDATE scheduling_hold SET until = greatest(since, %(at)s) FROM place
    WHERE slot_id = place.id AND resident_id = %(resident)s AND until > %(at)s
), counted AS (
    UPDATE scheduling_partnercount SET taken = scheduling_partnercount.taken + 1 FROM place
    WHERE scheduling_partnercount.session_id = place.session_id
      AND scheduling_partnercount.centre_id = place.centre_id
), booked AS (
    INSERT INTO scheduling_booking
        (slot_id, session_id, resident_id, status, channel, pool, centre_id, is_emergency, booked_by, booked_at,
         attempt)
    SELECT id, session_id, %(resident)s, %(status)s, %(channel)s, pool, centre_id, %(is_emergency)s, %(name)s, %(at)s,
           %(attempt)s
    FROM place
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


def book(
    *,
    slot_id: int,
    resident_id: int,
    channel: str,
    attempt: str,
    as_partner_centre_id: int | None = None,
    is_emergency: bool = False,
    displaced_id: int | None = None,
    by: Actor,
    at: datetime,
) -> Booking:
    """A resident gets a place in a slot; the same attempt sent twice is one booking.

    Whoever lost a place of this specialty because a session was called off has another now: `displaced_id` says which
    one, else the one lost first.

    The doctor's place may see the resident from now to the stated time after the visit day. Raises Taken with the
    nearest free places when someone was faster, RuleBroken when the slot is past, withdrawn, not open yet, still
    reserved for partner centres (SZ16-2.2b), the resident keeps its place out or has a place in this session already.
    """
    standing = queries.ANYBODY
    try:
        with transaction.atomic():
            resident, standing = _allowed_resident(slot_id, resident_id, channel, as_partner_centre_id, by, at)
            if resident.is_in_line or resident.is_displaced:  # type: ignore[attr-defined] # from resident_to_book
                _lock_resident(resident_id)
            wanted = (slot_id, resident, channel, attempt)
            booking = _take(*wanted, standing, by, at, is_emergency=is_emergency, owed=displaced_id)
            if booking is None:
                standing = _as_contracted(slot_id, resident_id, standing, at)
                if standing.contracted:
                    booking = _take(*wanted, standing, by, at, is_emergency=is_emergency, owed=displaced_id)
            if booking is not None:
                return booking
    except IntegrityError as error:
        # The own centre took the last of its share in this very moment: said below, as it stands then.
        if _constraint(error) not in (*NOT_TWICE, OVER_SHARE):
            raise
    earlier = _replay(slot_id, resident_id, attempt)
    if earlier is None:
        raise _refusal_of(slot_id, resident_id, standing, at)
    return earlier


def _take(
    slot_id: int, resident: Resident, channel: str, attempt: str, standing: Standing, by: Actor, at: datetime,
    *, is_emergency: bool = False, owed: int | None = None,
) -> Booking | None:  # fmt: skip
    """Runs the one statement and writes history and trace; None when no place could be taken.

    Who waited in the line of this house and specialty, or was owed a place of it, has got it.
    """
    values: dict[str, Any] = {
        "slot": slot_id,
        "resident": resident.pk,
        "after": _after(resident, at),
        "status": BOOKING.initial,
        "channel": channel,
        "is_emergency": is_emergency,
        "name": by.name,
        "at": at,
        "attempt": attempt,
        **standing.lists,
        "zone": get_current_timezone_name(),
    }
    rows = rows_of(Booking, TAKE, values)
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
    if resident.is_in_line:  # type: ignore[attr-defined] # from resident_to_book
        _serve_lines(slot_id, resident.pk, by, at)
    if resident.is_displaced:  # type: ignore[attr-defined] # from resident_to_book
        _settle(booking, owed, by, at)
    return booking


def _settle(booking: Booking, displaced_id: int | None, by: Actor, at: datetime) -> None:
    """Of what the resident is owed, the place lost first, or the one that is named, is made good."""
    specialty = queries.get_slot(booking.slot_id).session.specialty
    rows = Displaced.objects.select_for_update(of=("self",)).filter(
        resident=booking.resident_id, status=DISPLACED.initial, booking__session__specialty=specialty
    )
    displaced = (rows.filter(pk=displaced_id) if displaced_id else rows).order_by("since", "pk").first()
    if displaced is not None:
        transition(displaced, DISPLACED, "place", by=by, at=at, instead=booking)
        residents.end_basis(source=_owed(displaced), by=by, at=at)


def _serve_lines(slot_id: int, resident_id: int, by: Actor, at: datetime) -> None:
    """Another place offered in the line goes to the next; one that somebody has locked just now, when its time ends."""
    session = queries.get_slot(slot_id).session
    lines = Waiting.objects.select_for_update().filter(
        resident=resident_id, organization=session.organization_id, specialty=session.specialty, status=WAITING.initial
    )
    for waiting in lines:
        transition(waiting, WAITING, "accept", by=by, at=at)
        offer = queries.offer_of(waiting.pk, at)
        if offer is not None and offer.slot_id != slot_id and _has_locked(offer.slot):
            _end(offer, at)
            _offer(offer.slot_id, at, not_to=resident_id)


def _allowed_resident(
    slot_id: int, resident_id: int, channel: str, as_partner_centre_id: int | None, by: Actor, at: datetime
) -> tuple[Resident, Standing]:
    """The resident a place may be taken for, and how the booker stands before the hospitals.

    Raises Denied, RuleBroken when the resident keeps the place out, is dead, or books online while suspended.
    """
    resident = queries.resident_to_book(resident_id, slot_id, at)
    has_basis = permissions.asks_for_basis(by, resident) and queries.has_basis(resident_id, by, at)
    _allow(
        permissions.can_book(
            by, resident, has_basis=has_basis, channel=channel, as_partner_centre_id=as_partner_centre_id
        )
    )
    if by.role == Role.RESIDENT and resident.is_ordered:  # type: ignore[attr-defined] # from resident_to_book
        raise Denied(_("检查和床位由医生开单预约。"), next_step=_("请找您的家庭医生。"))
    if resident.keeps_out_place:  # type: ignore[attr-defined] # from resident_to_book
        raise RuleBroken(
            _("居民不让这家机构看自己的档案，不能约它的号。"),
            next_step=_("请另选一家，或由居民在“我的授权”里撤回拒绝。"),
        )
    if resident.deceased_on is not None:
        raise RuleBroken(_("这位居民已登记死亡，不能预约。"), next_step=_("请核对居民档案。"))
    if by.role == Role.RESIDENT and resident.has_missed:  # type: ignore[attr-defined] # from resident_to_book
        _refuse_suspended(resident, slot_id, at)
    if as_partner_centre_id is None:
        return resident, queries.ANYBODY
    hospital_id = queries.get_slot(slot_id).session.organization_id
    is_paired = agreements.is_paired(hospital_id, as_partner_centre_id, localtime(at).date())
    own = {permissions.circle_of(by.role, channel): frozenset({hospital_id})} if is_paired else {}
    return resident, Standing(**own, centre_id=as_partner_centre_id if is_paired else None)


def _refuse_suspended(resident: Resident, slot_id: int, at: datetime) -> None:
    """Who stayed away too often does not book online for a time; others book for them as ever."""
    code = queries.get_slot(slot_id).session.organization.place.code
    until = queries.suspension_of(resident.pk, code, at)
    if until is None:
        return
    terms = queries.absence_terms(code, at)
    words = {"days": terms.window_days, "limit": terms.limit, "until": f"{localtime(until):%Y-%m-%d %H:%M}"}
    raise RuleBroken(
        _("%(days)s天内未到诊满%(limit)s次，%(until)s前不能自己在网上预约。") % words,
        next_step=_("急着看，请家庭医生或窗口帮您约；有原因，可以在“我的号”里申诉。"),
    )


def _as_contracted(slot_id: int, resident_id: int, standing: Standing, at: datetime) -> Standing:
    """As the resident's own contract lets them, in no centre's name, where a place waits for it; else the same.

    Looked up only where it helps: a centre that may take more had the place already, or it is gone.
    """
    slot = queries.get_slot(slot_id)
    if slot.contracted_at is None or not slot.contracted_at <= at < (slot.release_at or at):
        return standing
    hospital_id = slot.session.organization_id
    if standing.before(hospital_id) is not Circle.PUBLIC and not queries.has_enough(slot.session_id, standing):
        return standing
    contracted = queries.contracted_before(resident_id, at)
    return Standing(contracted=contracted) if hospital_id in contracted else standing


def _replay(slot_id: int, resident_id: int, attempt: str) -> Booking | None:
    """The booking an earlier sending made. Raises RuleBroken when it was about something else."""
    earlier = queries.booking_of_attempt(attempt)
    if earlier is not None and (earlier.slot_id, earlier.resident_id) != (slot_id, resident_id):
        raise RuleBroken(_("这张表单已经提交过，内容却不一样。"), next_step=_("请刷新页面后重新选择。"))
    return earlier


def _refusal_of(
    slot_id: int, resident_id: int, standing: Standing, at: datetime, *, instead_of: int | None = None
) -> RuleBroken | Taken:
    """The error that says why there is no place, with the nearest free ones when somebody was faster.

    `instead_of` is the booking that would be given back for it.
    """
    slot = queries.get_slot(slot_id)
    session, own = slot.session, queries.place_in_session(slot.session_id, resident_id)
    enough = queries.has_enough(session.pk, standing)
    facts = queries.facts_of(slot, session.status == SESSION.initial, at, standing=standing, has_enough=enough)
    circle = standing.before(session.organization_id)
    has_own = own is not None and own.pk != instead_of
    refusal = rules.why_not(facts, at, circle=circle, is_in_session=has_own) or Refusal.FULL
    if refusal is not Refusal.FULL:
        return rules.refused(refusal, facts, circle, own.slot.starts_at if own else None)
    nearest = tuple((_called(free), _address(free)) for free in queries.nearest_free(slot, at, standing=standing))
    gone = _("%(when)s的号刚刚被约走了。") if slot.taken >= slot.capacity else _("%(when)s的号正有人留着。")
    return Taken(
        gone % {"when": _when(slot.starts_at)},
        next_step=_("请从最近的空号里选一个。") if nearest else _("请换一位医生，或过几天再看。"),
        alternatives=nearest,
    )
