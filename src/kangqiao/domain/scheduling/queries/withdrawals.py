"""Whom a session's being called off concerns, who is owed another place, and which equal places are free to each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.base.transition import history
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.scheduling.models import Booking, Displaced, Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.permissions import (
    centre_named,
    circle_of,
    displaced_owed_by,
    displaced_visible_to,
    may_name,
)
from kangqiao.domain.scheduling.queries.bookings import affected_by
from kangqiao.domain.scheduling.queries.places import NEAREST, Standing, _with_session, facts_of, places_left
from kangqiao.domain.scheduling.rules import ORDERED, why_not
from kangqiao.domain.scheduling.states import DISPLACED, WAITING
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State

# So many free places of a specialty are looked at for those who lost one, and so many people are listed.
MOST_PLACES = 600
MOST_SHOWN = 50
# How long before and after the lost time an equal place is looked for.
AROUND = timedelta(days=60)
# In nobody's name places are proposed as everyone and the contracted see them.
NOBODY_YET = Actor.system("withdrawal")


@dataclass(frozen=True, slots=True)
class Concerned:
    """One person who has a place in a session, and the nearest equal places free to them."""

    booking: Booking
    proposals: list[Slot]


@dataclass(frozen=True, slots=True)
class Concern:
    """Everybody a withdrawal would concern: who has a place, who is being asked about one, who waits for this session.

    Names only for whoever may phone them; counts for all.
    """

    people: list[Concerned]
    offers: list[Hold]
    lines: list[Waiting]
    booked: int
    waiting: int
    is_named: bool


def concern_of(seat: Seat, session: Session, now: datetime) -> Concern:
    """Whom calling a session off would concern, with what could be proposed to each, before it is done."""
    booked, waiting = _counted(session.pk)
    if not may_name(seat, session):
        return Concern([], [], [], booked, waiting, is_named=False)
    bookings = affected_by(session)
    proposed = proposals(bookings, now, seat)
    offers = Hold.objects.select_related("resident", "slot").filter(
        slot__session=session, waiting__isnull=False, until__gt=now
    )
    lines = Waiting.objects.select_related("resident").filter(session=session, status=WAITING.initial)
    shown, asked = list(lines[:MOST_SHOWN]), list(offers[:MOST_SHOWN])
    people = [Concerned(one, proposed[one.pk]) for one in bookings]
    seen = [
        {one.resident_id for one in bookings},
        {one.resident_id for one in asked},
        {one.resident_id for one in shown},
    ]
    note_read(seat, sorted(set().union(*seen)), listed=True)
    return Concern(people, asked, shown, booked, waiting, is_named=True)


@beyond("scheduling.counts")
def _counted(session_id: int) -> tuple[int, int]:
    booked = Booking.objects.filter(session_id=session_id, status="booked").count()
    return booked, Waiting.objects.filter(session_id=session_id, status=WAITING.initial).count()


def proposals(bookings: Sequence[Booking], at: datetime, by: Seat | Actor = NOBODY_YET) -> dict[int, list[Slot]]:
    """The nearest equal places free to each of these people of one specialty, by booking.

    Emergencies choose first, then who would have come first; the first place of each is proposed to nobody else. The
    same house or the own centre comes before any other, then the nearest in time; places kept for somebody else are
    left out, as `by` stands. In three statements, however many people.
    """
    if not bookings:
        return {}
    session, first = bookings[0].session, min(one.slot.starts_at for one in bookings)
    city = session.organization.place.code[:4]
    slots = _with_session(Slot.objects.all()).filter(
        session__specialty=session.specialty, session__status="open", opens_at__lte=at,
        session__organization__place__code__startswith=city, starts_at__gt=max(at, first - AROUND),
        starts_at__lt=first + AROUND,
    )  # fmt: skip
    counted = slots.annotate(left=places_left(at)).filter(left__gt=0).exclude(session=session)
    places = list(counted.order_by("starts_at", "pk")[:MOST_PLACES])
    left = {slot.pk: slot.left for slot in places}
    standings, found = _standings(bookings, at, by), {}
    for one in sorted(bookings, key=lambda one: (not one.is_emergency, one.slot.starts_at, one.pk)):
        own = _in_order(one, _open_to(places, standings[one.pk], at))
        fresh = [slot for slot in own if left[slot.pk] > 0]
        found[one.pk] = [*fresh, *(slot for slot in own if left[slot.pk] <= 0)][:NEAREST]
        if fresh:
            left[fresh[0].pk] -= 1
    return found


def _open_to(places: Iterable[Slot], standing: Standing, at: datetime) -> list[Slot]:
    return [
        slot
        for slot in places
        if why_not(
            facts_of(slot, True, at, standing=standing),
            at,
            circle=standing.before(slot.session.organization_id),
            is_in_session=False,
        )
        is None
    ]


def _in_order(lost: Booking, places: list[Slot]) -> list[Slot]:
    near = {lost.session.organization_id, lost.resident.centre_id}
    return sorted(
        places,
        key=lambda slot: (
            slot.session.organization_id not in near, abs(slot.starts_at - lost.slot.starts_at), slot.pk,
        ),
    )  # fmt: skip


def _standings(bookings: Sequence[Booking], at: datetime, by: Seat | Actor) -> dict[int, Standing]:
    """How each of these people stands before the hospitals if `by` takes a place for them."""
    signed = residents.valid_at(at).filter(
        resident_id__in={one.resident_id for one in bookings}, kind="contract", until__isnull=False,
        organization__isnull=False,
    )  # fmt: skip
    contracts: dict[int, set[int]] = {}
    for resident_id, house in signed.values_list("resident_id", "organization_id"):
        contracts.setdefault(resident_id, set()).add(house)
    named = {one.pk: centre_named(by, one) for one in bookings}
    houses = {house for own in contracts.values() for house in own} | {one for one in named.values() if one}
    held = agreements.in_force(localtime(at).date(), kinds=agreements.RELATIONS).filter(centre__in=houses)
    paired: dict[int, set[int]] = {}
    for centre, hospital in held.values_list("centre_id", "hospital_id"):
        paired.setdefault(centre, set()).add(hospital)
    found = {}
    for one in bookings:
        contracted = frozenset(pk for house in contracts.get(one.resident_id, ()) for pk in paired.get(house, ()))
        circle = {str(circle_of(by.role, one.channel)): frozenset(paired.get(named[one.pk] or 0, ()))}
        found[one.pk] = Standing(**{"contracted": contracted, **circle}, centre_id=named[one.pk])
    return found


@dataclass(frozen=True, slots=True)
class Owed:
    """Somebody who lost a place: what the house said, which equal places are free, and what became of it."""

    row: Displaced
    reason: str
    why: str
    proposals: list[Slot]

    @property
    def state(self) -> State:
        """What became of it."""
        return DISPLACED.state(self.row.status)

    @property
    def is_open(self) -> bool:
        """Whether they still wait for another place."""
        return self.row.status == DISPLACED.initial


def owed_places(seat: Seat, now: datetime) -> tuple[list[Owed], int]:
    """Those whom the seat's house owes another place, emergencies first, then who waits longest.

    And how many there are beyond those a page lists.
    """
    rows = Displaced.objects.filter(displaced_owed_by(seat), status=DISPLACED.initial)
    shown = list(_with_all(rows).order_by("-booking__is_emergency", "since", "booking__slot__starts_at")[:MOST_SHOWN])
    further = rows.count() - len(shown) if len(shown) == MOST_SHOWN else 0
    note_read(seat, [one.resident_id for one in shown], listed=True)
    return _told(shown, seat, now), further


def owed_of_session(seat: Seat, session: Session, now: datetime) -> list[Owed]:
    """Everybody who lost a place when a session was called off last, what became of each; by time."""
    last = history(session).filter(action="withdraw").last()
    rows = Displaced.objects.filter(
        displaced_visible_to(seat), booking__session=session, since=last.at if last else now
    ).order_by("-booking__is_emergency", "booking__slot__starts_at", "pk")  # fmt: skip
    shown = list(_with_all(rows))
    note_read(seat, [one.resident_id for one in shown], listed=True)
    return _told(shown, seat, now)


def get_owed(seat: Seat, displaced_id: int, now: datetime) -> Owed:
    """One person who lost a place, with what is free to them as this seat would take it. Raises NotVisible."""
    found = _with_all(Displaced.objects.filter(displaced_visible_to(seat), pk=displaced_id)).first()
    if found is None:
        raise NotVisible(_("没有这条停诊记录，或不由您来办。"), next_step=_("请回到首页查看。"))
    note_read(seat, [found.resident_id])
    return _told([found], seat, now)[0]


def own_displaced(seat: Seat, resident_id: int) -> list[Displaced]:
    """What a resident lost and has no other place for yet, for their own page."""
    rows = Displaced.objects.filter(displaced_visible_to(seat), resident=resident_id, status=DISPLACED.initial)
    return list(rows.select_related("booking__slot", "booking__session__practitioner").order_by("since", "pk"))


def _told(rows: list[Displaced], seat: Seat, now: datetime) -> list[Owed]:
    by_specialty: dict[str, list[Booking]] = {}
    for one in rows:
        if one.status == DISPLACED.initial and _may_choose(seat, one.booking):
            by_specialty.setdefault(one.booking.session.specialty, []).append(one.booking)
    proposed: dict[int, list[Slot]] = {}
    for bookings in by_specialty.values():
        proposed |= proposals(bookings, now, seat)
    reasons = _reasons(rows)
    return [
        Owed(
            one, reasons.get(one.booking.session_id, ""), one.booking.session.get_withdrawn_for_display(),
            proposed.get(one.booking_id, []),
        )
        for one in rows
    ]  # fmt: skip


def _may_choose(seat: Seat, lost: Booking) -> bool:
    """A letter moves its own places, and no resident orders examinations and beds."""
    is_ordered = seat.role == Role.RESIDENT and lost.session.specialty in ORDERED
    return lost.channel != Booking.Channel.REFERRAL and not is_ordered


def _reasons(rows: list[Displaced]) -> dict[int, str]:
    """Why each of these sessions was called off last."""
    changes = StatusChange.objects.filter(
        subject_type=Session._meta.label_lower, subject_id__in={one.booking.session_id for one in rows},
        action="withdraw",
    ).order_by("pk")  # fmt: skip
    return dict(changes.values_list("subject_id", "reason"))


def owed_waiting(seat: Seat) -> Waits:
    """Whom the seat's house owes another place, and since when."""
    return Waits(Displaced.objects.filter(displaced_owed_by(seat), status=DISPLACED.initial), "since")


