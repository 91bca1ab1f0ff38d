"""The green channel: what a letter keeps beside the visit, who comes today, and who is next in each queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Case, DateField, DateTimeField, Exists, Q, QuerySet, When, Window
from django.db.models.functions import RowNumber
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.models import StatusChange
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import KeyPerson
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import rules
from kangqiao.domain.referral.models import Part, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.permissions import at_end
from kangqiao.domain.referral.queries.cases import noted, referrals
from kangqiao.domain.referral.queries.letters import Line, lines
from kangqiao.domain.referral.queries.places import Reach, reach_of
from kangqiao.domain.referral.queries.stays import WITH_PARTS, Stay, stays_of
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.scheduling import permissions as scheduling_permissions
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import ORDERED

TIMES = 6  # of each kind, so many to choose from
EXPECTED = ("accepted", "seen", "summarised", "closed")
EXAMINATIONS = tuple(kind for kind in ORDERED if kind != Part.Kind.WARD)


@dataclass(frozen=True, slots=True)
class Offer:
    """The free times of one kind of examination, or of beds, and the one chosen, which may be gone meanwhile."""

    kind: str
    label: str
    slots: Sequence[Slot]
    chosen: int | None

    @property
    def is_gone(self) -> bool:
        """Whether what was chosen can no longer be kept; it stays chosen until somebody chooses anew."""
        return self.chosen is not None and all(slot.pk != self.chosen for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A patient expected today with all their places at this hospital."""

    line: Line
    stays: list[Stay]
    first: datetime
    is_late: bool

    @property
    def is_here(self) -> bool:
        """Whether nothing is left to check in today."""
        today = [stay for stay in self.stays if stay.is_today]
        if not today:
            return self.line.referral.arrived_at is not None
        return all(stay.booking.status != "booked" for stay in today)

    @property
    def is_to_be_seen(self) -> bool:
        """Whether somebody came at once, without a place, and has not been seen."""
        one = self.line.referral
        return self.is_here and one.status == "accepted" and one.booking is None


@dataclass(frozen=True, slots=True)
class InLine:
    """Somebody who waits in a queue: since when, how many minutes, with how many points and why."""

    booking: Booking
    referral: Referral | None
    since: datetime
    minutes: int
    score: int
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Queue:
    """One of the three queues: consultation, examination, admission."""

    key: str
    label: str
    waiting: list[InLine]


def ties_of(resident_id: int, at: datetime) -> tuple[bool, bool]:
    """Whether a resident has signed with a family doctor, and whether they belong to a key group."""
    found = _ties.ask(resident=resident_id, at=at, on=localtime(at).date())
    return any(is_signed for is_signed, _is_key in found), any(is_key for _is_signed, is_key in found)


@Prepared
def _ties() -> QuerySet[Resident, Any]:
    resident, on = Told("resident", BigIntegerField()), Told("on", DateField())
    signed = valid_at(Told("at", DateTimeField())).filter(resident_id=resident, kind="contract", until__isnull=False)
    key = KeyPerson.objects.filter(Q(until__isnull=True) | Q(until__gt=on), resident_id=resident, since__lte=on)
    rows = Resident.objects.filter(pk=resident).order_by()
    return rows.annotate(is_signed=Exists(signed), is_key=Exists(key)).values_list("is_signed", "is_key")


def offers(
    hospital: Organization, centre: Organization, now: datetime, chosen: dict[str, int], beside: Slot | None = None
) -> list[Offer]:
    """What a letter may keep beside the visit, the soonest first; none where no agreement opens the green channel.

    Times at which the visit is are left out; what was chosen stays among them while it is free, and stays chosen when
    it is gone. One statement for all kinds.
    """
    reach = reach_of(hospital, centre, now)
    found = _free_parts(hospital, reach, now, chosen, beside) if reach.standing.partner else []
    return [
        Offer(kind, str(label), own, chosen.get(kind))
        for kind, label in Part.Kind.choices
        if (own := [slot for slot in found if slot.session.specialty == kind]) or kind in chosen
    ]


def _free_parts(
    hospital: Organization, reach: Reach, now: datetime, chosen: dict[str, int], beside: Slot | None
) -> list[Slot]:
    free = Slot.objects.filter(
        scheduling.is_free(now, reach.standing), session__organization_id=hospital.pk, starts_at__lt=reach.ends,
        session__specialty__in=ORDERED,
    )  # fmt: skip
    if beside is not None:
        free = free.exclude(starts_at__lt=beside.ends_at, ends_at__gt=beside.starts_at)
    first = Case(When(pk__in=list(chosen.values()), then=0), default=1)
    turn = Window(RowNumber(), partition_by="session__specialty", order_by=[first, "starts_at", "pk"])
    found = free.annotate(turn=turn).filter(turn__lte=TIMES).select_related("session")
    return list(found.order_by("starts_at", "pk"))


