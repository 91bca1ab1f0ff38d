"""Every read of sessions, slots and bookings; what is free is defined here once, for lists and for booking."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import (
    BooleanField,
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    IntegerField,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Func, RawSQL
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kangqiao.base import reads
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.base.search import wanted_key
from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import not_found, note_read
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.permissions import can_step, can_withdraw, partner_centre, visible_to
from kangqiao.domain.scheduling.rules import SlotFacts, is_visit_day, may_cancel, why_not
from kangqiao.domain.scheduling.states import BOOKING, SESSION
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State, Step

# The one meaning of "free", as text because the hot path runs it inside its own statement. Parameters: the instant
# and the hospitals for which the booker is a paired centre.
FREE = """(
    scheduling_slot.taken < scheduling_slot.capacity
    AND scheduling_slot.starts_at > %(at)s
    AND scheduling_slot.opens_at <= %(at)s
    AND scheduling_session.status = 'open'
    AND (scheduling_slot.release_at IS NULL OR scheduling_slot.release_at <= %(at)s
         OR scheduling_session.organization_id = ANY(%(partner_of)s))
)"""
NEAREST = 3
MOST_SESSIONS = 120


def is_free(at: datetime, partner_of: Collection[int] = frozenset()) -> RawSQL:
    """The condition that a place can be taken at an instant; use it where slots are joined with their session."""
    positional = FREE.replace("%(at)s", "%s").replace("%(partner_of)s", "%s::bigint[]")
    return RawSQL(positional, (at, at, at, list(partner_of)), output_field=BooleanField())  # noqa: S611 (constant text)


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

    `as_partner_of` names the hospitals for which the asker books as a paired centre.
    """
    slots = _with_session(Slot.objects.all()).filter(
        is_free(now, as_partner_of),
        session__organization_id__in=list(organization_ids),
        starts_at__gte=starts,
        starts_at__lt=ends,
    )
    if specialty:
        slots = slots.filter(session__specialty=specialty)
    return list(slots.order_by("starts_at", "id"))


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
    """One time in the slot grid: how many places are left for the asker, and why none where none."""

    slot: Slot
    left: int
    refusal: str


def slots_of(session: Session, now: datetime, partner_of: Collection[int] = frozenset()) -> list[Cell]:
    """Every time of a session in order, as the asker may take it."""
    is_partner, is_open = session.organization_id in partner_of, session.status == SESSION.initial
    cells = []
    for slot in Slot.objects.filter(session_id=session.pk).order_by("starts_at"):
        refusal = why_not(facts_of(slot, is_open), now, is_partner=is_partner, is_in_session=False)
        cells.append(Cell(slot, 0 if refusal else slot.capacity - slot.taken, str(refusal or "")))
    return cells


def facts_of(slot: Slot, is_session_open: bool) -> SlotFacts:
    """What the rules need to know of a slot."""
    return SlotFacts(slot.starts_at, slot.opens_at, slot.release_at, is_session_open, slot.taken >= slot.capacity)


def resident_to_book(resident_id: int, slot_id: int, at: datetime) -> Resident:
    """The resident a place is for; `keeps_out_place` says whether they refused the slot's place. Raises NotVisible."""
    place = Slot.objects.filter(pk=slot_id).values("session__organization_id")
    refused = residents.refusals_at(at).filter(resident_id=OuterRef("pk"), organization_id__in=place)
    rows = Resident.objects.select_related("centre__place").annotate(keeps_out_place=Exists(refused))
    found = rows.filter(pk=resident_id).first()
    if found is None:
        raise not_found()
    return found


def has_basis(resident_id: int, by: Actor, at: datetime) -> bool:
    """Whether the actor's organisation may see the resident at an instant, or the actor acts for the resident."""
    if by.role == Role.RESIDENT:
        return residents.may_act_for(residents.user_id_of(by), resident_id, at)
    held = residents.valid_at(at).filter(resident_id=resident_id, organization_id=by.organization_id or 0)
    return held.exists() and not residents.is_refused(resident_id, by.organization_id, at)


