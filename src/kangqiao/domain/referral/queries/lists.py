"""Referrals as worklists: what waits for a seat, and how much of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.referral.models import OPEN, Referral
from kangqiao.domain.referral.permissions import CENTRE_ROLES, at_end, of_person, open_at_ends, visible_to
from kangqiao.domain.referral.queries.cases import noted, referrals
from kangqiao.domain.referral.queries.letters import Line, lines

MOST_WAITING = 50  # a half of the desk's queue
MOST_PRESSING = 25  # a page of a worklist on the home page; the tile counts them all
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


def _by_press(found: QuerySet[Referral], now: Any = None) -> QuerySet[Referral]:
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
    shape = tuple((*where, name in mine) for name, where in wanted.items())
    rows = _waiting.ask(seat.role, shape, **told_of(seat))
    counts = zip(rows[0][1::2], rows[0][2::2], strict=True) if rows else [(0, None)] * len(shape)
    return dict(zip(wanted, counts, strict=True))


@Prepared
def _waiting(role: str, wanted: tuple[tuple[str, str, str, bool], ...]) -> QuerySet[Referral, Any]:
    """A word for all, then of each place how many and since when: one row, or none where nothing waits."""
    seat = any_seat(role)
    asked: dict[str, Count | Min] = {}
    places = Q()
    for number, (end, direction, status, is_mine) in enumerate(wanted):
        where = Q(at_end(end, seat), of_person(end, seat) if is_mine else Q(), direction=direction, status=status)
        # Named outside the counts too: what is closed, year after year more, is not looked at.
        places |= Q(at_end(end, seat), direction=direction, status=status)
        asked |= {f"n{number}": Count("pk", filter=where), f"since{number}": Min("clock_from", filter=where)}
    found = Referral.objects.filter(places, open_at_ends(seat)).order_by().annotate(all=Value(1)).values("all")
    return found.annotate(**asked).values_list("all", *asked)


def waiting_rows(seat: Seat, where: Where, now: datetime, *, mine: bool = False) -> list[Line]:
    """What a tile of the home page counts, as lines, the most pressing first."""
    return lines(noted(seat, _in_order(row[0] for row in _pressing.ask(seat.role, *where, mine, **told_of(seat)))), now)


@Prepared
def _pressing(role: str, end: str, direction: str, status: str, is_mine: bool) -> QuerySet[Referral, Any]:
    """The numbers of the most pressing; what a line shows is asked for them alone."""
    seat = any_seat(role)
    found = Referral.objects.filter(open_at_ends(seat), at_end(end, seat), direction=direction, status=status)
    return _by_press(found.filter(of_person(end, seat) if is_mine else Q())).values_list("pk")[:MOST_PRESSING]


def _in_order(numbers: Iterable[int]) -> list[Referral]:
    """What the lines of these referrals show, in the same order."""
    wanted = list(numbers)
    found = {one.pk: one for one in _shown.models(rows=wanted)} if wanted else {}
    return [found[one] for one in wanted if one in found]


@Prepared
def _shown() -> QuerySet[Referral]:
    return Referral.objects.filter(among("id", "rows")).select_related(
        "resident", "from_organization", "to_organization", "from_practitioner", "booking__slot",
        "booking__session__practitioner",
    )  # fmt: skip


def desk_lines(seat: Seat, now: datetime) -> Desk:
    """The two halves of the desk's queue: what waits for the desk, and what waits for somebody else.

    What is overdue stands on top, below emergencies alone (XH23-5.1.2c).
    """
    own, others = (
        _half_of_desk.ask(seat.role, is_own, MOST_WAITING, now=now, **told_of(seat)) for is_own in (True, False)
    )
    split = lines(noted(seat, _in_order(row[0] for row in (*own, *others))), now)
    (waiting, late), (elsewhere, _late) = ((half[0][1:] if half else (0, 0)) for half in (own, others))
    return Desk(split[: len(own)], split[len(own) :], waiting, elsewhere, late)


@Prepared
def _half_of_desk(role: str, is_own: bool, most: int) -> QuerySet[Referral, Any]:
    """The numbers of the most pressing; with each, how many there are in all and how many of them are overdue."""
    seat, now = any_seat(role), Told("now", DateTimeField())
    statuses = WAITING_FOR_DESK if is_own else WAITING_FOR_OTHERS
    rows = Referral.objects.filter(open_at_ends(seat), at_end("to_organization", seat), direction="up")
    rows = rows.filter(status__in=statuses)
    visit = Coalesce("booking__slot__starts_at", "clock_from")
    ordered = _by_press(rows, now) if is_own else rows.order_by(visit, "pk")
    late = Count("pk", filter=Q(due_at__lte=now))
    return ordered.annotate(all=Window(Count("pk")), late=Window(late)).values_list("pk", "all", "late")[:most]


def desk_day(seat: Seat, now: datetime) -> tuple[int, int]:
    """How many the seat's house accepted and returned today."""
    since = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    tally: Counter[str] = Counter(action for (action,) in _answers.ask(seat.role, since=since, **told_of(seat)))
    return tally["accept"], tally["return"]


@Prepared
def _answers(role: str) -> QuerySet[StatusChange, Any]:
    """The answers given since then; few a day, and each is looked at alone."""
    seat = any_seat(role)
    own = Referral.objects.filter(visible_to(seat), at_end("to_organization", seat), pk=OuterRef("subject_id"))
    rows = StatusChange.objects.filter(
        Exists(own.filter(direction="up")), subject_type="referral.referral", action__in=("accept", "return"),
        at__gte=Told("since", DateTimeField()),
    )  # fmt: skip
    return rows.order_by().values_list("action")


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
