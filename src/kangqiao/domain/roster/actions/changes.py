"""The dispatcher's changes of half-days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NoReturn

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, moved_meanwhile, take_back
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.roster import queries
from kangqiao.domain.roster.actions.parts import _cancelled, _half_day, _hold, _planner, _posting, _require
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.roster.permissions import (
    can_plan,
    can_step,
    standing_of,
)
from kangqiao.domain.roster.rules import HALVES, may_sit, said_when
from kangqiao.domain.roster.states import HALF_DAY, ROSTER
from kangqiao.domain.scheduling.actions import substitute_session, undo_withdrawal
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.engines.planning import (
    Cell,
    Move,
)
from kangqiao.kernel.errors import RuleBroken, Taken
from kangqiao.kernel.period import week


def add_half_day(
    *,
    posting_id: int,
    day: date,
    half: str,
    centre_id: int | None = None,
    roster_id: int | None = None,
    by: Actor,
    at: datetime,
) -> HalfDay:
    """The dispatcher puts an expert on a half-day by hand; a later planning run keeps it.

    `centre_id` is the centre of the cell that was chosen, which must be the posting's. Without a roster for that week
    one is begun, so that a small place can be rostered by hand alone. Raises RuleBroken with the reason when the
    sitting is not lawful, Taken when somebody was faster.
    """
    with transaction.atomic():
        posting = _posting(posting_id)
        if centre_id not in (None, posting.centre_id):
            raise RuleBroken(_("这位专家没有派驻到这家中心。"), next_step=_("请从这一格的名单里选一位专家。"))
        roster = _roster(posting, day, roster_id, by, at)
        who = standing_of(by)
        _require(can_plan(who, roster.place))
        _require(can_plan(who, posting.centre.place))
        _hold_sitting(roster.place, posting, day, half, None, at)
        row = _placed(roster, posting, day, half, by, at)
        record("roster.add_half_day", row, by=by, at=at, day=str(day), half=half, centre=row.centre_id)
    return row


def move_half_day(
    *,
    half_day_id: int,
    day: date,
    half: str,
    centre_id: int | None = None,
    practitioner_id: int | None = None,
    reason: str = "",
    by: Actor,
    at: datetime,
) -> HalfDay:
    """The dispatcher moves a half-day to another time or centre, or gives it to another expert; it stays fixed there.

    A confirmed half-day is not edited: it is cancelled with its session (the people booked are dealt with there) and
    a new one begins its own confirmations. Raises RuleBroken with the reason, Taken, Denied.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        place, who = row.roster.place, standing_of(by)
        _require(can_plan(who, place))
        _require(can_plan(who, organization_by_id(centre_id or row.centre_id).place))
        _hold_open(row)
        posting = queries.posting_of(practitioner_id or row.practitioner_id, centre_id or row.centre_id, day)
        if posting is None:
            _missing_posting(practitioner_id or row.practitioner_id, centre_id or row.centre_id, day, half)
        _hold_sitting(place, posting, day, half, row, at)
        was = {"day": str(row.day), "half": row.half, "centre": row.centre_id, "practitioner": row.practitioner_id}
        if row.status == "planned":
            _change(row, posting, day, half)
        else:
            text = reason or _("改到%(when)s") % {"when": said_when(day, half)}
            _cancelled(row, text, by, at)
            row = _placed(row.roster, posting, day, half, by, at)
        record("roster.move_half_day", row, by=by, at=at, was=was, day=str(day), half=half, centre=row.centre_id)
    return row


def cancel_half_day(*, half_day_id: int, reason: str, why: str = Session.Why.OTHER, by: Actor, at: datetime) -> HalfDay:
    """A half-day falls out; when it was public its session is withdrawn and the people booked are dealt with there.

    It no longer counts for the duty of the hospital.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_step(standing_of(by), row, HALF_DAY.step("cancel").parties))
        _cancelled(row, reason, by, at, why=why)
        record("roster.cancel_half_day", row, by=by, at=at)
    return row


def undo_cancel(*, half_day_id: int, by: Actor, at: datetime) -> HalfDay:
    """The wrong half-day was called off: it stands again, and so do its session and everybody's places.

    Raises Denied, AlreadyMoved, RuleBroken when the moment is over or somebody went on from there, Taken when the
    expert was put elsewhere meanwhile.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_step(standing_of(by), row, HALF_DAY.step("cancel").parties))
        try:
            with transaction.atomic():
                take_back(row, HALF_DAY, "cancel", by=by, at=at)
        except IntegrityError as clash:
            raise _two_places(row.practitioner, row.day, row.half) from clash
        if row.session_id is not None:
            undo_withdrawal(session_id=row.session_id, by=_planner(by), at=at)
        record("roster.undo_cancel", row, by=by, at=at)
    return row


