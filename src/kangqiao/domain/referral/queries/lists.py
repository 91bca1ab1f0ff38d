"""Referrals as worklists: what waits for a seat, and how much of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import CENTRE_ROLES, at_end, of_person, visible_to
from kangqiao.domain.referral.queries.cases import OPEN, noted, referrals
from kangqiao.domain.referral.queries.letters import Line, lines

MOST_WAITING = 50  # a page of a worklist; the tile counts them all
Waiting = tuple[int, datetime | None]
# Where referrals wait: the end that is the seat's house, the direction, the state.
Where = tuple[str, str, str]
WAITING_FOR_DESK = ("sent", "unplaced")
WAITING_FOR_OTHERS = ("accepted", "seen", "returned")


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of the list and how many stand in it."""

    key: str
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Desk:
    """The desk's queue: the most pressing lines of both halves, how many there are, and how many wait too long."""

    own: list[Line]
    elsewhere: list[Line]
    waiting: int
    others: int
    late: int


def desk_queue(seat: Seat, direction: str, statuses: Iterable[str]) -> list[Referral]:
    """What has come in and waits, most pressing first: emergencies, then the green channel, then by its clock.

    A green-channel referral stands above ordinary requests that came earlier (ZH-3.2.4b).
    """
    found = referrals(seat).filter(at_end("to_organization", seat), direction=direction, status__in=tuple(statuses))
    return noted(seat, _by_press(found)[:200])


def _by_press(found: QuerySet[Referral], now: datetime | None = None) -> QuerySet[Referral]:
    """The most pressing first; with a moment, what is overdue then comes next after emergencies."""
    late = [] if now is None else [When(due_at__lte=now, then=Value(1))]
    urgency = Case(
        When(urgency="emergency", then=Value(0)), *late, When(urgency="urgent", then=Value(2)), default=Value(3),
        output_field=IntegerField(),
    )  # fmt: skip
    return found.annotate(press=urgency).order_by("press", "-is_green_channel", "due_at", "sent_at", "pk")


def handed_down(seat: Seat, statuses: Iterable[str]) -> list[Referral]:
    """Patients the seat's hospital handed back, those that wait longest first."""
    found = referrals(seat).filter(at_end("from_organization", seat), direction="down", status__in=tuple(statuses))
    return noted(seat, found.order_by("clock_from", "pk")[:200])


def sent_by(seat: Seat, statuses: tuple[str, ...] = (), direction: str = "up") -> list[Referral]:
    """What the seat's organisation sent, newest first; all open ones unless states are named."""
    found = referrals(seat).filter(
        at_end("from_organization", seat), direction=direction, status__in=statuses or tuple(OPEN)
    )
    return noted(seat, found.order_by("-sent_at", "-pk")[:200])


def received_by(seat: Seat, statuses: tuple[str, ...] = ()) -> list[Referral]:
    """What hospitals handed down to the seat's centre, the most pressing first."""
    return desk_queue(seat, "down", statuses or OPEN)


def counts(seat: Seat) -> dict[str, int]:
    """How many referrals of the seat stand in each state, for tabs; `up:sent`, `down:proposed` and so on."""
    rows = Referral.objects.filter(visible_to(seat)).order_by().values_list("direction", "status")
    return {f"{direction}:{status}": number for direction, status, number in rows.annotate(number=Count("pk"))}


def waiting(seat: Seat, wanted: Mapping[str, Where], mine: Collection[str] = ()) -> dict[str, Waiting]:
    """How many referrals stand at each place the tiles ask for, and since when the oldest does; one statement for all.

    For the names in `mine` only the person's own count.
    """
    asked: dict[str, Count | Min] = {}
    places = Q()
    for name, (end, direction, status) in wanted.items():
        where = Q(at_end(end, seat), of_person(end, seat) if name in mine else Q(), direction=direction, status=status)
        # Named outside the counts too: what is closed, year after year more, is not looked at.
        places |= Q(at_end(end, seat), direction=direction, status=status)
        asked |= {f"{name}_n": Count("pk", filter=where), f"{name}_since": Min("clock_from", filter=where)}
    row = Referral.objects.filter(places, visible_to(seat)).order_by().aggregate(**asked)
    return {name: (row[f"{name}_n"], row[f"{name}_since"]) for name in wanted}


