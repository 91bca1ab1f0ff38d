"""Who may add patients beyond the places of a session, and in which order everybody of a session comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.domain.scheduling.models import Booking, OverbookRight, Session, Slot
from kangqiao.domain.scheduling.parameters import overbook_most
from kangqiao.domain.scheduling.permissions import ADDING, can_name_right
from kangqiao.domain.scheduling.queries.places import get_session, is_free
from kangqiao.kernel.errors import NotVisible

LIVE = ("booked", "arrived", "fulfilled")


def rights_of(house: Organization, on: date) -> list[OverbookRight]:
    """The rights of a hospital that hold now or will, by person."""
    rows = OverbookRight.objects.select_related("user").filter(organization=house, until__gt=on)
    return [one for one in rows.order_by("user__name", "since") if one.since < one.until]


def get_right(by: Actor, right_id: int) -> OverbookRight:
    """A right of a hospital somebody names them for. Raises NotVisible."""
    found = OverbookRight.objects.select_related("organization", "user").filter(pk=right_id).first()
    if found is None or not can_name_right(by, found.organization):
        raise NotVisible(_("没有这个加号权，或不由您的机构定。"), next_step=_("请回到加号权的列表。"))
    return found


def people_to_name(house: Organization, on: date) -> list[User]:
    """Whom a hospital may name: its doctors and its desk."""
    serving = Membership.objects.filter(Q(until=None) | Q(until__gt=on), since__lte=on, role__in=ADDING)
    users = serving.filter(organization=house).values("user")
    return list(User.objects.filter(pk__in=users).order_by("name", "pk"))


def right_of(by: Actor | Seat, organization_id: int, on: date) -> OverbookRight | None:
    """The right somebody has at a house on a day."""
    user_id = by.user_id if isinstance(by, Seat) else user_id_of(by)
    rows = OverbookRight.objects.filter(organization=organization_id, user=user_id or 0, since__lte=on, until__gt=on)
    return rows.first()


@dataclass(frozen=True, slots=True)
class Beyond:
    """A session as somebody sees it who wants to add a patient: the right, how many were added, how many may be.

    `has_free`: there are still places everybody may book, so that nobody has to be added.
    """

    session: Session
    right: OverbookRight | None
    added: int
    most: int
    has_free: bool


def beyond_of(seat: Seat, session_id: int, now: datetime) -> Beyond:
    """A session of the seat's own house. Raises NotVisible."""
    session = get_session(session_id)
    if session.organization_id != seat.organization_id:
        raise NotVisible(_("没有这个出诊单元，或不在您的机构。"), next_step=_("请回到日视图查看。"))
    last = last_slot(session.pk)
    right = right_of(seat, session.organization_id, localtime(now).date())
    added = last.extra if last else 0
    return Beyond(session, right, added, most_beyond(session), has_free(session.pk, now))


def most_beyond(session: Session) -> int:
    """How many may be added to a session. Raises NoPolicyInForce."""
    return overbook_most(policy.at(session.organization.place.code, localtime(session.starts_at).date()))


def last_slot(session_id: int) -> Slot | None:
    """The last time of a session, to which everybody beyond its places is added."""
    return Slot.objects.filter(session=session_id).order_by("-starts_at", "-pk").first()


def has_free(session_id: int, at: datetime) -> bool:
    """Whether a session has a place everybody may book now."""
    return Slot.objects.filter(is_free(at), session_id=session_id, session__status="open").exists()


@beyond("scheduling.line")
def queue_numbers(session_ids: Iterable[int]) -> dict[int, int]:
    """In which place each live booking of these sessions comes: by time, whoever was added after all others.

    A time of many places has as many numbers, in the order in which they were booked; numbers alone, nobody is named.
    """
    ids = list(session_ids)
    first, ends = {}, dict.fromkeys(ids, 0)
    for session_id, slot_id, capacity in (
        Slot.objects.filter(session__in=ids).order_by("starts_at", "pk").values_list("session_id", "pk", "capacity")
    ):
        first[slot_id] = ends[session_id]
        ends[session_id] += capacity
    found: dict[int, int] = {}
    seen: dict[tuple[bool, int], int] = {}
    rows = Booking.objects.filter(session__in=ids, status__in=LIVE).order_by("booked_at", "pk")
    for pk, session_id, slot_id, right in rows.values_list("pk", "session_id", "slot_id", "right_id"):
        key = (right is None, slot_id if right is None else session_id)
        seen[key] = seen.get(key, 0) + 1
        found[pk] = seen[key] + (first[slot_id] if right is None else ends[session_id])
    return found
