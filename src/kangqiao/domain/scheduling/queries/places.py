"""Times with a doctor and what is free in them; free is defined here once, for lists, holds and bookings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DurationField,
    ExpressionWrapper,
    F,
    Field,
    FloatField,
    IntegerField,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Func, RawSQL
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.scheduling.models import Hold, Session, Slot
from kangqiao.domain.scheduling.permissions import can_withdraw, partner_centre
from kangqiao.domain.scheduling.rules import SlotFacts, why_not
from kangqiao.domain.scheduling.rules import places_left as rules_left
from kangqiao.domain.scheduling.states import SESSION
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible

# The one meaning of "free", as text because the hot paths run it inside their own statements. Parameters: the instant,
# the hospitals for which the asker is a paired centre, and the end of a hold of the asker's own, if there is one.
# `HELD` are the ends of the holds of others that run at the instant: an ended one needs nobody to take it away.
HELD = """ARRAY(
    SELECT hold.until FROM unnest(scheduling_slot.held) WITH ORDINALITY hold(until, position)
    WHERE hold.until > %(at)s AND hold.position IS DISTINCT FROM array_position(scheduling_slot.held, {own})
)"""
LEFT = f"(scheduling_slot.capacity - scheduling_slot.taken - cardinality({HELD}))"
FREE = f"""(
    {LEFT} > 0
    AND scheduling_slot.starts_at > %(at)s
    AND scheduling_slot.opens_at <= %(at)s
    AND scheduling_session.status = 'open'
    AND (scheduling_slot.release_at IS NULL OR scheduling_slot.release_at <= %(at)s
         OR scheduling_session.organization_id = ANY(%(partner_of)s))
)"""
NOBODY = "NULL::timestamptz"
NEAREST = 3
MOST_SESSIONS = 120


def is_free(at: datetime, partner_of: Collection[int] = frozenset()) -> RawSQL:
    """The condition that a place can be taken at an instant; use it where slots are joined with their session."""
    return _sql(FREE, BooleanField(), at=at, partner_of=list(partner_of))


def places_left(at: datetime) -> RawSQL:
    """How many places of a slot are neither booked nor held at an instant."""
    return _sql(LEFT, IntegerField(), at=at)


def _sql(text: str, output_field: Field[Any, Any], **values: Any) -> RawSQL:
    """Constant text with named values, as Django wants it: by position, in the order they stand."""
    text = text.format(own=NOBODY).replace("ANY(%(partner_of)s)", "ANY(%(partner_of)s::bigint[])")
    names = re.findall(r"%\((\w+)\)s", text)
    placed = re.sub(r"%\(\w+\)s", "%s", text)
    return RawSQL(placed, tuple(values[name] for name in names), output_field=output_field)  # noqa: S611 (constant text)


def free_slots(
    organization_ids: Iterable[int],
    specialty: str | None = None,
    *,
    starts: datetime,
    ends: datetime,
    as_partner_of: Collection[int] = frozenset(),
    now: datetime,
) -> list[Slot]:
    """Slots with a free place at these organisations between two instants, soonest first, with session and doctor.

    Each carries `left`, how many places are free. `as_partner_of` names the hospitals for which the asker books as a
    paired centre.
    """
    slots = _with_session(Slot.objects.all()).filter(
        is_free(now, as_partner_of),
        session__organization_id__in=list(organization_ids),
        starts_at__gte=starts,
        starts_at__lt=ends,
    )
    if specialty:
        slots = slots.filter(session__specialty=specialty)
    return list(slots.annotate(left=places_left(now)).order_by("starts_at", "id"))


def nearest_free(
    slot: Slot, now: datetime, *, as_partner_of: Collection[int] = frozenset(), limit: int = NEAREST
) -> list[Slot]:
    """The next best free places for someone who wanted this slot: same session first, then same specialty and place,
    then the same specialty elsewhere in the city; within each the closest in time.
    """
    session = slot.session
    city = session.organization.place.code[:4]
    rank = Case(
        When(session_id=session.pk, then=Value(0)),
        When(session__organization_id=session.organization_id, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    apart = Func(
        ExpressionWrapper(F("starts_at") - Value(slot.starts_at), output_field=DurationField()),
        template="ABS(EXTRACT(EPOCH FROM %(expressions)s))",
        output_field=FloatField(),
    )
    slots = _with_session(Slot.objects.all()).filter(
        is_free(now, as_partner_of),
        session__specialty=session.specialty,
        session__organization__place__code__startswith=city,
    )
    return list(slots.exclude(pk=slot.pk).order_by(rank, apart, "id")[:limit])


def get_slot(slot_id: int) -> Slot:
    """One slot with session, place and doctor, whether free or not. Raises NotVisible."""
    found = _with_session(Slot.objects.filter(pk=slot_id)).first()
    if found is None:
        raise NotVisible(_("没有这个号源。"), next_step=_("请回到预约页重新选择。"))
    return found


def get_session(session_id: int) -> Session:
    """One session with place and doctor. Raises NotVisible."""
    found = (
        Session.objects.select_related("organization__place", "practitioner__specialty").filter(pk=session_id).first()
    )
    if found is None:
        raise NotVisible(_("没有这个出诊单元。"), next_step=_("请回到预约页重新选择。"))
    return found


def get_own_session(by: Actor, session_id: int) -> Session:
    """One session this person may call off, whatever its state. Raises NotVisible."""
    if not can_withdraw(by, found := get_session(session_id)):
        raise NotVisible(_("没有这个出诊单元，或不由您的机构负责。"), next_step=_("请回到日视图查看。"))
    return found


@dataclass(frozen=True, slots=True)
class Cell:
    """One time in the slot grid: how many places are left for the asker, why none where none, and until when one is
    held for the person it is about.
    """

    slot: Slot
    left: int
    refusal: str
    held_until: datetime | None = None


def slots_of(
    session: Session, now: datetime, partner_of: Collection[int] = frozenset(), *, resident_id: int | None = None
) -> list[Cell]:
    """Every time of a session in order, as the asker may take it for a resident, or for nobody yet."""
    is_partner, is_open = session.organization_id in partner_of, session.status == SESSION.initial
    own = {hold.slot_id: hold.until for hold in holds_of(resident_id, now) if hold.slot.session_id == session.pk}
    cells = []
    for slot in Slot.objects.filter(session_id=session.pk).order_by("starts_at"):
        until = own.get(slot.pk)
        facts = facts_of(slot, is_open, now, own=until)
        refusal = why_not(facts, now, is_partner=is_partner, is_in_session=False)
        cells.append(Cell(slot, 0 if refusal else facts.left, str(refusal or ""), None if refusal else until))
    return cells


def facts_of(slot: Slot, is_session_open: bool, now: datetime, *, own: datetime | None = None) -> SlotFacts:
    """What the rules need to know of a slot; `own` is the end of a hold of the asker's own."""
    left = rules_left(slot.capacity, slot.taken, slot.held, now, own=own)
    return SlotFacts(slot.starts_at, slot.opens_at, slot.release_at, is_session_open, left)


