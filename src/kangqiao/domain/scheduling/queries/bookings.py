"""Bookings: of a resident, of a day, of one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    BigIntegerField,
    Count,
    DateTimeField,
    Exists,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
)
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.transition import history
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import not_found, note_read
from kangqiao.domain.scheduling.models import Booking, Displaced, Session, Slot, Waiting
from kangqiao.domain.scheduling.permissions import can_step, can_withdraw, visible_to
from kangqiao.domain.scheduling.queries.overbooking import queue_numbers
from kangqiao.domain.scheduling.rules import ORDERED, is_visit_day, may_cancel
from kangqiao.domain.scheduling.states import BOOKING, DISPLACED, WAITING
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State, Step


def resident_to_book(resident_id: int, slot_id: int, at: datetime) -> Resident:
    """The resident a place is for. Raises NotVisible.

    `keeps_out_place` says whether they refused the slot's place, `is_ordered` whether only a doctor takes such a one,
    `has_missed` whether they ever stayed away, `is_in_line` whether they wait for a place of its specialty there,
    `is_displaced` whether they lost one of its specialty.
    """
    found = _to_book.models(resident=resident_id, slot=slot_id, at=at)
    if not found:
        raise not_found()
    (one,) = found
    assert isinstance(one, Resident)
    return one


@Prepared
def _to_book() -> QuerySet[Resident]:
    slot, at = Told("slot", BigIntegerField()), Told("at", DateTimeField())
    place = Slot.objects.filter(pk=slot).values("session__organization_id")
    refused = residents.refusals_at(at).filter(resident_id=OuterRef("pk"), organization_id__in=place)
    ordered = Slot.objects.filter(pk=slot, session__specialty__in=ORDERED)
    missed = Booking.objects.filter(resident=OuterRef("pk"), status="no_show")
    specialty = Slot.objects.filter(pk=slot).values("session__specialty")
    lines = Waiting.objects.filter(
        resident=OuterRef("pk"), organization_id__in=place, specialty__in=specialty, status=WAITING.initial
    )
    owed = Displaced.objects.filter(
        resident=OuterRef("pk"), status=DISPLACED.initial, booking__session__specialty__in=specialty
    )
    rows = Resident.objects.select_related("centre__place").annotate(
        keeps_out_place=Exists(refused),
        is_ordered=Exists(ordered),
        has_missed=Exists(missed),
        is_in_line=Exists(lines),
        is_displaced=Exists(owed),
    )
    return rows.filter(pk=Told("resident", BigIntegerField()))


def has_basis(resident_id: int, by: Actor, at: datetime) -> bool:
    """Whether the actor's organisation may see the resident at an instant, or the actor acts for the resident."""
    if by.role == Role.RESIDENT:
        return residents.may_act_for(residents.user_id_of(by), resident_id, at)
    held = residents.valid_at(at).filter(resident_id=resident_id, organization_id=by.organization_id or 0)
    return held.exists() and not residents.is_refused(resident_id, by.organization_id, at)


def place_in_session(session_id: int, resident_id: int) -> Booking | None:
    """The live booking a resident has in a session, with its slot."""
    found: list[Booking] = _in_session.models(session=session_id, resident=resident_id)
    return found[0] if found else None


@Prepared
def _in_session() -> QuerySet[Booking]:
    live = Booking.objects.filter(status__in=("booked", "arrived", "fulfilled")).select_related("slot")
    rows = live.filter(session_id=Told("session", BigIntegerField()), resident_id=Told("resident", BigIntegerField()))
    return rows[:1]


def booking_with_slot(booking_id: int) -> Booking:
    """A booking before it is locked, to know what to lock. Raises NotVisible."""
    found = Booking.objects.filter(pk=booking_id).first()
    if found is None:
        raise NotVisible(_("没有这个预约，或不在您的服务范围。"), next_step=_("请回到我的预约查看。"))
    return found


def booking_at(organization_id: int | None, booking_id: int) -> Booking | None:
    """A booking at a house, with all about it; None for one of another house."""
    return _with_all(Booking.objects.filter(pk=booking_id, session__organization=organization_id)).first()


def booking_of_attempt(attempt: str) -> Booking | None:
    """The booking an earlier sending of the same attempt made."""
    return Booking.objects.filter(attempt=attempt).first()


def available_steps(by: Actor, booking: Booking, at: datetime) -> list[Step]:
    """The moves this person may make on a booking now: the buttons of the page."""
    on_day = is_visit_day(localtime(booking.slot.starts_at), localtime(at))
    timely = {
        "check_in": on_day,
        "fulfil": on_day,
        "cancel": may_cancel(booking.slot.starts_at, at),
        "miss": booking.slot.starts_at <= at,
    }
    return [
        step
        for step in BOOKING.steps
        if booking.status in step.sources and timely[step.action] and can_step(by, booking, step.parties)
    ]


def get_booking(seat: Seat | None, booking_id: int) -> Booking:
    """One booking the seat may see, with slot, session, place, doctor and resident. Raises NotVisible."""
    found = _with_all(Booking.objects.filter(visible_to(seat), pk=booking_id)).first()
    if found is None:
        reads.missed("scheduling.booking", booking_id)
        raise NotVisible(_("没有这个预约，或不在您的服务范围。"), next_step=_("请回到我的预约查看。"))
    if seat is not None:
        note_read(seat, [found.resident_id])
    return found


