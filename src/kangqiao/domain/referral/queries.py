"""Referrals as worklists, letters and cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.transition import history
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.referral import rules
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import ends_at, parties, visible_to
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.kernel.errors import NotVisible, RuleBroken
from kangqiao.kernel.states import State, StateTable, Step

OPEN = sorted({*UP.open_keys(), *DOWN.open_keys()})


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


def table_of(referral: Referral) -> StateTable:
    """The state table of the referral's direction."""
    return UP if referral.direction == Referral.Direction.UP else DOWN


def state_of(referral: Referral) -> State:
    """The state the referral is in."""
    return table_of(referral).state(referral.status)


def referrals(seat: Seat | None) -> QuerySet[Referral]:
    """Every referral the seat may see."""
    found = Referral.objects.filter(visible_to(seat)).distinct()
    return found.select_related(
        "resident", "from_organization", "to_organization", "from_practitioner", "booking__slot",
        "booking__session__practitioner",
    )  # fmt: skip


def get_referral(seat: Seat | None, referral_id: int) -> Referral:
    """One referral. Raises NotVisible, whether there is none or it is not this seat's."""
    found = referrals(seat).filter(pk=referral_id).first()
    if found is None:
        raise NotVisible(_("没有这张转诊单，或不在您的服务范围。"), next_step=_("请回到转诊列表查看。"))
    return found


def desk_queue(seat: Seat, direction: str, statuses: tuple[str, ...]) -> list[Referral]:
    """What has come in and waits, most pressing first: emergencies, then the green channel, then by its clock.

    A green-channel referral stands above ordinary requests that came earlier (ZH-3.2.4b).
    """
    urgency = Case(
        When(urgency="emergency", then=Value(0)), When(urgency="urgent", then=Value(1)), default=Value(2),
        output_field=IntegerField(),
    )  # fmt: skip
    found = referrals(seat).filter(
        ends_at("to_organization", seat.organization_id), direction=direction, status__in=statuses
    )
    return list(found.annotate(press=urgency).order_by("press", "-is_green_channel", "due_at", "sent_at", "pk"))


def sent_by(seat: Seat, statuses: tuple[str, ...] = ()) -> list[Referral]:
    """What the seat's organisation sent, newest first; all open ones unless states are named."""
    found = referrals(seat).filter(ends_at("from_organization", seat.organization_id), status__in=statuses or OPEN)
    return list(found.order_by("-sent_at", "-pk")[:200])


def of_resident(seat: Seat, resident_id: int) -> list[Referral]:
    """A resident's referrals that the seat may see, newest first."""
    return list(referrals(seat).filter(resident_id=resident_id).order_by("-sent_at", "-pk"))


def case_of(seat: Seat, referral: Referral) -> list[Referral]:
    """The whole case: the up-referral and every down-referral that continues it, oldest first (ZH-3.2.4a)."""
    first = referral.origin_id or referral.pk
    return list(referrals(seat).filter(Q(pk=first) | Q(origin_id=first)).order_by("sent_at", "pk"))


def open_twin(resident_id: int, to_organization_id: int, specialty: str, direction: str) -> Referral | None:
    """An open referral of the same person for the same specialty at the same place."""
    return Referral.objects.filter(
        resident_id=resident_id, to_organization_id=to_organization_id, specialty=specialty, direction=direction,
        status__in=("sent", "returned", "accepted", "proposed"),
    ).first()  # fmt: skip


def open_or_closed(referral_id: int, resident_id: int) -> Referral:
    """The referral a new one continues: of the same resident. Raises RuleBroken."""
    found = Referral.objects.filter(pk=referral_id, resident_id=resident_id).first()
    if found is None:
        raise RuleBroken(_("接续的转诊单不是这位居民的。"), next_step=_("请从患者的转诊单里发起下转。"))
    return found


def own_bodies(organization_id: int | None) -> frozenset[int]:
    """An organisation and the body it is part of."""
    row = Organization.objects.filter(pk=organization_id or 0).values_list("pk", "part_of_id").first()
    return frozenset(pk for pk in row or () if pk is not None)


def available_steps(seat: Seat, referral: Referral) -> list[Step]:
    """The buttons of the page: what the seat may do from here."""
    sides = parties(seat.actor, referral, own_bodies(seat.organization_id))
    return table_of(referral).steps_from(referral.status, sides)


def clock_of(referral: Referral, now: datetime) -> Clock | None:
    """The time limit that runs for a referral now, if one does."""
    if referral.due_at is None or referral.clock_from is None or state_of(referral).final:
        return None
    used = rules.used_percent(referral.clock_from, referral.due_at, now)
    return Clock(referral.due_at, used, referral.due_at - now)


def history_of(referral: Referral) -> list[StatusChange]:
    """Every step the referral took, oldest first."""
    return list(history(referral))


def overdue(now: datetime) -> list[Referral]:
    """Every open referral, of any organisation, whose clock has run out; for the escalation job."""
    found = Referral.objects.filter(status__in=OPEN, due_at__lt=now)
    return list(found.select_related("from_organization", "to_organization", "resident"))


def counts(seat: Seat) -> dict[str, int]:
    """How many referrals of the seat stand in each state, for tiles; `up:sent`, `down:proposed` and so on."""
    rows = referrals(seat).order_by().values_list("direction", "status")
    tally: dict[str, int] = {}
    for direction, status in rows:
        tally[f"{direction}:{status}"] = tally.get(f"{direction}:{status}", 0) + 1
    return tally


def next_number(city: str, day: date) -> str:
    """A referral number: city code, day and a running number of the database."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('referral_referral', 'id'))")
        row = cursor.fetchone()
    return f"ZZ{city}-{day:%Y%m%d}-{row[0] if row else 0:05d}"