def substitute_half_day(*, half_day_id: int, practitioner_id: int, reason: str, by: Actor, at: datetime) -> HalfDay:
    """Another expert of the hospital sits in somebody's stead; the half-day counts for the duty as before.

    Raises Denied, AlreadyMoved when it was called off or attested, Taken when the expert is rostered elsewhere, and
    what `substitute_session` refuses.
    """
    with transaction.atomic():
        row = _half_day(half_day_id)
        _require(can_step(standing_of(by), row, HALF_DAY.step("cancel").parties))
        _hold_open(row)
        if row.session_id is not None:
            substitute_session(
                session_id=row.session_id, practitioner_id=practitioner_id, reason=reason, by=_planner(by), at=at
            )
        left, row.practitioner = row.practitioner_id, workforce.practitioner(practitioner_id)
        try:
            with transaction.atomic():
                row.save(update_fields=("practitioner",))
        except IntegrityError as clash:
            raise _two_places(row.practitioner, row.day, row.half) from clash
        record("roster.substitute_half_day", row, by=by, at=at, left=left, came=practitioner_id)
    return row


def _hold_open(row: HalfDay) -> None:
    if row.status not in ("planned", "confirmed"):
        raise moved_meanwhile(row, HALF_DAY)


def _missing_posting(practitioner_id: int, centre_id: int, day: date, half: str) -> NoReturn:
    raise RuleBroken(
        queries.not_posted(practitioner_id, centre_id, day, half), next_step=_("请先办理派驻，或换一位已派驻的专家。")
    )


def _roster(posting: Posting, day: date, roster_id: int | None, by: Actor, at: datetime) -> Roster:
    if roster_id is not None:
        found = Roster.objects.select_related("place").filter(pk=roster_id, status__in=("draft", "published")).first()
        if found is None or not found.starts_on <= day < found.ends_on:
            raise RuleBroken(_("这张排班表不包括这一天，或已被新版替代。"), next_step=_("请刷新排班表。"))
        return found
    found = queries.roster_on(posting.centre.place_id, day)
    if found is not None:
        return found
    place = queries.planning_place(by.organization_id, posting.centre.place)
    span = week(day)
    last = Roster.objects.filter(place=place, starts_on=span.start).order_by("-version").first()
    roster = Roster.objects.create(
        place=place, starts_on=span.start, ends_on=span.start + timedelta(weeks=1),
        version=last.version + 1 if last else 1, policy_ref=queries.parameters_for(place.code, day).ref, planned_at=at,
    )  # fmt: skip
    begin(roster, ROSTER, by=by, at=at)
    return roster


def _hold_sitting(place: Place, posting: Posting, day: date, half: str, leaves: HalfDay | None, at: datetime) -> None:
    """Refuses a sitting that is not lawful; `leaves` is the half-day it replaces."""
    if half not in HALVES:
        raise RuleBroken(_("半天只有上午和下午。"))
    if day < timezone.localtime(at, queries.zone()).date():
        raise RuleBroken(_("%(day)s已经过去了。") % {"day": day}, next_step=_("请选今天或以后的半天。"))
    if day not in queries.workdays(place, day, day + timedelta(days=1)):
        raise RuleBroken(_("%(day)s是休息日，不排门诊。") % {"day": day}, next_step=_("请选工作日。"))
    if posting.status != "posted" or not posting.starts_on <= day < posting.ends_on:
        _missing_posting(posting.practitioner_id, posting.centre_id, day, half)
    asked = queries.question(place, week(day).start, 1, for_move=True)
    slot = asked.slot_of(day, half)
    assert slot is not None, "a working day has both halves"
    take = next((cell for cell, row in asked.standing.items() if leaves is not None and row.pk == leaves.pk), None)
    give = Cell(slot, str(posting.centre_id), str(posting.practitioner_id))
    verdict = may_sit(asked.problem, list(asked.standing), Move(take, give), asked.names, asked.start)
    _hold(verdict, _("请选别的半天，或换一位专家。"))


def _placed(roster: Roster, posting: Posting, day: date, half: str, by: Actor, at: datetime) -> HalfDay:
    try:
        with transaction.atomic():
            row = HalfDay.objects.create(
                roster=roster, posting=posting, practitioner=posting.practitioner, centre=posting.centre,
                day=day, half=half, is_fixed=True,
            )  # fmt: skip
    except IntegrityError as clash:
        raise _two_places(posting.practitioner, day, half) from clash
    begin(row, HALF_DAY, by=by, at=at)
    return row


def _change(row: HalfDay, posting: Posting, day: date, half: str) -> None:
    row.posting, row.practitioner, row.centre = posting, posting.practitioner, posting.centre
    row.day, row.half, row.is_fixed = day, half, True
    # A new time or person was agreed by nobody yet.
    row.hospital_confirmed_at = row.centre_confirmed_at = None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as clash:
        raise _two_places(posting.practitioner, day, half) from clash


def _two_places(who: Practitioner, day: date, half: str) -> Taken:
    return Taken(
        _("%(who)s%(when)s已排在别处。") % {"who": who.name, "when": said_when(day, half)},
        next_step=_("请刷新排班表后再选。"),
    )
