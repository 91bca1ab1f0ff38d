"""A place is kept for a resident for some minutes, given back early, or left to end by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.scheduling import queries
from kangqiao.domain.scheduling.actions.booking import SHARED, _allowed_resident, _as_contracted, _refusal_of
from kangqiao.domain.scheduling.actions.parts import _constraint, _when
from kangqiao.domain.scheduling.models import Hold, Session, Slot
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.kernel.errors import RuleBroken

# Locked in the order of `booking.TAKE`: session, slot, hold.
HOLD = f"""
WITH {SHARED}, place AS (
    UPDATE scheduling_slot SET held = {queries.HELD.format(own=queries.NOBODY)} || %(until)s::timestamptz
    FROM scheduling_session
    WHERE scheduling_slot.id = %(slot)s AND scheduling_session.id = scheduling_slot.session_id
      AND {queries.FREE.format(own=queries.NOBODY)}
    RETURNING scheduling_slot.id, scheduling_slot.starts_at, scheduling_slot.ends_at
)
INSERT INTO scheduling_hold (slot_id, resident_id, starts_at, ends_at, held_by, since, until)
SELECT id, %(resident)s, starts_at, ends_at, %(name)s, %(at)s, %(until)s FROM place
RETURNING *
"""  # noqa: S608 (constant text)
# Nobody asks what was held the week before last; who held what stays in the audit.
KEPT_FOR = timedelta(days=14)


def hold_slot(
    *, slot_id: int, resident_id: int, channel: str, as_partner_centre_id: int | None = None, by: Actor, at: datetime
) -> Hold:
    """A place is kept for a resident while they look once more; to everybody else it counts as taken.

    Held already, it stays as it is: a second look buys no more time. Another time of the same session moves the hold.
    Raises as `book` does; RuleBroken when a place at the same hour is held for the resident elsewhere.
    """
    standing = queries.ANYBODY
    try:
        with transaction.atomic():
            _resident, standing = _allowed_resident(slot_id, resident_id, channel, as_partner_centre_id, by, at)
            slot, before = _locked(slot_id, resident_id, at)
            own = next((hold for hold in before if hold.slot_id == slot_id), None)
            if own is not None:
                return own
            if queries.place_in_session(slot.session_id, resident_id) is None:
                for hold in before:
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
    """Somebody went back: the place is free again in the same moment. Nothing to release is no error. Raises Denied."""
    _allowed_resident(slot_id, resident_id, channel, None, by, at)
    _slot, before = _locked(slot_id, resident_id, at)
    for hold in before:
        if hold.slot_id == slot_id:
            _end(hold, at)
            audit.record("release_slot", hold, by=by, at=at, resident_id=resident_id, slot_id=slot_id)


@transaction.atomic
def sweep_holds(*, by: Actor, at: datetime) -> int:
    """Holds that ended long ago are forgotten. Their places have been free since they ended. Returns how many."""
    count, _by_model = Hold.objects.filter(until__lt=at - KEPT_FOR).delete()
    return count


def _locked(slot_id: int, resident_id: int, at: datetime) -> tuple[Slot, list[Hold]]:
    """A slot with its session, and the holds a resident has in that session: locked in one order, the resident first.

    The resident is locked against a second hold at once, the session against its withdrawal. Raises NotVisible.
    """
    slot = queries.get_slot(slot_id)
    _lock_resident(resident_id)
    _lock_sessions({slot.session_id})
    own = Hold.objects.filter(resident_id=resident_id, until__gt=at, slot__session_id=slot.session_id)
    wanted = {slot_id, *own.values_list("slot_id", flat=True)}
    list(Slot.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
    return slot, list(own.select_for_update(of=("self",)).order_by("pk"))


def _lock_resident(resident_id: int) -> None:
    list(Resident.objects.select_for_update(no_key=True).filter(pk=resident_id).values_list("pk"))


def _lock_sessions(session_ids: set[int]) -> None:
    share = "SELECT * FROM scheduling_session WHERE id = ANY(%s) ORDER BY id FOR SHARE"
    list(Session.objects.raw(share, [list(session_ids)]))


def _hold(slot: Slot, resident_id: int, standing: Standing, by: Actor, at: datetime) -> Hold | None:
    session = slot.session
    day = localtime(slot.starts_at).date()
    parameters = SlotParameters.read(policy.at(place=session.organization.place.code, date=day))
    values: dict[str, Any] = {
        "slot": slot.pk,
        "resident": resident_id,
        "name": by.name,
        "at": at,
        "until": min(at + timedelta(minutes=parameters.hold_minutes), slot.starts_at),
        **standing.lists,
    }
    rows = list(Hold.objects.raw(HOLD, values))
    if not rows:
        return None
    audit.record(
        "hold_slot", rows[0], by=by, at=at, resident_id=resident_id, slot_id=slot.pk,
        policy_ref=str(parameters.values["hold_minutes"].ref),
    )  # fmt: skip
    return rows[0]


def _end(hold: Hold, at: datetime) -> None:
    """The hold is over and its place free; its slot is locked."""
    slot = Slot.objects.get(pk=hold.slot_id)
    if hold.until in slot.held:
        slot.held.remove(hold.until)
        slot.save(update_fields=("held",))
    hold.until = at
    hold.save(update_fields=("until",))


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