def displaced_by_id(displaced_id: int, *, is_locked: bool = False) -> Displaced:
    """What somebody lost, before or while it is locked. Raises NotVisible."""
    rows = Displaced.objects.select_for_update(of=("self",)) if is_locked else Displaced.objects.all()
    found = _with_all(rows.filter(pk=displaced_id)).first()
    if found is None:
        raise NotVisible(_("没有这条停诊记录，或不由您来办。"), next_step=_("请回到首页查看。"))
    return found


def locked_displaced(session: Session, since: datetime) -> list[Displaced]:
    """Everybody who lost a place in a session at an instant, locked in one order."""
    rows = Displaced.objects.select_for_update(of=("self",)).filter(booking__session=session, since=since)
    return list(_with_all(rows).order_by("pk"))


def substitutes_for(session: Session) -> list[Practitioner]:
    """Who can take a session over: of the announced doctor's house and specialty, of no lower title, not away.

    Whether they sit elsewhere at that hour the database says. Registration costs go by title, so nobody gets less.
    """
    announced = session.stands_in_for or session.practitioner
    rows = workforce.experts_of(announced.organization_id, minimum=announced.title_grade, specialty=session.specialty)
    starts = localtime(session.starts_at)
    half = "am" if starts.hour < 12 else "pm"
    away = workforce.absences_between(rows.values_list("pk", flat=True), starts.date(), starts.date())
    busy = {one.practitioner_id for one in away if one.half in ("", half)}
    return [one for one in rows.exclude(pk=session.practitioner_id).order_by("pk") if one.pk not in busy]


def free_substitutes(session: Session) -> list[Practitioner]:
    """Of those who can take a session over, the ones who sit nowhere else at its hours."""
    fit = substitutes_for(session)
    elsewhere = Session.objects.filter(
        practitioner__in=fit, status="open", starts_at__lt=session.ends_at, ends_at__gt=session.starts_at
    )
    taken = set(elsewhere.values_list("practitioner_id", flat=True))
    return [one for one in fit if one.pk not in taken]


def _with_all(rows: QuerySet[Displaced]) -> QuerySet[Displaced]:
    return rows.select_related(
        "resident__centre__place", "booking__slot", "booking__resident__centre__place",
        "booking__session__organization__place", "booking__session__practitioner__specialty", "organization",
        "instead__slot", "instead__session__organization", "instead__session__practitioner",
    )  # fmt: skip
