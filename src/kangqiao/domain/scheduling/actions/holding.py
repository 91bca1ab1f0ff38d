"""A place is kept for a resident for some minutes, given back early, or left to end by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, DateTimeField, QuerySet
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.domain.scheduling import queries
from kangqiao.domain.scheduling.actions.booking import _allowed_resident, _as_contracted, _refusal_of
from kangqiao.domain.scheduling.actions.offering import _end, _keep, _offer
from kangqiao.domain.scheduling.actions.parts import _constraint, _lock_resident, _when
from kangqiao.domain.scheduling.models import Hold, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.states import WAITING
from kangqiao.kernel.errors import RuleBroken

# Nobody asks what was held the week before last; who held what stays in the audit.
KEPT_FOR = timedelta(days=14)


def hold_slot(
    *, slot_id: int, resident_id: int, channel: str, as_partner_centre_id: int | None = None, by: Actor, at: datetime
) -> Hold:
    """A place is kept for a resident while they look once more; to everybody else it counts as taken.

    Held already, it stays as it is: a second look buys no more time. Another time of the same session moves the hold.
    What is offered to who waits stays offered, until they answer or have a place.
    Raises as `book` does; RuleBroken when a place at the same hour is held for the resident elsewhere.
    """
    standing = queries.ANYBODY
    try:
        with transaction.atomic():
            _resident, standing = _allowed_resident(slot_id, resident_id, channel, as_partner_centre_id, by, at)
            slot, before = _locked(slot_id, resident_id, at)
            # The slot knows which holds count: where a clock went back, one that others took meanwhile runs by its row.
            own = next((hold for hold in before if hold.slot_id == slot_id and hold.until in slot.held), None)
            if own is not None:
                return own
            if queries.place_in_session(slot.session_id, resident_id) is None:
                for hold in before:
                    if hold.waiting_id is None:
                        _end(hold, at)
                held = _hold(slot, resident_id, standing, by, at)
                if held is None:
                    standing = _as_contracted(slot_id, resident_id, standing, at)
                    held = _hold(slot, resident_id, standing, by, at) if standing.contracted else None
                if held is not None:
                    return held
                transaction.set_rollback(True)
    except IntegrityError as error:
        if _constraint(error) != "hold_one_at_a_time":
            raise
        raise _elsewhere(slot_id, resident_id, at) from None
    raise _refusal_of(slot_id, resident_id, standing, at)


@transaction.atomic
def release_slot(*, slot_id: int, resident_id: int, channel: str, by: Actor, at: datetime) -> None:
    """Somebody went back: the place is free again in the same moment. Nothing to release is no error. Raises Denied.

    What is offered to who waits stays offered: they answer on the page of their lines.
    """
    _allowed_resident(slot_id, resident_id, channel, None, by, at)
    _slot, before = _locked(slot_id, resident_id, at)
    for hold in before:
        if hold.slot_id == slot_id and hold.waiting_id is None:
            _end(hold, at)
            audit.record("release_slot", hold, by=by, at=at, resident_id=resident_id, slot_id=slot_id)
            _offer(slot_id, at, not_to=resident_id)


@transaction.atomic
def sweep_holds(*, by: Actor, at: datetime) -> int:
    """Holds that ended long ago are forgotten. Their places have been free since they ended. Returns how many.

    What somebody who still waits was offered is kept: whoever was asked less often comes first.
    """
    old = Hold.objects.filter(until__lt=at - KEPT_FOR)
    count, _by_model = old.exclude(waiting__status=WAITING.initial).delete()
    return count


def _locked(slot_id: int, resident_id: int, at: datetime) -> tuple[Slot, list[Hold]]:
    """A slot with its session, and the holds a resident has in that session: locked in one order, the resident first.

    The resident is locked against a second hold at once, the session against its withdrawal. Raises NotVisible.
    """
    slot = queries.get_slot(slot_id)
    _lock_resident(resident_id)
    queries.shared_sessions({slot.session_id})
    own = {"resident": resident_id, "session": slot.session_id, "at": at}
    wanted = {slot_id, *(one.slot_id for one in _own_holds.models(False, **own))}
    held: dict[int, list[datetime]] = dict(_held_until.ask(slots=list(wanted)))
    slot.held = held[slot_id]
    return slot, _own_holds.models(True, **own)


@Prepared
def _own_holds(is_locking: bool) -> QuerySet[Hold]:
    rows = Hold.objects.filter(resident_id=Told("resident", BigIntegerField()), until__gt=Told("at", DateTimeField()))
    rows = rows.filter(slot__session_id=Told("session", BigIntegerField())).order_by("pk")
    return rows.select_for_update(of=("self",)) if is_locking else rows


@Prepared
def _held_until() -> QuerySet[Slot, Any]:
    return Slot.objects.select_for_update().filter(among("id", "slots")).order_by("pk").values_list("pk", "held")


def _hold(slot: Slot, resident_id: int, standing: Standing, by: Actor, at: datetime) -> Hold | None:
    session = slot.session
    day = localtime(slot.starts_at).date()
    parameters = SlotParameters.read(policy.at(place=session.organization.place.code, date=day))
    until = min(at + timedelta(minutes=parameters.hold_minutes), slot.starts_at)
    return _keep(slot, resident_id, standing, until, str(parameters.values["hold_minutes"].ref), by, at)


def _elsewhere(slot_id: int, resident_id: int, at: datetime) -> RuleBroken:
    slot = queries.get_slot(slot_id)
    other = next(
        (
            hold
            for hold in queries.holds_of(resident_id, at)
            if hold.starts_at < slot.ends_at and slot.starts_at < hold.ends_at
        ),
        None,
    )
    told = {"when": _when(slot.starts_at), "other": _when(other.starts_at if other else slot.starts_at)}
    return RuleBroken(
        _("这位居民已留着%(other)s的号，和%(when)s是同一时间。") % told,
        next_step=_("请先放弃留着的号，或换一个时间。"),
    )
