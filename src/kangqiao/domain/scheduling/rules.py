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

from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.money import round_half_up


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """One slot to be made: its time, the instant it opens to anyone, and until when partners have it alone.

    `release_at` None means public from the start.
    """

    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    release_at: datetime | None


class Refusal(StrEnum):
    """Why a place cannot be taken."""

    WITHDRAWN = "withdrawn"
    PAST = "past"
    TOO_EARLY = "too_early"
    NOT_RELEASED = "not_released"
    ALREADY_IN_SESSION = "already_in_session"
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


def plan_slots(
    times: Sequence[tuple[datetime, datetime]],
    opened_at: datetime,
    *,
    share: Fraction,
    head_start_days: int,
    release_hours_before: int,
    horizon_days: int,
) -> list[SlotPlan]:
    """Every slot of a hospital clinic with its pool; a share of 0 with no head start makes all of them public."""
    reserved = reserved_positions(len(times), share)
    return [
        SlotPlan(
            start,
            end,
            opens_at(start, horizon_days),
            release_at(
                start,
                opened_at,
                is_reserved=i in reserved,
                head_start_days=head_start_days,
                release_hours_before=release_hours_before,
            ),
        )
        for i, (start, end) in enumerate(times)
    ]


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """What decides whether a place in a slot may be taken now."""

    starts_at: datetime
    opens_at: datetime
    release_at: datetime | None
    is_session_open: bool
    left: int


def why_not(slot: SlotFacts, at: datetime, *, is_partner: bool, is_in_session: bool) -> Refusal | None:
    """The first reason against taking a place at an instant, gravest first; None when it may be taken."""
    if not slot.is_session_open:
        return Refusal.WITHDRAWN
    if slot.starts_at <= at:
        return Refusal.PAST
    if is_in_session:
        return Refusal.ALREADY_IN_SESSION
    if at < slot.opens_at:
        return Refusal.TOO_EARLY
    if slot.release_at is not None and at < slot.release_at and not is_partner:
        return Refusal.NOT_RELEASED
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


def refused(
    refusal: Refusal, starts_at: datetime, opens_at: datetime, release_at: datetime | None, own_at: datetime | None
) -> RuleBroken:
    """Why a place cannot be taken, in words; `own_at` is the time the person holds in the session already."""
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
        case _:
            return RuleBroken(
                _("这个号先留给协作中心的家庭医生，%(when)s起向所有人开放。") % {"when": said(release_at or starts_at)},
                next_step=_("急着看，请到社区卫生服务中心请家庭医生帮您约。"),
                clause="SZ16-2.2b",
            )


def said(instant: datetime) -> str:
    """An instant in the words of a notice."""
    return date_format(localtime(instant), "m-d H:i")
