"""How a session is cut into slots, which of them partner centres get first, and when a place may be taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.domain.scheduling.parameters import AbsenceParameters, OfferParameters
from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.money import round_half_up


class Circle(StrEnum):
    """Who may take a place, from the narrowest to everyone: paired centres, their teams, whom they contracted, all."""

    PARTNER = "partner"
    TEAM = "team"
    CONTRACTED = "contracted"
    PUBLIC = "public"


RESERVED = (Circle.PARTNER, Circle.TEAM, Circle.CONTRACTED)
# Specialties whose places a doctor orders: examinations and beds. No resident books one, no list of doctors names one.
BEDS = "ward"
ORDERED = ("ecg", "ct", "ultrasound", "laboratory", BEDS)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a clinic's places are shared out, and when what is unused falls to the next wider circle.

    Shares of 1; hours before the time of a place. A team is never earlier than its centre, nor all than the contracted.
    """

    partner_share: Fraction
    team_share: Fraction
    contracted_share: Fraction
    team_hours: int
    contracted_hours: int
    release_hours: int
    head_start_days: int

    @property
    def shares(self) -> tuple[Fraction, Fraction, Fraction]:
        """The reserved shares, narrowest circle first."""
        return self.partner_share, self.team_share, self.contracted_share


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """One slot to be made: its time, the instant it opens at all, its pool, and when it falls to each wider circle.

    Public from the start, it has none of the three instants; for the day itself it opens as that day begins.
    """

    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    pool: Circle = Circle.PUBLIC
    teams_at: datetime | None = None
    contracted_at: datetime | None = None
    release_at: datetime | None = None
    is_same_day: bool = False


class Refusal(StrEnum):
    """Why a place cannot be taken."""

    WITHDRAWN = "withdrawn"
    PAST = "past"
    TOO_EARLY = "too_early"
    NOT_RELEASED = "not_released"
    ALREADY_IN_SESSION = "already_in_session"
    ENOUGH = "enough"
    FULL = "full"