def holds_of(resident_id: int | None, now: datetime) -> list[Hold]:
    """The places kept for a resident for the moment, with their slots, the one that ends last first."""
    if resident_id is None:
        return []
    found = Hold.objects.select_related("slot__session").filter(resident_id=resident_id, until__gt=now)
    return list(found.order_by("-until", "-id"))


def hold_of(resident_id: int | None, slot_id: int, now: datetime) -> Hold | None:
    """The hold a resident has on a slot now."""
    return next((hold for hold in holds_of(resident_id, now) if hold.slot_id == slot_id), None)


def locked_slots(session_id: int) -> list[Slot]:
    """Every slot of a session, locked in one order: nobody takes or gives back a place meanwhile."""
    return list(Slot.objects.select_for_update().filter(session_id=session_id).order_by("pk"))


def partner_of(seat: Seat, on: date) -> frozenset[int]:
    """The hospitals whose partner places the seat may take: those paired with its centre on the day."""
    centre_id = partner_centre(seat)
    if centre_id is None:
        return frozenset()
    return frozenset(agreements.paired_hospitals(centre_id, on).values_list("pk", flat=True))


def get_practitioner(practitioner_id: int) -> Practitioner:
    """One doctor with specialty and employer. Raises NotVisible."""
    found = Practitioner.objects.select_related("specialty", "organization").filter(pk=practitioner_id).first()
    if found is None:
        raise NotVisible(_("没有这位医生。"), next_step=_("请回到预约页重新查找。"))
    return found


def _with_session(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    return slots.select_related("session__organization__place", "session__practitioner__specialty")
