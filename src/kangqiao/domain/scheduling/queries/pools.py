"""How places are shared out: the rules in force, what became of each pool, and the same demand under another share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.models import StatusChange
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import hospitals_in, organization_by_id
from kangqiao.domain.scheduling.models import Booking, PoolRule, Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.permissions import sees_pools
from kangqiao.domain.scheduling.rules import (
    BEDS,
    NOTHING,
    RESERVED,
    Calendar,
    Circle,
    Replay,
    Wish,
    replay,
    reserved_positions,
)
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import NotVisible


class Shared(Protocol):
    """A clinic, opened or about to be."""

    @property
    def organization_id(self) -> int: ...
    @property
    def specialty(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def parameters(self) -> SlotParameters: ...


def calendar_of(parameters: SlotParameters, rule: PoolRule | None = None) -> Calendar:
    """The figures of the pack, or those of a rule in their place; the head start is the pack's."""
    if rule is None:
        return Calendar(
            parameters.reserved_share, parameters.team_share, parameters.contracted_share,
            parameters.team_hours_before, parameters.contracted_hours_before, parameters.release_hours_before,
            parameters.head_start_days,
        )  # fmt: skip
    return Calendar(
        Fraction(rule.partner_percent, 100), Fraction(rule.team_percent, 100), Fraction(rule.contracted_percent, 100),
        rule.team_hours, rule.contracted_hours, rule.release_hours, parameters.head_start_days,
    )  # fmt: skip


def calendars_for(openings: Sequence[Shared]) -> list[Calendar]:
    """How each clinic's places are shared out, in the order given; one look for all of them."""
    houses = {one.organization_id for one in openings if one.kind == Session.Kind.HOSPITAL_CLINIC}
    rules = list(PoolRule.objects.filter(organization_id__in=houses, session=None)) if houses else []
    return [
        calendar_of(
            one.parameters, rule_for(rules, one.organization_id, one.specialty, localtime(one.starts_at).date())
        )
        for one in openings
    ]


def rule_for(
    rules: Iterable[PoolRule], organization_id: int, specialty: str, day: date, session_id: int | None = None
) -> PoolRule | None:
    """The rule that counts for a clinic: its own, its department's, its hospital's; of each the latest."""
    fitting = [
        rule
        for rule in rules
        if rule.organization_id == organization_id
        and rule.since <= day
        and rule.specialty in ("", specialty)
        and (rule.session_id is None or rule.session_id == session_id)
    ]
    return max(
        fitting, key=lambda rule: (rule.session_id is not None, rule.specialty != "", rule.since, rule.pk), default=None
    )


def opened_at(sessions: Iterable[Session]) -> dict[int, datetime]:
    """When each session became bookable: its head start runs from there."""
    ids = [session.pk for session in sessions]
    rows = StatusChange.objects.filter(subject_type="scheduling.session", action="begin", subject_id__in=ids)
    return dict(rows.values_list("subject_id", "at"))


def pool_houses(by: Actor) -> list[Organization]:
    """The hospitals whose sharing out somebody may read: the own one, or those of the region."""
    if by.role not in (Role.DISPATCHER, Role.BUREAU_OFFICER):
        own = organization_by_id(by.organization_id or 0)
        return [own.part_of or own if own.kind != Organization.Kind.HOSPITAL else own]
    region = organization_by_id(by.organization_id or 0).place
    return list(hospitals_in(region.code))


def get_pool_house(by: Actor, organization_id: int) -> Organization:
    """A hospital whose sharing out somebody may read. Raises NotVisible."""
    house = organization_by_id(organization_id)
    if house.kind != Organization.Kind.HOSPITAL or not sees_pools(by, house):
        raise NotVisible(_("没有这家医院，或它的号源不由您查看。"), next_step=_("请从工作台打开本院的号源。"))
    return house


@dataclass(frozen=True, slots=True)
class Pool:
    """What became of the places that began in one pool: used by it, fallen on and used then, used by nobody."""

    key: str
    name: str
    places: int
    used: int
    used_later: int

    @property
    def released(self) -> int:
        """Places the pool did not use, so that they fell to the next."""
        return self.places - self.used

    @property
    def wasted(self) -> int:
        """Places nobody used at all."""
        return self.places - self.used - self.used_later