def locked_slots(session_id: int) -> list[Slot]:
    """Every slot of a session, locked in one order: nobody takes or gives back a place meanwhile."""
    return list(Slot.objects.select_for_update().filter(session_id=session_id).order_by("pk"))


def place_in_session(session_id: int, resident_id: int) -> Booking | None:
    """The live booking a resident has in a session, with its slot."""
    live = Booking.objects.filter(session_id=session_id, status__in=("booked", "arrived", "fulfilled"))
    return live.select_related("slot").filter(resident_id=resident_id).first()


def booking_of_attempt(attempt: str) -> Booking | None:
    """The booking an earlier sending of the same attempt made."""
    return Booking.objects.filter(attempt=attempt).first()


def partner_of(seat: Seat, on: date) -> frozenset[int]:
    """The hospitals whose partner places the seat may take: those paired with its centre on the day."""
    centre_id = partner_centre(seat)
    if centre_id is None:
        return frozenset()
    return frozenset(agreements.paired_hospitals(centre_id, on).values_list("pk", flat=True))


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


def next_sessions_of(practitioner_id: int, now: datetime, limit: int = 4) -> list[Session]:
    """The coming open sessions of an expert with places left, soonest first (SZ16-4.3e)."""
    return list(_open_sessions(now).filter(practitioner_id=practitioner_id).order_by("starts_at")[:limit])


@dataclass(slots=True)
class Offer:
    """One doctor at one place with the coming sessions there, for the booking list."""

    practitioner: Practitioner
    organization: Organization
    kind: str
    specialty: str
    sessions: list[Session] = field(default_factory=list)


def offers(
    seat: Seat, *, home_id: int | None, now: datetime, specialty: str = "", text: str = "", limit: int = MOST_SESSIONS
) -> list[Offer]:
    """Who can be booked where: posted experts at the own centre, then at other centres of the city, hospital clinics
    last (SZ16-4.3f); within each the soonest first. `text` matches doctor or specialty by characters or pinyin.
    """
    found: dict[tuple[int, int, str], Offer] = {}
    for session in bookable_sessions(seat, home_id=home_id, now=now, specialty=specialty, text=text, limit=limit):
        offer = found.setdefault(
            (session.practitioner_id, session.organization_id, session.kind),
            Offer(session.practitioner, session.organization, session.kind, session.specialty),
        )
        offer.sessions.append(session)
    return list(found.values())


