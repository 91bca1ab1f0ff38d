"""Times with a doctor and what is free in them; free is defined here once, for lists, holds and bookings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    DateField,
    DateTimeField,
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
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told, among, rows_of
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.scheduling.models import Booking, Hold, PartnerCount, Session, Slot
from kangqiao.domain.scheduling.permissions import can_withdraw, circle_of, partner_centre
from kangqiao.domain.scheduling.rules import Circle, SlotFacts, why_not
from kangqiao.domain.scheduling.rules import places_left as rules_left
from kangqiao.domain.scheduling.states import SESSION
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible

# The one meaning of "free", as text because the hot paths run it inside their own statements. Parameters: the instant,
# the hospitals before which the asker stands in each circle, and the end of a hold of the asker's own, if there is one.
# `HELD` are the ends of the holds of others that run at the instant: an ended one needs nobody to take it away.
HELD = """ARRAY(
    SELECT hold.until FROM unnest(scheduling_slot.held) WITH ORDINALITY hold(until, position)
    WHERE hold.until > %(at)s AND hold.position IS DISTINCT FROM array_position(scheduling_slot.held, {own})
)"""
# Few places are held: the others need no look at their ends.
LEFT = f"""(scheduling_slot.capacity - scheduling_slot.taken
    - CASE WHEN cardinality(scheduling_slot.held) = 0 THEN 0 ELSE cardinality({HELD}) END)"""
# Of what is reserved: not kept for another centre, and the own one has not taken as many as it may.
OWN_SHARE = """(
    (scheduling_slot.kept_for_id IS NULL OR scheduling_slot.kept_for_id = %(centre)s::bigint
     OR scheduling_slot.contracted_at <= %(at)s)
    AND NOT EXISTS (SELECT FROM scheduling_partnercount share WHERE share.session_id = scheduling_session.id
                    AND share.centre_id = %(centre)s::bigint AND share.taken >= share.most
                    AND NOT share.session_id = ANY(%(given_back)s))
)"""
FREE = f"""(
    {LEFT} > 0
    AND scheduling_slot.starts_at > %(at)s
    AND scheduling_slot.opens_at <= %(at)s
    AND scheduling_session.status = 'open'
    AND (scheduling_slot.release_at IS NULL OR scheduling_slot.release_at <= %(at)s
         OR (scheduling_session.organization_id = ANY(%(partner)s) AND {OWN_SHARE})
         OR (scheduling_slot.teams_at <= %(at)s AND scheduling_session.organization_id = ANY(%(team)s) AND {OWN_SHARE})
         OR (scheduling_slot.contracted_at <= %(at)s AND scheduling_session.organization_id = ANY(%(contracted)s)))
)"""
NOBODY = "NULL::timestamptz"
# The sessions first, then the slots of each: the database, which plans once for all values, would go through the slots
# of the whole city at that time and look at the session of each.
FREE_BETWEEN = f"""
SELECT scheduling_slot.*, {LEFT.format(own=NOBODY)} AS left
FROM scheduling_session CROSS JOIN LATERAL (
    SELECT * FROM scheduling_slot slot
    WHERE slot.session_id = scheduling_session.id AND slot.starts_at >= %(starts)s AND slot.starts_at < %(ends)s
    OFFSET 0
) scheduling_slot
WHERE scheduling_session.organization_id = ANY(%(houses)s)
  AND (%(specialty)s::text = '' OR scheduling_session.specialty = %(specialty)s::text)
  AND scheduling_session.ends_at > %(starts)s AND scheduling_session.starts_at < %(ends)s
  AND {FREE.format(own=NOBODY)}
ORDER BY scheduling_slot.starts_at, scheduling_slot.id
"""  # noqa: S608 (constant text)
NEAREST = 3
OTHER_TIMES = 18
MOST_SESSIONS = 120


@dataclass(frozen=True, slots=True)
class Standing:
    """Before which hospitals the asker is a paired centre, a team of one, or somebody contracted with one.

    `centre_id` is the centre in whose name a reserved place is taken: some are kept for one, and it may take so many.
    `gives_back_in` is the session of a place it gives back for the new one: there it takes no more than it has.
    """

    partner: frozenset[int] = frozenset()
    team: frozenset[int] = frozenset()
    contracted: frozenset[int] = frozenset()
    centre_id: int | None = None
    gives_back_in: frozenset[int] = frozenset()

    def before(self, hospital_id: int) -> Circle:
        """The narrowest circle the asker stands in before a hospital."""
        own = ((Circle.PARTNER, self.partner), (Circle.TEAM, self.team), (Circle.CONTRACTED, self.contracted))
        return next((circle for circle, hospitals in own if hospital_id in hospitals), Circle.PUBLIC)

    @property
    def lists(self) -> dict[str, Any]:
        """The values of `FREE`."""
        circles = {"partner": list(self.partner), "team": list(self.team), "contracted": list(self.contracted)}
        return {**circles, "centre": self.centre_id, "given_back": list(self.gives_back_in)}

    def instead_of(self, booking: Booking) -> Standing:
        """The same for another place instead of a booking, which may be of the own centre's share."""
        if booking.centre_id is None or booking.centre_id != self.centre_id:
            return self
        return replace(self, gives_back_in=frozenset({booking.session_id}))


