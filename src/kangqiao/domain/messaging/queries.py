"""Reading the inbox of a seat, and what goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import BooleanField, Count, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from kangqiao.base import carriers
from kangqiao.base.actor import Actor
from kangqiao.base.waits import Waits
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.messaging.models import Channel, ChannelChoice, Delivery, Notice
from kangqiao.domain.messaging.permissions import kept_by, visible_to
from kangqiao.domain.messaging.states import DELIVERY
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import State


def inbox(seat: Seat) -> QuerySet[Notice]:
    """The seat's notices: unread first, then the latest first."""
    is_read = ExpressionWrapper(Q(read_at__isnull=False), output_field=BooleanField())
    return Notice.objects.filter(visible_to(seat)).order_by(is_read, "-created_at", "-pk")


def unread(seat: Seat) -> QuerySet[Notice]:
    """What nobody at the seat has read, the latest first."""
    return inbox(seat).filter(read_at__isnull=True)


def unread_count(seat: Seat) -> int:
    """How many notices wait to be read."""
    return Notice.objects.filter(visible_to(seat), read_at__isnull=True).count()


def waiting(seat: Seat) -> Waits:
    """The unread notices, and since when they wait."""
    return Waits(Notice.objects.filter(visible_to(seat), read_at__isnull=True), "created_at")


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody who wants to be told by a channel, and the house where they are registered."""

    user_id: int
    channel: str
    house_id: int


def wishes(user_ids: Iterable[int], channels: Iterable[str], on: date) -> list[Wish]:
    """Who of these wants to be told outside too, by which of these channels and in the name of which house."""
    rows = ChannelChoice.objects.filter(user__in=set(user_ids), is_on=True, user__is_active=True)
    rows = rows.filter(channel__in=tuple(channels))
    living = Membership.objects.filter(user=OuterRef("user"), role=Role.RESIDENT, since__lte=on)
    living = living.filter(Q(until__isnull=True) | Q(until__gt=on)).order_by("-since", "-pk")
    found = rows.annotate(house=Subquery(living.values("organization")[:1])).filter(house__isnull=False)
    return [Wish(*row) for row in found.values_list("user", "channel", "house")]


def is_wanted(user_id: int, channel: str) -> bool:
    """Whether somebody wants to be told by a channel."""
    return ChannelChoice.objects.filter(user=user_id, channel=channel, is_on=True).exists()


def next_due(channel: str, at: datetime) -> Delivery | None:
    """The delivery of a channel due longest, held for this transaction; what another worker holds is passed over."""
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).filter(channel=channel, due_at__lte=at)
    return rows.select_related("notice", "user", "organization__place", "visit_place").order_by("due_at", "pk").first()


def deliveries(by: Actor) -> QuerySet[Delivery]:
    """What the system administrator looks after, the latest first."""
    return Delivery.objects.filter(kept_by(by)).select_related("organization")


def narrowed(rows: QuerySet[Delivery], *, channel: str, status: str) -> QuerySet[Delivery]:
    """Those of a channel, and those in a state; empty words narrow nothing."""
    wanted = {name: word for name, word in (("channel", channel), ("status", status)) if word}
    return rows.filter(**wanted)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages of a channel stand in each state, in the order of the states, and who carries them."""

    key: str
    channel: str
    carrier: str
    states: list[tuple[State, int]]


def tallies(rows: QuerySet[Delivery]) -> list[Tally]:
    """How many of these there are, by channel and state."""
    counts = rows.select_related(None).order_by().values_list("channel", "status").annotate(n=Count("pk"))
    found = {(channel, status): n for channel, status, n in counts}
    return [
        Tally(
            one.value,
            str(one.label),
            carriers.name(one),
            [(state, found.get((one.value, state.key), 0)) for state in DELIVERY.states],
        )
        for one in Channel
    ]


def get_delivery(by: Actor, delivery_id: int) -> Delivery:
    """One the system administrator looks after, locked. Raises NotVisible."""
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("organization__place")
    found = rows.filter(kept_by(by), pk=delivery_id).first()
    if found is None:
        raise NotVisible(_("没有这条提醒，或不归您管。"))
    return found