def arrivals(seat: Seat, now: datetime) -> list[Arrival]:
    """Whom the house expects today, by the time of their first place (XH23-5.1.2d).

    An accepted emergency is expected at once, with or without a place.
    """
    today = {"starts_at__gte": _midnight(now), "starts_at__lt": _midnight(now) + timedelta(days=1)}
    slots = Slot.objects.filter(**today).values("pk")
    live = ("booked", "arrived", "fulfilled")
    with_part = Part.objects.filter(booking__slot__in=slots, booking__status__in=live).values("referral")
    at_once = Q(urgency="emergency") & (
        Q(status="accepted", arrived_at__isnull=True) | Q(arrived_at__gte=_midnight(now))
    )
    found = referrals(seat).filter(
        Q(booking__slot__in=slots, booking__status__in=live) | Q(pk__in=with_part) | at_once,
        at_end("to_organization", seat), direction="up", status__in=EXPECTED,
    )  # fmt: skip
    rows = [_arrival(line, now) for line in lines(noted(seat, found.prefetch_related(*WITH_PARTS)), now)]
    return sorted(rows, key=lambda row: (row.first, row.line.referral.pk))


def queues(seat: Seat, now: datetime) -> list[Queue]:
    """Who has arrived today and waits for a doctor, an examination or a bed, in the order they are called.

    Emergencies, then the green channel by points, then everybody by arrival (SZ16-2.2c).
    """
    here = _here(seat, now)
    since = dict(
        StatusChange.objects.filter(
            subject_type="scheduling.booking", action="check_in", subject_id__in=[one.pk for one in here]
        ).values_list("subject_id", "at")
    )
    letters = _letters_of(here)
    note_read(seat, [one.resident_id for one in here], listed=True)
    rows = [_in_line(one, letters.get(one.pk), since.get(one.pk, one.slot.starts_at), now) for one in here]
    kinds = (
        ("consultation", _("就诊"), lambda kind: kind not in ORDERED),
        ("examination", _("检查"), lambda kind: kind in EXAMINATIONS),
        ("admission", _("住院"), lambda kind: kind == Part.Kind.WARD),
    )
    return [
        Queue(key, label, sorted((row for row in rows if holds(row.booking.session.specialty)), key=_turn))
        for key, label, holds in kinds
    ]


def custodian(referral: Referral) -> Organization:
    """The house that answers for the patient now: referring does not move that, arrival does."""
    ends = (referral.from_organization, referral.to_organization)
    return ends[rules.custody(referral.direction, referral.status, has_arrived=referral.arrived_at is not None)]


def reasons_of(referral: Referral) -> list[str]:
    """The points of a letter in words, as they were at sending."""
    words = {
        "emergency": _("急诊"), "danger_sign": _("危险信号"), "urgent": _("加急"), "contracted": _("签约居民"),
        "key_group": _("重点人群"), "aged": _("高龄"),
    }  # fmt: skip
    return [f"{words[reason]} {worth}" for reason, worth in referral.points.items() if reason in words]


def score_of(referral: Referral, now: datetime) -> int:
    """The points of a letter now, with the days it has waited."""
    day = localtime(now).date()
    most = ReferralParameters.read(policy.at(place=referral.from_organization.place.code, date=day)).waiting_most
    return rules.score(referral.points, referral.sent_at, now, most.integer())


def _midnight(now: datetime) -> datetime:
    return localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _arrival(line: Line, now: datetime) -> Arrival:
    one = line.referral
    stays = stays_of(one, now, one.parts.all())
    today = [stay for stay in stays if stay.is_today]
    waits = [stay.booking.slot.starts_at for stay in today if stay.booking.status == "booked"]
    code, day = one.to_organization.place.code, localtime(now).date()
    grace = timedelta(minutes=SlotParameters.read(policy.at(code, day)).late_minutes)
    first = today[0].booking.slot.starts_at if today else one.answered_at or one.sent_at
    return Arrival(line, stays, first, bool(waits) and min(waits) + grace < now)


def _here(seat: Seat, now: datetime) -> list[Booking]:
    """Bookings at the seat's house whose people are here; a guidance office knows those of its letters."""
    mine = referrals(seat).filter(at_end("to_organization", seat))
    ours = Q(pk__in=mine.filter(booking__isnull=False).values("booking"))
    ours |= Q(pk__in=Part.objects.filter(referral__in=mine.values("pk")).values("booking"))
    found: QuerySet[Booking] = Booking.objects.filter(
        ours | scheduling_permissions.visible_to(seat), session__organization__in=seat.bodies,
        status="arrived", slot__starts_at__gte=_midnight(now), slot__starts_at__lt=_midnight(now) + timedelta(days=1),
    )  # fmt: skip
    return list(found.select_related("slot", "session__practitioner", "resident"))


def _letters_of(bookings: list[Booking]) -> dict[int, Referral]:
    ids = [one.pk for one in bookings]
    rows = Referral.objects.select_related("from_organization__place")
    found = {one.booking_id: one for one in rows.filter(booking__in=ids, direction="up") if one.booking_id}
    parts = Part.objects.select_related("referral__from_organization__place").filter(booking__in=ids)
    return found | {part.booking_id: part.referral for part in parts}


def _in_line(booking: Booking, letter: Referral | None, since: datetime, now: datetime) -> InLine:
    minutes = int((now - since) / timedelta(minutes=1))
    if letter is None:
        return InLine(booking, None, since, minutes, 0, [])
    return InLine(booking, letter, since, minutes, score_of(letter, now), reasons_of(letter))


def _turn(row: InLine) -> tuple[bool, bool, int, float]:
    letter = row.referral
    return rules.queue_order(
        is_emergency=letter is not None and letter.urgency == Referral.Urgency.EMERGENCY,
        is_green=letter is not None and letter.is_green_channel, score=row.score, arrived_at=row.since,
    )  # fmt: skip