@dataclass(frozen=True, slots=True)
class Span:
    """The clinics of a hospital whose time has passed in some days: their pools, and who booked through a centre.

    `reserved` were kept for the community until their release, not only for the head start. `extra` came beyond the
    places by a named right, and are in none of the other figures.
    """

    pools: list[Pool]
    community: int
    public: int
    reserved: int = 0
    extra: int = 0

    @property
    def places(self) -> int:
        """All places."""
        return sum(pool.places for pool in self.pools)

    @property
    def wasted(self) -> int:
        """Places nobody used."""
        return sum(pool.wasted for pool in self.pools)

    @property
    def reserved_percent(self) -> int:
        """Of all places, how many in a hundred were kept for the community."""
        return round(100 * self.reserved / self.places) if self.places else 0

    @property
    def community_percent(self) -> int:
        """Of all places used, how many in a hundred were booked by a centre."""
        used = self.community + self.public
        return round(100 * self.community / used) if used else 0


def _past(
    organization_id: int, starts: datetime, ends: datetime, *, are_beds: bool | None = None
) -> QuerySet[Slot]:  # fmt: skip
    found = Slot.objects.filter(
        session__organization_id=organization_id, session__kind=Session.Kind.HOSPITAL_CLINIC, session__status="open",
        starts_at__gte=starts, starts_at__lt=ends,
    ).order_by()  # fmt: skip
    if are_beds is None:
        return found
    return found.filter(session__specialty=BEDS) if are_beds else found.exclude(session__specialty=BEDS)


@beyond("scheduling.counts")
def pools_between(
    organization_id: int, starts: datetime, ends: datetime, *, are_beds: bool | None = None, release_hours: int = 0
) -> Span:  # fmt: skip
    """How many places each pool of a hospital had between two instants, and what became of them.

    Of its beds, of all but these, or of everything; `release_hours` is the earliest hour of a release before its time.
    """
    slots = _past(organization_id, starts, ends, are_beds=are_beds)
    places = dict(slots.values_list("pool").annotate(n=Sum("capacity")))
    live = Booking.objects.filter(slot__in=slots).exclude(status="cancelled").order_by()
    booked = live.filter(right=None)
    by_pool = {
        (begun, taken): n for begun, taken, n in booked.values_list("slot__pool", "pool").annotate(n=Count("pk"))
    }
    by_channel = dict(booked.values_list("channel").annotate(n=Count("pk")))
    pools = [
        Pool(
            key, str(Slot.Pool(key).label), places.get(key, 0), by_pool.get((key, key), 0),
            sum(n for (begun, taken), n in by_pool.items() if begun == key != taken),
        )
        for key in (*RESERVED, Circle.PUBLIC)
    ]  # fmt: skip
    own = by_channel.get(Booking.Channel.SELF, 0)
    until_release = slots.filter(release_at__gte=F("starts_at") - timedelta(hours=release_hours))
    reserved = until_release.aggregate(n=Sum("capacity"))["n"] or 0
    return Span(pools, sum(by_channel.values()) - own, own, reserved, live.exclude(right=None).count())


@beyond("scheduling.counts")
def replayed(organization_id: int, starts: datetime, ends: datetime, share: Fraction, release_hours: int) -> Replay:
    """What another reserved share would have made of the demand of some days; counts alone, nobody is named.

    The demand are the bookings there were, cancelled ones until they were given back. Who found nothing and left is in
    no book, so a smaller share cannot serve more than were there.
    """
    sizes: dict[int, tuple[datetime, int]] = {
        pk: (first, places)
        for pk, first, places in _past(organization_id, starts, ends)
        .values_list("session_id")
        .annotate(first=Min("starts_at"), places=Sum("capacity"))
    }
    rows = Booking.objects.filter(session_id__in=sizes, right=None).order_by("booked_at", "pk")
    bookings = list(rows.values_list("pk", "session_id", "channel", "booked_at", "status"))
    gone = [pk for pk, _session, _channel, _at, status in bookings if status == "cancelled"]
    ends_of = StatusChange.objects.filter(subject_type="scheduling.booking", subject_id__in=gone, action="cancel")
    returned = dict(ends_of.values_list("subject_id", "at"))
    wishes: dict[int, list[Wish]] = {pk: [] for pk in sizes}
    for pk, session_id, channel, at, _status in bookings:
        wishes[session_id].append(Wish(at, channel != Booking.Channel.SELF, returned.get(pk)))
    return sum(
        (
            replay(places, len(reserved_positions(places, share)), first - timedelta(hours=release_hours), wishes[pk])
            for pk, (first, places) in sizes.items()
        ),
        NOTHING,
    )