def bookable_sessions(
    seat: Seat, *, home_id: int | None, now: datetime, specialty: str = "", text: str = "", limit: int = MOST_SESSIONS
) -> list[Session]:
    """The coming sessions behind `offers`, in its order. Each carries `free`, `next_free` and `releases_at`, the next
    instant at which more places open to the asker.
    """
    rank = Case(
        When(kind=Session.Kind.POSTED_EXPERT, organization_id=home_id or 0, then=Value(0)),
        When(kind=Session.Kind.POSTED_EXPERT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = _open_sessions(now, partner_of(seat, localtime(now).date())).filter(
        organization__place__code__startswith=seat.place_code[:4]
    )
    if specialty:
        found = found.filter(specialty=specialty)
    found = _called(found, wanted_key(text)) if text.strip() else found
    return list(found.annotate(rank=rank).order_by("rank", "starts_at", "id")[:limit])


def sessions_beside(session: Session, now: datetime, partner_of: Collection[int] = frozenset()) -> list[Session]:
    """The coming sessions of the same doctor at the same place, for the strip of days."""
    same = {"practitioner_id": session.practitioner_id, "organization_id": session.organization_id}
    return list(_open_sessions(now, partner_of).filter(**same).order_by("starts_at")[:14])


def specialties_offered(seat: Seat, now: datetime) -> list[Concept]:
    """The specialties with a coming session in the seat's city, for the filter."""
    codes = Session.objects.filter(
        status="open", ends_at__gt=now, organization__place__code__startswith=seat.place_code[:4]
    ).values("specialty")
    return list(Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes))


def day_sessions(seat: Seat, starts: datetime, ends: datetime) -> list[Session]:
    """The sessions at the seat's place in a span, each with its bookings the seat may see as `seen`, by time."""
    bookings = _with_all(Booking.objects.filter(visible_to(seat))).order_by("slot__starts_at", "id")
    sessions: list[Session] = list(
        Session.objects.filter(
            Q(organization_id=seat.organization_id) | Q(practitioner__user_id=seat.user_id),
            starts_at__gte=starts,
            starts_at__lt=ends,
        )
        .select_related("practitioner__specialty", "practitioner__organization", "organization")
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
    shown = []
    for session in sessions:
        rows = []
        for booking in session.seen:  # type: ignore[attr-defined] # prefetched by day_sessions
            booking.session = session
            counts[booking.status] += 1
            steps = frozenset(step.action for step in available_steps(by, booking, at))
            rows.append(Row(booking, BOOKING.state(booking.status), steps))
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


@beyond("scheduling.counts")
def count_held(session_id: int) -> int:
    """How many people would be affected if the session were called off."""
    return Booking.objects.filter(session_id=session_id, status="booked").count()


def get_practitioner(practitioner_id: int) -> Practitioner:
    """One doctor with specialty and employer. Raises NotVisible."""
    found = Practitioner.objects.select_related("specialty", "organization").filter(pk=practitioner_id).first()
    if found is None:
        raise NotVisible(_("没有这位医生。"), next_step=_("请回到预约页重新查找。"))
    return found


def affected_by(session: Session) -> list[Booking]:
    """The people who still hold a place in a session, by time."""
    return list(_with_all(Booking.objects.filter(session=session, status="booked")).order_by("slot__starts_at", "id"))


def is_called_off(session: Session) -> bool:
    """Whether a session was withdrawn."""
    return session.status == "withdrawn"


def called_off_with(session: Session) -> list[Booking]:
    """The people who held a place in a session when it was called off, by time."""
    ends = history(session).filter(action="withdraw")
    lost = StatusChange.objects.filter(subject_type="scheduling.booking", action="cancel", at__in=ends.values("at"))
    found = Booking.objects.filter(session_id=session.pk, pk__in=lost.values("subject_id"))
    return list(_with_all(found).order_by("slot__starts_at", "id"))


def _with_session(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    return slots.select_related("session__organization__place", "session__practitioner__specialty")


def _with_all(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    return bookings.select_related(
        "slot", "session__organization__place", "session__practitioner__specialty", "resident__centre"
    )


def _open_sessions(now: datetime, partner_of: Collection[int] = frozenset()) -> QuerySet[Session]:
    free = Q(is_free(now, partner_of))
    return (
        Session.objects.filter(status="open", ends_at__gt=now)
        .select_related("organization__place", "practitioner__specialty", "practitioner__organization")
        .annotate(
            free=Count("slots", filter=free),
            next_free=Min("slots__starts_at", filter=free),
            releases_at=Min("slots__release_at", filter=Q(slots__release_at__gt=now)),
        )
    )


def _called(found: QuerySet[Session], text: str) -> QuerySet[Session]:
    """Sessions whose doctor or specialty is called so: characters, full pinyin or initials from their start."""
    keys = Func(
        Value(" "),
        _joined("practitioner__keys"),
        Value(" "),
        _joined("practitioner__specialty__keys"),
        function="CONCAT",
        output_field=TextField(),
    )
    return found.annotate(called=keys).filter(called__contains=" " + text)


def _joined(keys: str) -> Func:
    return Func(F(keys), Value(" "), function="ARRAY_TO_STRING", output_field=TextField())


def waiting_today(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many people booked at the seat's place today have not come yet, and the earliest of their times."""
    midnight = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Booking.objects.filter(
        visible_to(seat), session__organization_id=seat.organization_id, status="booked",
        slot__starts_at__gte=midnight, slot__starts_at__lt=midnight + timedelta(days=1),
    )  # fmt: skip
    found = rows.order_by().aggregate(count=Count("pk"), oldest=Min("slot__starts_at"))
    return found["count"], found["oldest"]
