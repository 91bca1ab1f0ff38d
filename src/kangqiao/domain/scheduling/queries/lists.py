"""Who can be booked where, for those who look for a doctor."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Min,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Func
from django.db.models.functions import Greatest

from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.search import wanted_key
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.queries.places import ANYBODY, MOST_SESSIONS, Standing, is_free, standing_of
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner


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
    seat: Seat,
    *,
    home_id: int | None,
    now: datetime,
    specialty: str = "",
    text: str = "",
    limit: int = MOST_SESSIONS,
    resident_id: int | None = None,
) -> list[Offer]:
    """Who can be booked where: posted experts at the own centre, then at other centres of the city, hospital clinics
    last (SZ16-4.3f); within each the soonest first. `text` matches doctor or specialty by characters or pinyin.
    """
    found: dict[tuple[int, int, str], Offer] = {}
    for session in bookable_sessions(
        seat, home_id=home_id, now=now, specialty=specialty, text=text, limit=limit, resident_id=resident_id
    ):
        offer = found.setdefault(
            (session.practitioner_id, session.organization_id, session.kind),
            Offer(session.practitioner, session.organization, session.kind, session.specialty),
        )
        offer.sessions.append(session)
    return list(found.values())


def bookable_sessions(
    seat: Seat,
    *,
    home_id: int | None,
    now: datetime,
    specialty: str = "",
    text: str = "",
    limit: int = MOST_SESSIONS,
    resident_id: int | None = None,
) -> list[Session]:
    """The coming sessions behind `offers`, in its order. Each carries `free`, `next_free` and `releases_at`, the next
    instant at which more places open to the asker.
    """
    called = _called(wanted_key(text)) if text.strip() else None
    if called is not None and not called:
        return []
    rank = Case(
        When(kind=Session.Kind.POSTED_EXPERT, organization_id=home_id or 0, then=Value(0)),
        When(kind=Session.Kind.POSTED_EXPERT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = _open_sessions(now, standing_of(seat, now, resident_id)).filter(
        organization__place__code__startswith=seat.place_code[:4]
    )
    if specialty:
        found = found.filter(specialty=specialty)
    if called is not None:
        found = found.filter(practitioner__in=called)
    return list(found.annotate(rank=rank).order_by("rank", "starts_at", "id")[:limit])


def sessions_beside(session: Session, now: datetime, standing: Standing = ANYBODY) -> list[Session]:
    """The coming sessions of the same doctor at the same place, for the strip of days."""
    same = {"practitioner_id": session.practitioner_id, "organization_id": session.organization_id}
    return list(_open_sessions(now, standing).filter(**same).order_by("starts_at")[:14])


def specialties_offered(seat: Seat, now: datetime) -> list[Concept]:
    """The specialties with a coming session in the seat's city, for the filter."""
    codes = (
        Session.objects.filter(
            status="open", ends_at__gt=now, organization__place__code__startswith=seat.place_code[:4]
        )
        .exclude(specialty__in=ORDERED)
        .values("specialty")
    )
    return list(Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes))


def _open_sessions(now: datetime, standing: Standing = ANYBODY) -> QuerySet[Session]:
    free = Q(is_free(now, standing))
    return (
        Session.objects.filter(status="open", ends_at__gt=now)
        .exclude(specialty__in=ORDERED)
        .select_related("organization__place", "practitioner__specialty", "practitioner__organization")
        .annotate(
            free=Count("slots", filter=free),
            next_free=Min("slots__starts_at", filter=free),
            releases_at=Min(
                Greatest("slots__opens_at", "slots__release_at"),
                filter=Q(slots__taken__lt=F("slots__capacity"))
                & (Q(slots__opens_at__gt=now) | Q(slots__release_at__gt=now)),
            ),
        )
    )


def _called(text: str) -> list[int]:
    """The doctors who, or whose specialty, are called so: characters, full pinyin or initials from their start.

    They are asked for first: most words name nobody who can be booked, and then no place need be looked at.
    """
    return [one for (one,) in _doctors_called.ask(text=" " + text)]


@Prepared
def _doctors_called() -> QuerySet[Practitioner, Any]:
    words = Value(" "), _joined("keys"), Value(" "), _joined("specialty__keys")
    keys = Func(*words, function="CONCAT", output_field=TextField())
    holds = Func(keys, Told("text", TextField()), function="STRPOS", output_field=IntegerField())
    return Practitioner.objects.alias(holds=holds).filter(holds__gt=0).order_by().values_list("pk")


def _joined(keys: str) -> Func:
    return Func(F(keys), Value(" "), function="ARRAY_TO_STRING", output_field=TextField())