def pool_rules(organization_id: int) -> list[PoolRule]:
    """Every rule a hospital ever set, the latest first."""
    rows = PoolRule.objects.select_related("session__practitioner").filter(organization_id=organization_id)
    return list(rows.order_by("-set_at", "-pk")[:50])


def coming_clinics(organization_id: int, now: datetime, limit: int = 30) -> list[Session]:
    """The next clinics of a hospital, each with its places and how many of them are reserved still."""
    kept = Q(slots__release_at__gt=now)
    rows = Session.objects.filter(
        organization_id=organization_id, kind=Session.Kind.HOSPITAL_CLINIC, status="open", starts_at__gt=now
    ).select_related("practitioner__specialty")
    counted = rows.annotate(
        places=Sum("slots__capacity"), taken=Sum("slots__taken"), reserved=Sum("slots__capacity", filter=kept)
    )
    return list(counted.order_by("starts_at", "pk")[:limit])


def clinics_to_share(rule: PoolRule, now: datetime) -> list[Session]:
    """The coming clinics a rule speaks of, with place and department."""
    rows = Session.objects.select_related("organization__place").filter(
        organization_id=rule.organization_id, kind=Session.Kind.HOSPITAL_CLINIC, status="open", starts_at__gt=now
    )
    if rule.session_id:
        return list(rows.filter(pk=rule.session_id))
    rows = rows.filter(specialty=rule.specialty) if rule.specialty else rows
    return [one for one in rows.order_by("pk") if localtime(one.starts_at).date() >= rule.since]


def specialties_at(organization_id: int) -> list[Concept]:
    """The departments of a hospital that have clinics."""
    codes = Session.objects.filter(organization_id=organization_id, kind=Session.Kind.HOSPITAL_CLINIC).order_by()
    return list(
        Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes.values("specialty")).order_by("code")
    )


@dataclass(frozen=True, slots=True)
class PoolSheet:
    """The page of a hospital: its last weeks by pool, another share tried on them, what counts now, and what comes.

    `session` is the one a rule is about to be set for; `kept` says of places and of beds how many in a hundred are set
    to begin with the community, beside what was kept (XH23-5.1.3f).
    """

    house: Organization
    starts: datetime
    ends: datetime
    span: Span
    beds: Span
    kept: tuple[int, int]
    tried: int
    replay: Replay
    rules: list[PoolRule]
    rule: PoolRule | None
    parameters: SlotParameters
    calendar: Calendar
    clinics: list[Session]
    session: Session | None


def pool_sheet(house: Organization, now: datetime, share: int | None, session_id: int | None) -> PoolSheet:
    """Everything of a hospital's page; `share` in hundredths, the present one when none is tried."""
    today = localtime(now).date()
    parameters = SlotParameters.read(policy.at(house.place.code, today))
    own = Session.objects.select_related("practitioner").filter(organization_id=house.pk)
    session = own.filter(pk=session_id or 0).first()
    specialty, pk = (session.specialty, session.pk) if session else ("", None)
    rules = pool_rules(house.pk)
    rule = rule_for(rules, house.pk, specialty, today, pk)
    calendar = calendar_of(parameters, rule)
    shares = [calendar_of(parameters, rule_for(rules, house.pk, one, today)).shares for one in ("", BEDS)]
    hours = max(parameters.release_hours_before, *(one.release_hours for one in rules), 0)
    kept = (round(100 * sum(shares[0])), round(100 * sum(shares[1])))
    ends = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = ends - timedelta(days=parameters.booking_horizon_days)
    tried = round(100 * sum(calendar.shares)) if share is None else share
    return PoolSheet(
        house, starts, ends - timedelta(days=1),
        pools_between(house.pk, starts, ends, are_beds=False, release_hours=hours),
        pools_between(house.pk, starts, ends, are_beds=True, release_hours=hours), kept, tried,
        replayed(house.pk, starts, ends, Fraction(tried, 100), calendar.release_hours), rules, rule, parameters,
        calendar, coming_clinics(house.pk, now), session,
    )  # fmt: skip
