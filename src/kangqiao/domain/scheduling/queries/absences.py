"""Who stayed away how often, until when they cannot book online, and what they say to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from django.db.models import F, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.scheduling.models import Appeal, Booking
from kangqiao.domain.scheduling.parameters import AbsenceParameters
from kangqiao.domain.scheduling.permissions import appeals_to_decide
from kangqiao.domain.scheduling.rules import count_absences, suspended_until
from kangqiao.domain.scheduling.states import APPEAL
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State

MOST_SHOWN = 50


def absence_terms(code: str, at: datetime) -> AbsenceParameters:
    """The rules of a place on a day."""
    return AbsenceParameters.read(policy.at(code, localtime(at).date()))


def absences_of(resident_id: int, city: str, at: datetime) -> list[tuple[datetime, bool]]:
    """When a resident stayed away from places in a city, and whether they had been referred; emergencies and those
    that were granted an appeal do not count, nor what a house called off or gave to another doctor itself.
    """
    found = _counted(resident_id, city).filter(slot__starts_at__lte=at).order_by("slot__starts_at")
    return [
        (starts, channel == Booking.Channel.REFERRAL)
        for starts, channel in found.values_list("slot__starts_at", "channel")
    ]


def suspension_of(resident_id: int, code: str, at: datetime) -> datetime | None:
    """Until when a resident cannot book online in the city of a place; None where they can."""
    absences = absences_of(resident_id, code[:4], at)
    return suspended_until(absences, at, absence_terms(code, at)) if absences else None


def _counted(resident_id: int, city: str) -> QuerySet[Booking]:
    missed = Booking.objects.filter(resident=resident_id, status="no_show", is_emergency=False)
    # Who had booked the doctor announced need not come to another one.
    missed = missed.exclude(session__stands_in_since__gt=F("booked_at")).exclude(appeal__status="granted")
    return missed.filter(session__organization__place__code__startswith=city)


@dataclass(frozen=True, slots=True)
class Absence:
    """A missed visit as the resident's page tells it; until when one may appeal, and what was said to it."""

    booking: Booking
    appeal: Appeal | None
    state: State | None
    may_appeal: bool


@dataclass(frozen=True, slots=True)
class AbsenceSheet:
    """What a resident reads about their absences: the count, the rule, and until when they cannot book online."""

    absences: list[Absence]
    count: Fraction
    terms: AbsenceParameters
    until: datetime | None


def absence_sheet(resident: Resident, now: datetime) -> AbsenceSheet:
    """The absences of a resident in the city of their centre, newest first, with what follows from them."""
    code = resident.centre.place.code
    terms, times = absence_terms(code, now), absences_of(resident.pk, code[:4], now)
    rows = Booking.objects.filter(
        resident=resident, status="no_show", session__organization__place__code__startswith=code[:4]
    ).select_related("slot", "session__organization", "session__practitioner", "appeal")
    shown = [_absence(one, terms, now) for one in rows.order_by("-slot__starts_at")[:MOST_SHOWN]]
    window = timedelta(days=terms.window_days)
    return AbsenceSheet(shown, count_absences(times, now, window, terms), terms, suspended_until(times, now, terms))


def _absence(booking: Booking, terms: AbsenceParameters, now: datetime) -> Absence:
    appeal = getattr(booking, "appeal", None)
    state = APPEAL.state(appeal.status) if appeal is not None else None
    is_timely = now < booking.slot.starts_at + timedelta(days=terms.appeal_days)
    is_open = appeal is None or appeal.status == "withdrawn"
    return Absence(booking, appeal, state, is_open and is_timely and not booking.is_emergency)


def open_appeals(seat: Seat) -> list[Appeal]:
    """The appeals that wait longest for an answer of the seat's house; `appeals_waiting` counts them all."""
    rows = Appeal.objects.filter(appeals_to_decide(seat), status=APPEAL.initial)
    found = list(_with_all(rows).order_by("made_at", "pk")[:MOST_SHOWN])
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def appeals_waiting(seat: Seat) -> Waits:
    """The appeals that wait for an answer, and since when."""
    return Waits(Appeal.objects.filter(appeals_to_decide(seat), status=APPEAL.initial), "made_at")


def get_appeal(seat: Seat, appeal_id: int) -> Appeal:
    """One appeal the seat's house decides. Raises NotVisible."""
    found = _with_all(Appeal.objects.filter(appeals_to_decide(seat), pk=appeal_id)).first()
    if found is None:
        raise NotVisible(_("没有这份申诉，或不由您的机构答复。"), next_step=_("请回到首页查看。"))
    note_read(seat, [found.resident_id])
    return found


def _with_all(rows: QuerySet[Appeal]) -> QuerySet[Appeal]:
    return rows.select_related("resident__centre", "booking__slot", "booking__session__practitioner", "organization")
