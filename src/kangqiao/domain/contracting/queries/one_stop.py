"""Pilots of the one-stop service with their results, and the visits of a day with their steps (FT18-3.1a)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.acting import beyond
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, KeyPerson, OneStop, OneStopStep, Pilot
from kangqiao.domain.contracting.parameters import Flow, flows_at
from kangqiao.domain.contracting.permissions import (
    can_keep_pilot,
    one_stops_visible_to,
    pilots_visible_to,
)
from kangqiao.domain.contracting.queries.coverage import REGISTERING
from kangqiao.domain.contracting.queries.teams import members_of
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import organizations_in
from kangqiao.domain.residents.queries import note_read
from kangqiao.domain.workforce.queries import absences_between
from kangqiao.kernel.errors import NoPolicyInForce, NotVisible

NOON = time(12)


@dataclass(frozen=True, slots=True)
class PilotMonth:
    """What a pilot did in a month: visits whose day has come, their steps, and how many were done on that day."""

    month: date
    visits: int
    steps: int
    done: int
    whole: int

    @property
    def share(self) -> float | None:
        """The part of the visits with every step done, from 0 to 1; None without a visit."""
        return self.whole / self.visits if self.visits else None


def pilots(seat: Seat) -> QuerySet[Pilot]:
    """The pilots a seat may see, those that run first."""
    rows = Pilot.objects.select_related("organization__place").filter(pilots_visible_to(seat))
    return rows.order_by(F("ends_on").desc(nulls_first=True), "-starts_on", "-pk")


def get_pilot(seat: Seat, pilot_id: int) -> Pilot:
    """One of them. Raises NotVisible."""
    found = pilots(seat).filter(pk=pilot_id).first()
    if found is None:
        raise NotVisible(_("没有这个试点，或不在您的范围内。"), next_step=_("请从一站式试点的清单打开。"))
    return found


def may_keep_pilot(seat: Seat, pilot: Pilot) -> bool:
    """Whether the seat may end the pilot, which has no end yet."""
    return pilot.ends_on is None and bool(can_keep_pilot(seat.actor, pilot.organization))


def may_pilot(seat: Seat) -> list[Organization]:
    """The houses where the seat may begin a pilot: its own or those of its place, without one that is open."""
    rows = organizations_in(seat.place_code).filter(kind__in=REGISTERING)
    if seat.role != Role.BUREAU_OFFICER:
        rows = rows.filter(pk=seat.organization_id)
    open_now = Pilot.objects.filter(ends_on__isnull=True).values("organization")
    return list(rows.exclude(pk__in=open_now).order_by("place__code", "pk"))


def pilot_on(organization_id: int, on: date) -> Pilot | None:
    """The pilot of a house that runs on a day."""
    rows = Pilot.objects.select_related("organization__place").filter(organization=organization_id, starts_on__lte=on)
    return rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=on)).first()


def flows_in(place_code: str, on: date) -> list[Flow]:
    """The flows of a place on a day; none where no paper and no setting gives one."""
    try:
        return flows_at(place_code, on)
    except NoPolicyInForce:
        return []


def flows_for(contract: Contract, on: date) -> list[Flow]:
    """The flows for the key groups a contracted resident belongs to, in order."""
    held = KeyPerson.objects.filter(resident=contract.resident_id, until__isnull=True)
    groups = set(held.values_list("group", flat=True))
    return [one for one in flows_in(contract.team.organization.place.code, on) if one.group in groups]


def people_for(contract: Contract, flow: Flow, on: date) -> tuple[dict[str, list[int]], list[str], list[str]]:
    """Kind → who of the team serves in it that day, the kinds nobody serves in, and those whose people are all away."""
    serving: dict[str, list[int]] = {}
    for one in members_of([contract.team_id], on):
        serving.setdefault(one.kind, []).append(one.practitioner_id)
    wanted = list(dict.fromkeys(step.kind for step in flow.steps))
    absent = absences_between([pk for people in serving.values() for pk in people], on, on).filter(half="")
    away = set(absent.values_list("practitioner_id", flat=True))
    there = {kind: [pk for pk in serving.get(kind, []) if pk not in away] for kind in wanted}
    missing = [kind for kind in wanted if kind not in serving]
    return there, missing, [kind for kind in wanted if kind in serving and not there[kind]]


@beyond("contracting.one_stop")
def busy_on(practitioner_ids: Iterable[int], on: date) -> dict[int, list[tuple[datetime, datetime]]]:
    """When each of these people is with somebody that day, or away for half of it; times alone."""
    ids, found = list(practitioner_ids), dict[int, list[tuple[datetime, datetime]]]()
    begins, noon, ends = _moment(on, time()), _moment(on, NOON), _moment(on + timedelta(days=1), time())
    steps = OneStopStep.objects.filter(practitioner__in=ids, is_off=False, starts_at__lt=ends, ends_at__gt=begins)
    for pk, starts_at, ends_at in steps.values_list("practitioner_id", "starts_at", "ends_at"):
        found.setdefault(pk, []).append((starts_at, ends_at))
    for one in absences_between(ids, on, on).exclude(half=""):
        found.setdefault(one.practitioner_id, []).append((begins, noon) if one.half == "am" else (noon, ends))
    return found


@beyond("contracting.one_stop")
def pilot_months(pilot_ids: Iterable[int], on: date) -> dict[int, list[PilotMonth]]:
    """The results of pilots by month up to a day, the latest first; visits that were called off do not count."""
    found: dict[int, list[PilotMonth]] = {pk: [] for pk in pilot_ids}
    rows = OneStop.objects.filter(pilot__in=found, on__lte=on).exclude(status="cancelled").order_by()
    later = OneStopStep.objects.filter(visit=OuterRef("pk"), done_at__date__gt=OuterRef("on"))
    counted = rows.annotate(month=TruncMonth("on"), went_on=Exists(later)).values_list("pilot", "month")
    counts = counted.annotate(
        stops=Count("pk", distinct=True), parts=Count("steps"),
        finished=Count("steps", filter=Q(steps__done_at__isnull=False)),
        whole=Count("pk", filter=Q(status="done", went_on=False), distinct=True),
    )  # fmt: skip
    for pk, *told in sorted(counts, reverse=True):
        found[pk].append(PilotMonth(*told))
    return found


@beyond("contracting.one_stop")
def stops_after(pilot: Pilot, on: date) -> int:
    """How many visits of a pilot stand for days after that one."""
    return OneStop.objects.filter(pilot=pilot, on__gt=on, status="planned").count()


def one_stops(seat: Seat, on: date) -> list[OneStop]:
    """The visits of a day with their steps in order, the earliest first; the log of reads says whose they are."""
    rows = list(_with_steps(seat).filter(on=on).exclude(status="cancelled"))
    note_read(seat, [one.resident_id for one in rows], listed=True)
    return sorted(rows, key=lambda one: (min((step.starts_at for step in one.steps.all()), default=None), one.pk))


def one_stops_of(seat: Seat, resident_id: int, on: date, most: int = 5) -> list[OneStop]:
    """The visits of one resident from a day on, and the last one before it, with their steps in order."""
    rows = _with_steps(seat).filter(resident=resident_id).exclude(status="cancelled")
    ahead = list(rows.filter(on__gte=on).order_by("on", "pk")[:most])
    return [*ahead, *rows.filter(on__lt=on).order_by("-on", "-pk")[:1]]


def get_one_stop(seat: Seat, one_stop_id: int) -> OneStop:
    """One visit. Raises NotVisible."""
    found = _with_steps(seat).filter(pk=one_stop_id).first()
    if found is None:
        raise no_one_stop()
    return found


def get_one_stop_step(seat: Seat, step_id: int) -> OneStopStep:
    """One step of a visit. Raises NotVisible."""
    rows = OneStopStep.objects.select_related("visit").filter(pk=step_id, visit__in=_with_steps(seat))
    found = rows.first()
    if found is None:
        raise no_one_stop()
    return found


def no_one_stop() -> NotVisible:
    """The one answer for what does not exist and what is out of reach."""
    return NotVisible(_("没有这次一站式就诊，或不在您的服务范围。"), next_step=_("请从当天的一站式清单打开。"))


def open_steps(seat: Seat, now: datetime, most: int | None = None) -> list[OneStopStep]:
    """The steps of today that are not done, one's own first, then the earliest."""
    rows = _not_done(seat, localtime(now).date()).select_related("visit__resident", "practitioner")
    found = sorted(rows, key=lambda one: (one.practitioner.user_id != seat.user_id, one.starts_at, one.pk))[:most]
    note_read(seat, {one.visit.resident_id for one in found}, listed=True)
    return found


def steps_waiting(seat: Seat, on: date) -> Waits:
    """The steps of a day that are not done, and when they were to begin."""
    return Waits(_not_done(seat, on), "starts_at")


def _not_done(seat: Seat, on: date) -> QuerySet[OneStopStep]:
    stops = OneStop.objects.filter(one_stops_visible_to(seat), on=on, status="planned")
    return OneStopStep.objects.filter(visit__in=stops, done_at__isnull=True)


def _with_steps(seat: Seat) -> QuerySet[OneStop]:
    steps = OneStopStep.objects.select_related("practitioner").order_by("number")
    rows = OneStop.objects.select_related("resident", "contract__team", "pilot__organization")
    return rows.filter(one_stops_visible_to(seat)).prefetch_related(Prefetch("steps", steps))


def _moment(on: date, at: time) -> datetime:
    return make_aware(datetime.combine(on, at))