def cut(starts_at: datetime, ends_at: datetime, minutes: int, most: int) -> list[tuple[datetime, datetime]]:
    """The slots of a session: equal runs from its start, at most `most`; a rest shorter than one slot is left out.

    Raises ValueError when not a single slot fits.
    """
    length = timedelta(minutes=minutes)
    count = min((ends_at - starts_at) // length, most)
    if count < 1:
        raise ValueError(f"no slot of {minutes} minutes fits between {starts_at} and {ends_at}")
    return [(starts_at + length * i, starts_at + length * (i + 1)) for i in range(count)]


def reserved_positions(count: int, share: Fraction) -> frozenset[int]:
    """Which of `count` slots are reserved: the share rounded half up to whole slots, spread evenly over the session.

    Position i is reserved where the running share passes a whole number, so the same session is always cut the same
    way and neither the early nor the late hours go to one side alone. Raises ValueError outside 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1: {share}")
    reserved = round_half_up(share * count)
    return frozenset(i for i in range(count) if (i + 1) * reserved // count > i * reserved // count)


def opens_at(starts_at: datetime, horizon_days: int) -> datetime:
    """The first instant a slot may be booked: midnight, `horizon_days` days before its day, in the zone given."""
    return datetime.combine(starts_at.date() - timedelta(days=horizon_days), time(), starts_at.tzinfo)


def release_at(
    starts_at: datetime, opened_at: datetime, *, is_reserved: bool, head_start_days: int, release_hours_before: int
) -> datetime | None:
    """When a hospital slot falls to the public; None when it is public from the start.

    Paired centres have every slot alone for the head start after the session is opened; then the unreserved slots
    open to all, while the reserved share stays with the centres until some hours before its time. No slot stays
    closed to the public beyond that last instant (SZ16-2.2b; head start, share and hours are settings).
    """
    last = starts_at - timedelta(hours=release_hours_before)
    release = last if is_reserved else min(opened_at + timedelta(days=head_start_days), last)
    return release if release > opened_at else None


def pools_of(count: int, shares: Sequence[Fraction]) -> list[Circle]:
    """The pool of each of `count` slots: the reserved ones spread evenly over the session, and each share over those.

    Every pool gets its running share rounded half up, so that together they are the rounded whole.
    Raises ValueError when the shares pass the whole.
    """
    pools = [Circle.PUBLIC] * count
    places = sorted(reserved_positions(count, sum(shares, Fraction(0))))
    ends = [round_half_up(sum(shares[: n + 1], Fraction(0)) * count) for n in range(len(shares))]
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    for circle, size in reversed(list(zip(RESERVED, sizes, strict=True))):
        chosen = [places[i] for i in range(len(places)) if (i + 1) * size // len(places) > i * size // len(places)]
        for place in chosen:
            pools[place] = circle
        places = [place for place in places if place not in chosen]
    return pools


def plan_slots(
    times: Sequence[tuple[datetime, datetime]], opened_at: datetime, calendar: Calendar, horizon_days: int
) -> list[SlotPlan]:
    """Every slot of a hospital clinic with its pool; shares of 0 with no head start make all of them public."""
    pools = pools_of(len(times), calendar.shares)
    return [
        plan_slot(start, end, opened_at, pool, calendar, horizon_days)
        for (start, end), pool in zip(times, pools, strict=True)
    ]


def plan_slot(
    start: datetime, end: datetime, opened_at: datetime, pool: Circle, calendar: Calendar, horizon_days: int
) -> SlotPlan:
    """One slot of a pool with its release calendar; a place of the head start is the paired centres' meanwhile."""
    opens = opens_at(start, horizon_days)
    last = release_at(
        start, opened_at, is_reserved=pool is not Circle.PUBLIC, head_start_days=calendar.head_start_days,
        release_hours_before=calendar.release_hours,
    )  # fmt: skip
    if last is None:
        return SlotPlan(start, end, opens)
    contracted = _falls(start, opened_at, calendar.contracted_hours, last, now=pool is Circle.CONTRACTED)
    teams = _falls(
        start, opened_at, calendar.team_hours, contracted, now=pool in (Circle.TEAM, Circle.CONTRACTED)
    )  # fmt: skip
    kept = Circle.PARTNER if pool is Circle.PUBLIC else pool
    return SlotPlan(start, end, opens, kept, teams, contracted, last)


def _falls(start: datetime, opened_at: datetime, hours: int, latest: datetime, *, now: bool) -> datetime:
    """When a place falls to a circle: at once, or some hours before its time, never later than to the next one."""
    return opened_at if now else min(max(start - timedelta(hours=hours), opened_at), latest)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """What decides whether a place in a slot may be taken now."""

    starts_at: datetime
    opens_at: datetime
    teams_at: datetime | None
    contracted_at: datetime | None
    release_at: datetime | None
    is_session_open: bool
    left: int
    is_kept_for_another: bool = False
    has_enough: bool = False

    def open_from(self, circle: Circle) -> datetime | None:
        """The instant from which a circle may take the place; None where it always may.

        What is kept for another centre first falls to the others when it falls to the contracted.
        """
        if self.is_kept_for_another and circle in (Circle.PARTNER, Circle.TEAM):
            return self.contracted_at
        if self.release_at is None or circle is Circle.PARTNER:
            return None
        steps = {Circle.TEAM: self.teams_at, Circle.CONTRACTED: self.contracted_at, Circle.PUBLIC: self.release_at}
        return steps[circle]


def why_not(slot: SlotFacts, at: datetime, *, circle: Circle, is_in_session: bool) -> Refusal | None:
    """The first reason against taking a place at an instant, gravest first; None when it may be taken."""
    if not slot.is_session_open:
        return Refusal.WITHDRAWN
    if slot.starts_at <= at:
        return Refusal.PAST
    if is_in_session:
        return Refusal.ALREADY_IN_SESSION
    if at < slot.opens_at:
        return Refusal.TOO_EARLY
    if (opens := slot.open_from(circle)) is not None and at < opens:
        return Refusal.NOT_RELEASED
    if slot.has_enough and circle in (Circle.PARTNER, Circle.TEAM) and slot.release_at and at < slot.release_at:
        return Refusal.ENOUGH
    return None if slot.left > 0 else Refusal.FULL


def places_left(
    capacity: int, taken: int, held: Sequence[datetime], at: datetime, *, own: datetime | None = None
) -> int:
    """How many places of a slot are neither booked nor held by others; `held` are the ends of its holds.

    A hold ends by itself at its end; one hold that ends at `own` is the asker's and counts as free to them.
    """
    running = [until for until in held if until > at]
    return capacity - taken - len(running) + (own in running)


def may_cancel(starts_at: datetime, at: datetime) -> bool:
    """Whether a booking may still be given back: until its time has come."""
    return at < starts_at


def is_free_of_blame(starts_at: datetime, at: datetime, cancel_hours_before: int) -> bool:
    """Whether giving the place back now leaves others time to take it."""
    return at <= starts_at - timedelta(hours=cancel_hours_before)


def may_miss(starts_at: datetime, at: datetime, late_minutes: int) -> bool:
    """Whether a person who has not come may be written down as missing: once the grace after the time is over."""
    return at >= starts_at + timedelta(minutes=late_minutes)


def is_visit_day(starts_at: datetime, at: datetime) -> bool:
    """Whether an instant lies on the day of the visit; both in the local zone."""
    return starts_at.date() == at.date()


def end_of_visit_day(ends_at: datetime) -> datetime:
    """Midnight after the visit: until then the place of the visit may see the resident because of the booking."""
    return datetime.combine(ends_at.date() + timedelta(days=1), time(), ends_at.tzinfo)


def suspended_until(
    absences: Sequence[tuple[datetime, bool]], at: datetime, terms: AbsenceParameters
) -> datetime | None:
    """Until when somebody cannot book online, from their absences (when, whether of a referral); None where they can.

    Whenever the absences of the window reach the limit, it begins anew; referrals count less.
    """
    window, length = timedelta(days=terms.window_days), timedelta(days=terms.suspension_days)
    ends = [
        when + length for when, _is_referral in absences if count_absences(absences, when, window, terms) >= terms.limit
    ]
    until = max(ends, default=None)
    return until if until is not None and until > at else None


def count_absences(
    absences: Sequence[tuple[datetime, bool]], at: datetime, window: timedelta, terms: AbsenceParameters
) -> Fraction:
    """How many absences count at an instant: those of the window before it."""
    weights = [
        terms.referral_weight if is_referral else Fraction(1)
        for when, is_referral in absences
        if at - window < when <= at
    ]
    return sum(weights, Fraction(0))


def offer_ends(at: datetime, starts_at: datetime, terms: OfferParameters) -> datetime | None:
    """Until when the next in line is asked about a place freed now; None when its time is too near to ask anybody.

    Minutes at night do not count. Whoever is asked has all of them. Both instants in the local zone.
    """
    left, now = timedelta(minutes=terms.minutes), at
    while True:
        now = max(now, _at_hour(now, terms.quiet_until))
        evening = _at_hour(now, terms.quiet_from)
        if now + left <= evening:
            return now + left if now + left <= starts_at - timedelta(hours=terms.hours_before) else None
        left -= max(evening - now, timedelta(0))
        now = _at_hour(now + timedelta(days=1), terms.quiet_until)


def _at_hour(day: datetime, hour: int) -> datetime:
    return datetime.combine(day.date(), time(hour), day.tzinfo)


def refused(refusal: Refusal, slot: SlotFacts, circle: Circle, own_at: datetime | None) -> RuleBroken:
    """Why a place cannot be taken, in words; `own_at` is the time the person holds in the session already."""
    starts_at, opens_at = slot.starts_at, slot.opens_at
    match refusal:
        case Refusal.WITHDRAWN:
            return RuleBroken(_("%(when)s的门诊已停诊。") % {"when": said(starts_at)}, next_step=_("请另选一个时间。"))
        case Refusal.PAST:
            return RuleBroken(
                _("%(when)s已经过了，不能再约。") % {"when": said(starts_at)}, next_step=_("请选以后的时间。")
            )
        case Refusal.ALREADY_IN_SESSION:
            return RuleBroken(
                _("您已约了这次门诊的%(when)s，一人一次门诊只留一个号。") % {"when": said(own_at or starts_at)},
                next_step=_("想换时间，请先取消原来的预约。"),
            )
        case Refusal.TOO_EARLY:
            return RuleBroken(
                _("这个号%(when)s起才能预约。") % {"when": said(opens_at)},
                next_step=_("请到时再来，或选近一些的时间。"),
            )
        case Refusal.ENOUGH:
            return RuleBroken(
                _("这一场留给您中心的号已经用满，%(when)s起没用完的向所有人开放。")
                % {"when": said(slot.release_at or starts_at)},
                next_step=_("请到时再来，或选别的日子。"),
            )
        case _:
            return _not_released(slot, circle)


def _not_released(slot: SlotFacts, circle: Circle) -> RuleBroken:
    """For whom a place is kept still, and from when it is not."""
    opens = said(slot.open_from(circle) or slot.starts_at)
    if slot.is_kept_for_another and circle in (Circle.PARTNER, Circle.TEAM):
        return RuleBroken(
            _("这个号先留给另一家中心，%(when)s起您可以约。") % {"when": opens},
            next_step=_("请选别的时间，或到时再来。"),
        )
    if circle is not Circle.PUBLIC:
        return RuleBroken(
            _("这个号先留给协作中心，%(when)s起您可以约。") % {"when": opens},
            next_step=_("请到时再来，或选别的时间。"),
            clause="SZ16-2.2b",
        )
    return RuleBroken(
        _("这个号先留给协作中心的家庭医生，%(when)s起向所有人开放。")
        % {"when": said(slot.release_at or slot.starts_at)},
        next_step=_("急着看，请到社区卫生服务中心请家庭医生帮您约。"),
        clause="SZ16-2.2b",
    )


def said(instant: datetime) -> str:
    """An instant in the words of a notice."""
    return date_format(localtime(instant), "m-d H:i")
