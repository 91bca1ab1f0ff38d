"""One referral: its row, its houses, its clock, its steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, DateField, DateTimeField, Q, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import reads
from kangqiao.base.acting import beyond
from kangqiao.base.models import StatusChange
from kangqiao.base.prepared import Prepared, Told
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.queries import RELATIONS, in_force
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import rules
from kangqiao.domain.referral.models import OPEN, Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.referral.permissions import parties, visible_to
from kangqiao.domain.referral.queries.stays import WITH_PARTS
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State, StateTable, Step

TWIN = ("sent", "unplaced", "returned", "accepted", "proposed", "declined")


@dataclass(frozen=True, slots=True)
class Clock:
    """The time limit that runs: when it ends, how much is used (percent), and what is left (negative when overdue)."""

    due_at: datetime
    used_percent: int
    left: timedelta

    @property
    def is_overdue(self) -> bool:
        """Whether the limit has passed."""
        return self.left < timedelta(0)

    @property
    def share(self) -> float:
        """How much is used, 0 to 1, for a bar."""
        return min(self.used_percent, 100) / 100


def table_of(referral: Referral) -> StateTable:
    """The state table of the referral's direction."""
    return UP if referral.direction == Referral.Direction.UP else DOWN


def state_of(referral: Referral) -> State:
    """The state the referral is in."""
    return table_of(referral).state(referral.status)


def referrals(seat: Seat | None) -> QuerySet[Referral]:
    """Every referral the seat may see, with both ends, the doctors and the place taken."""
    return Referral.objects.filter(visible_to(seat)).select_related(
        "resident__centre", "from_organization__place", "to_organization__place", "from_practitioner",
        "booking__slot", "booking__session__practitioner", "encounter__practitioner",
    )  # fmt: skip


def get_referral(seat: Seat | None, referral_id: int) -> Referral:
    """One referral. Raises NotVisible, whether there is none or it is not this seat's."""
    found = referrals(seat).filter(pk=referral_id).first()
    if found is None:
        reads.missed("referral.referral", referral_id)
        raise not_found()
    if seat is not None:
        note_read(seat, [found.resident_id])
    return found


def not_found() -> NotVisible:
    """The one answer for a referral that is not there and one out of reach."""
    return NotVisible(_("没有这张转诊单，或不在您的服务范围。"), next_step=_("请回到转诊列表查看。"))


def noted(seat: Seat, rows: Iterable[Referral]) -> list[Referral]:
    """The lines of a worklist; that it names these residents is written down."""
    found = list(rows)
    note_read(seat, [one.resident_id for one in found], listed=True)
    return found


def of_resident(seat: Seat, resident_id: int) -> list[Referral]:
    """A resident's referrals that the seat may see, newest first."""
    found = referrals(seat).filter(resident_id=resident_id).prefetch_related(*WITH_PARTS)
    return noted(seat, found.order_by("-sent_at", "-pk"))


def steps_of_resident(seat: Seat, resident_id: int) -> list[Referral]:
    """The same for a timeline whose page has noted the reading: when, which way, to whom, and how it stands."""
    return _steps.models(seat.role, resident=resident_id, **told_of(seat))


@Prepared
def _steps(role: str) -> QuerySet[Referral]:
    resident = Told("resident", BigIntegerField())
    rows = Referral.objects.filter(visible_to(any_seat(role)), resident_id=resident).select_related("to_organization")
    return rows.only("direction", "status", "sent_at", "to_organization__short_zh").order_by("-sent_at", "-pk")


def case_of(seat: Seat, referral: Referral) -> list[Referral]:
    """The whole case: the up-referral and every down-referral that continues it, oldest first (ZH-3.2.4a)."""
    return _case.models(seat.role, first=referral.origin_id or referral.pk, **told_of(seat))


@Prepared
def _case(role: str) -> QuerySet[Referral]:
    first = Told("first", BigIntegerField())
    return referrals(any_seat(role)).filter(Q(pk=first) | Q(origin_id=first)).order_by("sent_at", "pk")


def bounced(seat: Seat, referral: Referral) -> Referral | None:
    """The other half of a bounce: a patient handed down who was sent up to the same hospital again within some days."""
    up = referral.direction == Referral.Direction.UP
    day = localtime(referral.sent_at).date()
    parameters = ReferralParameters.read(policy.at(place=referral.to_organization.place.code, date=day))
    within = timedelta(days=parameters.bounce_back_days.integer())
    hospital = referral.to_organization_id if up else referral.from_organization_id
    found: list[Referral] = _bounced.models(
        seat.role, up, resident=referral.resident_id, hospital=hospital, sent=referral.sent_at,
        edge=referral.sent_at - within if up else referral.sent_at + within, **told_of(seat),
    )  # fmt: skip
    return found[0] if found else None


@Prepared
def _bounced(role: str, is_up: bool) -> QuerySet[Referral]:
    hospital, sent, edge = (
        Told("hospital", BigIntegerField()),
        Told("sent", DateTimeField()),
        Told("edge", DateTimeField()),
    )
    rows = referrals(any_seat(role)).filter(resident_id=Told("resident", BigIntegerField()))
    if is_up:
        before = rows.filter(direction="down", from_organization=hospital, sent_at__lt=sent, sent_at__gte=edge)
        return before.order_by("-sent_at")[:1]
    after = rows.filter(direction="up", to_organization=hospital, sent_at__gt=sent, sent_at__lte=edge)
    return after.order_by("sent_at")[:1]


def open_twin(resident_id: int, to_organization_id: int, specialty: str, direction: str) -> Referral | None:
    """An open referral of the same person for the same specialty at the same place."""
    found: list[Referral] = _twin.models(
        resident=resident_id, organization=to_organization_id, specialty=specialty, direction=direction
    )
    return found[0] if found else None