ANYBODY = Standing()


def is_free(at: datetime, standing: Standing = ANYBODY) -> RawSQL:
    """The condition that a place can be taken at an instant; use it where slots are joined with their session."""
    return _sql(FREE, BooleanField(), at=at, **standing.lists)


def places_left(at: datetime) -> RawSQL:
    """How many places of a slot are neither booked nor held at an instant."""
    return _sql(LEFT, IntegerField(), at=at)


def _sql(text: str, output_field: Field[Any, Any], **values: Any) -> RawSQL:
    """Constant text with named values, as Django wants it: by position, in the order they stand."""
    text = re.sub(r"ANY\((%\(\w+\)s)\)", r"ANY(\1::bigint[])", text.format(own=NOBODY))
    names = re.findall(r"%\((\w+)\)s", text)
    placed = re.sub(r"%\(\w+\)s", "%s", text)
    return RawSQL(placed, tuple(values[name] for name in names), output_field=output_field)  # noqa: S611 (constant text)


def free_slots(
    organization_ids: Iterable[int],
    specialty: str | None = None,
    *,
    starts: datetime,
    ends: datetime,
    standing: Standing = ANYBODY,
    now: datetime,
) -> list[Slot]:
    """Slots with a free place at these organisations between two instants, soonest first, with session and doctor.

    Each carries `left`, how many places are free. Slots of one session share it: a week has many times more slots.
    """
    values = {
        "houses": list(organization_ids), "specialty": specialty or "", "starts": starts, "ends": ends, "at": now,
        **standing.lists,
    }  # fmt: skip
    found = rows_of(Slot, FREE_BETWEEN, values)
    sessions = {one.pk: one for one in _sessions.models(sessions=list({slot.session_id for slot in found}))}
    for slot in found:
        slot._state.fields_cache["session"] = sessions[slot.session_id]
    return found


@Prepared
def _sessions() -> QuerySet[Session]:
    rows = Session.objects.filter(among("id", "sessions")).order_by()
    return rows.select_related("organization__place", "practitioner__specialty")


def nearest_free(slot: Slot, now: datetime, *, standing: Standing = ANYBODY, limit: int = NEAREST) -> list[Slot]:
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
        is_free(now, standing),
        session__specialty=session.specialty,
        session__organization__place__code__startswith=city,
    )
    return list(slots.exclude(pk=slot.pk).order_by(rank, apart, "id")[:limit])


def other_times(seat: Seat, booking: Booking, now: datetime) -> list[tuple[date, list[Slot]]]:
    """Free times instead of a booked one, the nearest of the same session, place and specialty, day by day."""
    standing = standing_of(seat, now, booking.resident_id).instead_of(booking)
    nearest = nearest_free(booking.slot, now, standing=standing, limit=OTHER_TIMES)
    found = sorted(nearest, key=lambda slot: slot.starts_at)
    return [(day, list(own)) for day, own in groupby(found, key=lambda slot: localtime(slot.starts_at).date())]


def get_slot(slot_id: int) -> Slot:
    """One slot with session, place and doctor, whether free or not. Raises NotVisible."""
    found = _slot.models(slot=slot_id)
    if not found:
        raise NotVisible(_("没有这个号源。"), next_step=_("请回到预约页重新选择。"))
    (one,) = found
    assert isinstance(one, Slot)
    return one


@Prepared
def _slot() -> QuerySet[Slot]:
    return _with_session(Slot.objects.filter(pk=Told("slot", BigIntegerField()))).order_by()


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
    """One time in the slot grid: how many places are left for the asker, why none where none, until when one is held
    for the person it is about, and from when a reserved one is open to the asker.
    """

    slot: Slot
    left: int
    refusal: str
    held_until: datetime | None = None
    opens_at: datetime | None = None