def resident_bookings(seat: Seat | None, resident_id: int) -> list[Booking]:
    """A resident's bookings, newest visit first, as far as the seat may see them."""
    found = Booking.objects.filter(visible_to(seat), resident_id=resident_id)
    rows = list(_with_all(found).order_by("-slot__starts_at", "-id")[:50])
    if seat is not None:
        note_read(seat, [booking.resident_id for booking in rows], listed=True)
    return rows


@dataclass(frozen=True, slots=True)
class Own:
    """A resident's booking with its state, for the resident's own pages."""

    booking: Booking
    state: State


def own_bookings(seat: Seat, resident_id: int, now: datetime) -> tuple[list[Own], list[Own]]:
    """A resident's visits still to come, soonest first, and all others, newest first."""
    shown = [Own(booking, state_of(booking)) for booking in resident_bookings(seat, resident_id)]
    ahead = [own for own in shown if not own.state.final and own.booking.session.ends_at > now]
    return ahead[::-1], [own for own in shown if own not in ahead]


def day_sessions(seat: Seat, starts: datetime, ends: datetime) -> list[Session]:
    """The sessions at the seat's place in a span, each with its bookings the seat may see as `seen`, by time."""
    bookings = _with_all(Booking.objects.filter(visible_to(seat))).order_by("slot__starts_at", "id")
    sessions: list[Session] = list(
        Session.objects.filter(
            Q(organization_id=seat.organization_id) | Q(practitioner__user_id=seat.user_id),
            starts_at__gte=starts,
            starts_at__lt=ends,
        )
        # An empty clinic that was opened anew when its template changed is no news to the desk.
        .exclude(status="withdrawn", template=None, source__startswith="template:")
        .select_related("practitioner__specialty", "practitioner__organization", "organization", "stands_in_for")
        .annotate(places=Count("slots", distinct=True))
        .prefetch_related(Prefetch("bookings", bookings, to_attr="seen"))
        .order_by("starts_at", "id")
    )
    seen = [booking.resident_id for one in sessions for booking in one.seen]  # type: ignore[attr-defined] # prefetched
    note_read(seat, seen, listed=True)
    return sessions


@dataclass(frozen=True, slots=True)
class Row:
    """One booking on the day sheet: its state and the moves open to the reader."""

    booking: Booking
    state: State
    steps: frozenset[str]
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A day at a place: each session with its rows, and the counts of the tiles."""

    sessions: list[tuple[Session, list[Row], bool]]
    places: int
    counts: dict[str, int]
    states: tuple[State, ...] = BOOKING.states


def day_sheet(by: Actor, sessions: list[Session], at: datetime) -> Sheet:
    """The day as the desk reads it, from `day_sessions`; whether each session may be withdrawn goes with it."""
    counts = dict.fromkeys((state.key for state in BOOKING.states), 0)
    numbers = queue_numbers(session.pk for session in sessions)
    shown = []
    for session in sessions:
        rows = []
        for booking in session.seen:  # type: ignore[attr-defined] # prefetched by day_sessions
            booking.session = session
            counts[booking.status] += 1
            steps = frozenset(step.action for step in available_steps(by, booking, at))
            rows.append(Row(booking, BOOKING.state(booking.status), steps, numbers.get(booking.pk)))
        rows.sort(key=lambda row: (row.number is None, row.number or 0))
        is_ahead = session.status == "open" and session.ends_at > at
        shown.append((session, rows, is_ahead and bool(can_withdraw(by, session))))
    places = sum(session.places for session in sessions)  # type: ignore[attr-defined] # counted by day_sessions
    return Sheet(shown, places, counts)


def state_of(booking: Booking) -> State:
    """The state of a booking, with its name and look."""
    return BOOKING.state(booking.status)


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a booking as its page tells it."""

    verb: str
    who: str
    at: datetime
    reason: str


def history_of(booking: Booking) -> list[Event]:
    """Every step of a booking, oldest first."""
    return [
        Event(_named(BOOKING.state(change.to_status)), change.by_name, change.at, change.reason)
        for change in history(booking)
    ]


def _named(state: State) -> str:
    return state.en if (get_language() or "").startswith("en") else state.zh


def affected_by(session: Session) -> list[Booking]:
    """The people who still hold a place in a session, by time."""
    return list(_with_all(Booking.objects.filter(session=session, status="booked")).order_by("slot__starts_at", "id"))


def is_called_off(session: Session) -> bool:
    """Whether a session was withdrawn."""
    return session.status == "withdrawn"


def _with_all(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    return bookings.select_related(
        "slot", "session__organization__place", "session__practitioner__specialty", "session__stands_in_for",
        "resident__centre",
    )  # fmt: skip


def waiting_today(seat: Seat, begins: datetime, ends: datetime) -> Waits:
    """Who is booked at the seat's place on a day and has not come yet, with the earliest of their times."""
    rows = Booking.objects.filter(
        visible_to(seat), session__organization_id=seat.organization_id, status="booked",
        slot__starts_at__gte=begins, slot__starts_at__lt=ends,
    )  # fmt: skip
    return Waits(rows, "slot__starts_at")