def waiting_rows(seat: Seat, where: Where, now: datetime, *, mine: bool = False) -> list[Line]:
    """What a tile of the home page counts, as lines, the most pressing first."""
    end, direction, status = where
    found = referrals(seat).filter(at_end(end, seat), direction=direction, status=status)
    found = _by_press(found.filter(of_person(end, seat) if mine else Q()))
    return lines(noted(seat, found[:MOST_WAITING]), now)


def desk_lines(seat: Seat, now: datetime) -> Desk:
    """The two halves of the desk's queue: what waits for the desk, and what waits for somebody else.

    What is overdue stands on top, below emergencies alone (XH23-5.1.2c).
    """
    statuses = (*WAITING_FOR_DESK, *WAITING_FOR_OTHERS)
    rows = referrals(seat).filter(at_end("to_organization", seat), direction="up", status__in=statuses)
    own, others = rows.filter(status__in=WAITING_FOR_DESK), rows.filter(status__in=WAITING_FOR_OTHERS)
    counted = rows.order_by().aggregate(
        waiting=Count("pk", filter=Q(status__in=WAITING_FOR_DESK)),
        others=Count("pk", filter=Q(status__in=WAITING_FOR_OTHERS)),
        late=Count("pk", filter=Q(status__in=WAITING_FOR_DESK, due_at__lte=now)),
    )
    pressing = [*_by_press(own, now)[:MOST_WAITING]]
    visit = Coalesce("booking__slot__starts_at", "clock_from")
    split = lines(noted(seat, [*pressing, *others.order_by(visit, "pk")[:MOST_WAITING]]), now)
    return Desk(split[: len(pressing)], split[len(pressing) :], **counted)


def desk_day(seat: Seat, now: datetime) -> tuple[int, int]:
    """How many the seat's house accepted and returned today."""
    since = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    own = Referral.objects.filter(visible_to(seat), at_end("to_organization", seat), direction="up")
    rows = StatusChange.objects.filter(
        subject_type="referral.referral",
        at__gte=since,
        action__in=("accept", "return"),
        subject_id__in=own.values("pk"),
    )
    tally = dict(rows.order_by().values_list("action").annotate(number=Count("pk")))
    return tally.get("accept", 0), tally.get("return", 0)


def tabs(seat: Seat) -> list[Tab]:
    """The tabs of the list for this side, with how many stand in each."""
    tally = counts(seat)
    return [
        Tab(key, str(label), sum(tally.get(f"{direction}:{status}", 0) for status in statuses))
        for key, label, direction, statuses in _tabs_of(seat)
    ]


def listed(seat: Seat, key: str, now: datetime) -> tuple[str, list[Line]]:
    """The rows of a tab, and which tab it is: the first when the name is unknown."""
    known = {tab[0]: tab for tab in _tabs_of(seat)}
    name, _label, direction, statuses = known.get(key) or next(iter(known.values()))
    found = referrals(seat).filter(direction=direction, status__in=statuses)
    return name, lines(noted(seat, found.order_by("-sent_at", "-pk")[:100]), now)


def _tabs_of(seat: Seat) -> list[tuple[str, str, str, tuple[str, ...]]]:
    ended = ("closed", "withdrawn", "not_attended")
    down = [
        ("down", _("下转待接"), "down", ("proposed",)),
        ("down_contact", _("下转待随访"), "down", ("taken_over",)),
        ("down_declined", _("下转被退"), "down", ("declined",)),
        ("down_done", _("下转已完成"), "down", ("followed_up", "withdrawn")),
    ]
    if seat.role in CENTRE_ROLES:
        return [
            ("returned", _("被退回"), "up", ("returned",)),
            ("reply", _("新回信"), "up", ("summarised", "advised")),
            ("unplaced", _("待找号"), "up", ("unplaced",)),
            ("sent", _("待接收"), "up", ("sent",)),
            ("accepted", _("已接收"), "up", ("accepted",)),
            ("seen", _("已就诊"), "up", ("seen",)),
            ("done", _("已结束"), "up", ended),
            *down,
        ]
    return [
        ("sent", _("待接收"), "up", ("sent",)),
        ("unplaced", _("待找号"), "up", ("unplaced",)),
        ("accepted", _("待就诊"), "up", ("accepted",)),
        ("seen", _("待写小结"), "up", ("seen",)),
        ("returned", _("已退回"), "up", ("returned",)),
        ("reply", _("已回信"), "up", ("summarised", "advised")),
        ("done", _("已结束"), "up", ended),
        *down,
    ]