def slots_of(
    session: Session, now: datetime, standing: Standing = ANYBODY, *, resident_id: int | None = None
) -> list[Cell]:
    """Every time of a session in order, as the asker may take it for a resident, or for nobody yet."""
    circle, is_open = standing.before(session.organization_id), session.status == SESSION.initial
    own = {hold.slot_id: hold.until for hold in holds_of(resident_id, now) if hold.slot.session_id == session.pk}
    cells, enough = [], has_enough(session.pk, standing)
    for slot in Slot.objects.filter(session_id=session.pk).order_by("starts_at"):
        until = own.get(slot.pk)
        facts = facts_of(slot, is_open, now, own=until, standing=standing, has_enough=enough)
        refusal = why_not(facts, now, circle=circle, is_in_session=False)
        opens = facts.open_from(circle)
        cells.append(Cell(slot, 0 if refusal else facts.left, str(refusal or ""), None if refusal else until, opens))
    return cells


def facts_of(
    slot: Slot, is_session_open: bool, now: datetime, *, own: datetime | None = None,
    standing: Standing = ANYBODY, has_enough: bool = False,
) -> SlotFacts:  # fmt: skip
    """What the rules need to know of a slot; `own` is the end of a hold of the asker's own.

    `has_enough`: the asker's centre has taken as many reserved places of the session as it may.
    """
    left = rules_left(slot.capacity, slot.taken, slot.held, now, own=own)
    is_kept = slot.kept_for_id is not None and slot.kept_for_id != standing.centre_id
    return SlotFacts(
        slot.starts_at, slot.opens_at, slot.teams_at, slot.contracted_at, slot.release_at, is_session_open, left,
        is_kept_for_another=is_kept, has_enough=has_enough,
    )  # fmt: skip


def has_enough(session_id: int, standing: Standing) -> bool:
    """Whether a centre has taken as many reserved places of a session as it may, and gives none of them back."""
    if standing.centre_id is None or session_id in standing.gives_back_in:
        return False
    row = PartnerCount.objects.filter(session=session_id, centre=standing.centre_id).first()
    return row is not None and row.most is not None and row.taken >= row.most


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


def shared_sessions(session_ids: Iterable[int]) -> list[Session]:
    """Sessions that nobody calls off meanwhile, locked in one order."""
    share = "SELECT * FROM scheduling_session WHERE id = ANY(%(sessions)s) ORDER BY id FOR SHARE"
    return rows_of(Session, share, {"sessions": list(session_ids)})


def locked_places(slot_ids: Iterable[int]) -> list[Slot]:
    """Slots of several sessions, locked in the order in which a letter takes them; their sessions before them."""
    wanted = Slot.objects.filter(pk__in=list(slot_ids)).order_by("pk")
    shared_sessions(set(wanted.values_list("session_id", flat=True)))
    return list(wanted.select_for_update())


def standing_of(seat: Seat, at: datetime, resident_id: int | None = None) -> Standing:
    """How a seat stands before the hospitals at an instant: as its centre, a team of it, or a contracted resident.

    A resident stands where the house that contracted them does, whoever of the family taps.
    """
    if seat.role == Role.RESIDENT:
        return Standing(contracted=contracted_before(resident_id, at)) if resident_id else ANYBODY
    centre_id = partner_centre(seat)
    if centre_id is None:
        return ANYBODY
    paired = frozenset(agreements.paired_hospitals(centre_id, localtime(at).date()).values_list("pk", flat=True))
    return Standing(**{circle_of(seat.role, Booking.Channel.GP): paired}, centre_id=centre_id)


def contracted_before(resident_id: int, at: datetime) -> frozenset[int]:
    """The hospitals bound to the house of a resident's family doctor at an instant.

    A contract that is signed has a term, and so has its basis; an application has none yet.
    """
    return frozenset(pk for (pk,) in _contracted.ask(resident=resident_id, at=at, on=localtime(at).date()))


@Prepared
def _contracted() -> QuerySet[Agreement, Any]:
    signed = residents.valid_at(Told("at", DateTimeField())).filter(kind="contract", until__isnull=False)
    signed = signed.filter(resident_id=Told("resident", BigIntegerField()), organization__isnull=False)
    held = agreements.in_force(Told("on", DateField()), kinds=agreements.RELATIONS)
    return held.filter(centre__in=signed.values("organization_id")).order_by().values_list("hospital_id")


def get_practitioner(practitioner_id: int) -> Practitioner:
    """One doctor with specialty and employer. Raises NotVisible."""
    found = Practitioner.objects.select_related("specialty", "organization").filter(pk=practitioner_id).first()
    if found is None:
        raise NotVisible(_("没有这位医生。"), next_step=_("请回到预约页重新查找。"))
    return found


def _with_session(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    return slots.select_related("session__organization__place", "session__practitioner__specialty")
