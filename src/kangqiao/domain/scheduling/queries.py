"""Every read of sessions, slots and bookings; what is free is defined here once, for lists and for booking."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

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
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import not_found
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.permissions import visible_to
from kangqiao.kernel.errors import NotVisible

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


def slots_of(session: Session, now: datetime, partner_of: Collection[int] = frozenset()) -> list[Slot]:
    """Every slot of a session in order, each marked `free` or not for the asker."""
    slots = Slot.objects.filter(session_id=session.pk).select_related("session")
    return list(slots.annotate(free=is_free(now, partner_of)).order_by("starts_at"))


def resident_to_book(resident_id: int, by: Actor, at: datetime) -> tuple[Resident, bool]:
    """The resident, and whether the actor's organisation may see them now. Raises NotVisible."""
    basis = residents.valid_at(at).filter(resident_id=OuterRef("pk"), organization_id=by.organization_id or 0)
    found = Resident.objects.filter(pk=resident_id).annotate(has_basis=Exists(basis)).first()
    if found is None:
        raise not_found()
    return found, found.has_basis


def locked_slots(session_id: int) -> list[Slot]:
    """Every slot of a session, locked in one order: nobody takes or gives back a place meanwhile."""
    return list(Slot.objects.select_for_update().filter(session_id=session_id).order_by("pk"))


def place_in_session(session_id: int, resident_id: int) -> Booking | None:
    """The live booking a resident has in a session, with its slot."""
    return (
        Booking.objects.select_related("slot")
        .filter(session_id=session_id, resident_id=resident_id, status__in=("booked", "arrived", "fulfilled"))
        .first()
    )


def booking_of_attempt(attempt: str) -> Booking | None:
    """The booking an earlier sending of the same attempt made."""
    return Booking.objects.filter(attempt=attempt).first()


def get_booking(seat: Seat | None, booking_id: int) -> Booking:
    """One booking the seat may see, with slot, session, place, doctor and resident. Raises NotVisible."""
    found = _with_all(Booking.objects.filter(visible_to(seat), pk=booking_id)).first()
    if found is None:
        raise NotVisible(_("没有这个预约，或不在您的服务范围。"), next_step=_("请回到我的预约查看。"))
    return found


def resident_bookings(seat: Seat | None, resident_id: int) -> list[Booking]:
    """A resident's bookings, newest visit first, as far as the seat may see them."""
    found = Booking.objects.filter(visible_to(seat), resident_id=resident_id)
    return list(_with_all(found).order_by("-slot__starts_at", "-id")[:50])


def next_sessions_of(practitioner_id: int, now: datetime, limit: int = 4) -> list[Session]:
    """The coming open sessions of an expert with places left, soonest first (SZ16-4.3e)."""
    return list(_open_sessions(now).filter(practitioner_id=practitioner_id).order_by("starts_at")[:limit])


def bookable_sessions(
    seat: Seat, *, home_id: int | None, now: datetime, specialty: str = "", text: str = "", limit: int = 60
) -> list[Session]:
    """Coming sessions a person may look through: posted experts at the own centre, then at other centres of the
    city, hospital clinics last (SZ16-4.3f); within each soonest first. Each carries `free` and `next_free`.
    """
    rank = Case(
        When(kind=Session.Kind.POSTED_EXPERT, organization_id=home_id or 0, then=Value(0)),
        When(kind=Session.Kind.POSTED_EXPERT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = _open_sessions(now).filter(organization__place__code__startswith=seat.place_code[:4])
    if specialty:
        found = found.filter(specialty=specialty)
    if text.strip():
        found = _called(found, text.strip().lower())
    return list(found.annotate(rank=rank).order_by("rank", "starts_at", "id")[:limit])


def day_sessions(seat: Seat, starts: datetime, ends: datetime) -> list[Session]:
    """The sessions at the seat's place in a span, each with its bookings the seat may see as `seen`, by time."""
    bookings = _with_all(Booking.objects.filter(visible_to(seat))).order_by("slot__starts_at", "id")
    return list(
        Session.objects.filter(organization_id=seat.organization_id, starts_at__gte=starts, starts_at__lt=ends)
        .select_related("practitioner__specialty", "practitioner__organization", "organization")
        .annotate(places=Count("slots", distinct=True))
        .prefetch_related(Prefetch("bookings", bookings, to_attr="seen"))
        .order_by("starts_at", "id")
    )


def affected_by(session: Session) -> list[Booking]:
    """The people who still hold a place in a session, by time."""
    held = Booking.objects.filter(session_id=session.pk, status="booked")
    return list(_with_all(held).order_by("slot__starts_at", "id"))


def _with_session(slots: QuerySet[Slot]) -> QuerySet[Slot]:
    return slots.select_related("session__organization__place", "session__practitioner__specialty")


def _with_all(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    return bookings.select_related(
        "slot", "session__organization__place", "session__practitioner__specialty", "resident__centre"
    )


def _open_sessions(now: datetime) -> QuerySet[Session]:
    return (
        Session.objects.filter(status="open", ends_at__gt=now)
        .select_related("organization__place", "practitioner__specialty", "practitioner__organization")
        .annotate(
            free=Count("slots", filter=Q(is_free(now))), next_free=Min("slots__starts_at", filter=Q(is_free(now)))
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