@Prepared
def _twin() -> QuerySet[Referral]:
    rows = Referral.objects.filter(resident_id=Told("resident", BigIntegerField()), status__in=TWIN)
    rows = rows.filter(to_organization_id=Told("organization", BigIntegerField()))
    return rows.filter(specialty=Told("specialty", CharField()), direction=Told("direction", CharField()))[:1]


def under_way(seat: Seat, resident_id: int) -> list[Referral]:
    """The letters up of a resident, of those the seat may see, that a second one for the same problem would join."""
    found = referrals(seat).filter(resident_id=resident_id, direction="up", status__in=TWIN)
    return noted(seat, found.prefetch_related(*WITH_PARTS).order_by("-sent_at", "-pk"))


def origin_case(referral_id: int, resident_id: int, hospital_id: int) -> Referral | None:
    """The up-referral of the same resident to the same hospital that a hand-over continues."""
    return Referral.objects.filter(
        pk=referral_id, resident_id=resident_id, to_organization_id=hospital_id, direction="up"
    ).first()


def origin_visit(encounter_id: int, resident_id: int) -> Encounter | None:
    """The visit of the same resident that gives rise to a referral."""
    found = Encounter.objects.filter(pk=encounter_id, resident_id=resident_id)
    return found.select_related("organization", "practitioner").first()


def visit_of(booking: Booking) -> Encounter | None:
    """The visit that completed a booking."""
    return Encounter.objects.filter(
        resident_id=booking.resident_id, organization_id=booking.session.organization_id,
        practitioner_id=booking.session.practitioner_id, origin=Encounter.Origin.REFERRAL,
        started_at__gte=booking.booked_at,
    ).last()  # fmt: skip


def relation_between(hospital_id: int, centre_id: int, on: date) -> Agreement | None:
    """The agreement that binds hospital and centre on a day, the responsible one first."""
    found: list[Agreement] = _relations.models(hospital=hospital_id, centre=centre_id, on=on)
    return found[0] if found else None


@Prepared
def _relations() -> QuerySet[Agreement]:
    rows = in_force(Told("on", DateField()), kinds=RELATIONS).filter(hospital=Told("hospital", BigIntegerField()))
    return rows.filter(centre=Told("centre", BigIntegerField())).order_by("kind", "pk")[:1]


def own_bodies(organization_id: int | None) -> frozenset[int]:
    """An organisation and the body it is part of."""
    return frozenset(pk for row in _own_bodies.ask(organization=organization_id) for pk in row if pk is not None)


@Prepared
def _own_bodies() -> QuerySet[Organization, Any]:
    rows = Organization.objects.filter(pk=Told("organization", BigIntegerField()))
    return rows.order_by().values_list("pk", "part_of_id")


def house_of(organization: Organization) -> list[int]:
    """An organisation and, for a hospital, its guidance office: everyone there works on the same case."""
    if organization.kind != Organization.Kind.HOSPITAL:
        return [organization.pk]
    office = institutions.guidance_office_of(organization.pk)
    return [organization.pk] if office is None else [organization.pk, office.pk]


def available_steps(seat: Seat, referral: Referral) -> list[Step]:
    """The buttons of the page: what the seat may do from here."""
    return open_steps(seat, referral, seat.bodies)


def open_steps(seat: Seat, referral: Referral, houses: frozenset[int]) -> list[Step]:
    """The same for a seat whose houses are known; nobody looks for a place where one is held."""
    steps = table_of(referral).steps_from(referral.status, parties(seat.actor, referral, houses))
    return [step for step in steps if step.action != "defer" or visit_time(referral) is None]


def clock_of(referral: Referral, now: datetime) -> Clock | None:
    """The time limit that runs for a referral now, if one does."""
    if referral.due_at is None or state_of(referral).final:
        return None
    used = rules.used_percent(referral.clock_from, referral.due_at, now)
    return Clock(referral.due_at, used, referral.due_at - now)


def history_of(referral: Referral) -> list[StatusChange]:
    """Every step the referral took, oldest first."""
    return list(history(referral))


def on_the_clock() -> list[Referral]:
    """Every referral, of any organisation, for which a time limit runs; for the job that reminds and escalates."""
    found = Referral.objects.filter(status__in=OPEN, due_at__isnull=False)
    return list(found.select_related("from_organization__place", "to_organization__place").order_by("due_at", "pk"))


def overdue(now: datetime) -> list[Referral]:
    """Those whose time limit has run out."""
    return [referral for referral in on_the_clock() if referral.due_at is not None and referral.due_at < now]


def next_number(city: str, day: date) -> str:
    """A referral number: city code, day and a running number of the database."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('referral_referral', 'id'))")
        row = cursor.fetchone()
    return f"ZZ{city}-{day:%Y%m%d}-{row[0] if row else 0:05d}"


@beyond("referral.counts")
def expert_link(seat: Seat, starts: datetime, ends: datetime) -> tuple[int, int]:
    """Visits to posted experts at the seat's centre in a span, and referrals up that name one as origin (SZ16-3.2b)."""
    seen = Encounter.objects.filter(
        organization_id=seat.organization_id, is_posted_expert=True, started_at__gte=starts, started_at__lt=ends
    )
    referred = Referral.objects.filter(direction="up", origin_encounter__in=seen)
    return seen.count(), referred.count()


def visit_time(referral: Referral) -> datetime | None:
    """When the patient is expected, if a place is held."""
    return referral.booking.slot.starts_at if referral.booking and referral.booking.status == "booked" else None


def moment(value: datetime | None) -> str:
    """Day and time as sentences tell them; nothing for none."""
    return "" if value is None else f"{localtime(value):%m-%d %H:%M}"
