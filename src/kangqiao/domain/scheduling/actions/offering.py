"""A place that became free is kept for the next in line, in the transaction that freed it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base import audit
from kangqiao.base.acting import beyond
from kangqiao.base.actor import Actor
from kangqiao.base.prepared import rows_of
from kangqiao.domain.messaging.rules import Visit
from kangqiao.domain.scheduling import queries, rules
from kangqiao.domain.scheduling.actions.parts import _called, _constraint, _when
from kangqiao.domain.scheduling.actions.telling import _tell
from kangqiao.domain.scheduling.models import Hold, Session, Slot, Waiting
from kangqiao.domain.scheduling.parameters import OfferParameters
from kangqiao.domain.scheduling.queries import Standing

LINE = Actor.system("waitlist")
SHARED = """scheduling_session AS MATERIALIZED (
    SELECT session.* FROM scheduling_session session
    WHERE session.id = (SELECT session_id FROM scheduling_slot WHERE id = %(slot)s) AND session.status = 'open'
    FOR SHARE
)"""
# Locked in the order of `booking.TAKE`: session, slot, hold.
HOLD = f"""
WITH {SHARED}, place AS (
    UPDATE scheduling_slot SET held = {queries.HELD.format(own=queries.NOBODY)} || %(until)s::timestamptz
    FROM scheduling_session
    WHERE scheduling_slot.id = %(slot)s AND scheduling_session.id = scheduling_slot.session_id
      AND {queries.FREE.format(own=queries.NOBODY)}
    RETURNING scheduling_slot.id, scheduling_slot.starts_at, scheduling_slot.ends_at
)
INSERT INTO scheduling_hold (slot_id, resident_id, waiting_id, starts_at, ends_at, held_by, since, until)
SELECT id, %(resident)s, %(waiting)s::bigint, starts_at, ends_at, %(name)s, %(at)s, %(until)s FROM place
RETURNING *
"""  # noqa: S608 (constant text)


@beyond("scheduling.offer")
def _offer(slot_id: int, at: datetime, *, not_to: int | None = None) -> Hold | None:
    """A free place is kept for the first in line who may take it; None where nobody waits or there is no time to ask.

    The session is share-locked and the slot locked already. Lines are never waited for: who is being asked about
    another place in this very moment is passed over, and the database refuses a second offer at once.
    """
    slot = queries.get_slot(slot_id)
    code = slot.session.organization.place.code
    terms = OfferParameters.read(policy.at(code, localtime(at).date()))
    until = rules.offer_ends(localtime(at), localtime(slot.starts_at), terms)
    if until is None:
        return None
    is_for_all = slot.release_at is None or slot.release_at <= at
    for waiting in queries.next_in_line(slot, at, not_to=not_to):
        # Who may not book online could not take it; whom their family doctor put in line is answered for there.
        if waiting.centre_id is None and queries.suspension_of(waiting.resident_id, code, at) is not None:
            continue
        standing = queries.ANYBODY if is_for_all else queries.standing_in_line(waiting, slot, at)
        try:
            with transaction.atomic():
                held = _keep(slot, waiting.resident_id, standing, until, terms.ref, LINE, at, waiting_id=waiting.pk)
        except IntegrityError as error:
            if _constraint(error) not in ("hold_one_at_a_time", "hold_one_offer_at_a_time"):
                raise
            continue
        if held is not None:
            _tell_offer(waiting, slot, held, at)
            return held
        if is_for_all:
            return None
    return None


def _tell_offer(waiting: Waiting, slot: Slot, held: Hold, at: datetime) -> None:
    _tell(
        waiting.resident,
        cause=f"offer:{held.pk}",
        kind="place_offered",
        subject=_("%(name)s候补的号来了：%(slot)s") % {"name": waiting.resident.name, "slot": _called(slot)},
        body=_("号留到%(until)s，到时没有回答就问下一位。") % {"until": _when(held.until)},
        address=reverse("slots-waits"), centre_id=waiting.centre_id,
        visit=Visit(slot.starts_at, slot.session.organization_id), by=LINE, at=at,
    )  # fmt: skip


def _keep(
    slot: Slot, resident_id: int, standing: Standing, until: datetime, ref: str, by: Actor, at: datetime,
    *, waiting_id: int | None = None,
) -> Hold | None:  # fmt: skip
    """Runs the one statement and leaves the trace; None when no place is free to this standing."""
    values: dict[str, Any] = {
        "slot": slot.pk, "resident": resident_id, "waiting": waiting_id, "name": by.name, "at": at, "until": until,
        **standing.lists,
    }  # fmt: skip
    rows = rows_of(Hold, HOLD, values)
    if not rows:
        return None
    audit.record(
        "hold_slot" if waiting_id is None else "offer_place", rows[0], by=by, at=at, resident_id=resident_id,
        slot_id=slot.pk, policy_ref=ref,
    )  # fmt: skip
    return rows[0]


def _end(hold: Hold, at: datetime) -> None:
    """The hold is over and its place free; its slot is locked."""
    slot = Slot.objects.get(pk=hold.slot_id)
    if hold.until in slot.held:
        slot.held.remove(hold.until)
        slot.save(update_fields=("held",))
    hold.until = max(at, hold.since)
    hold.save(update_fields=("until",))


def _has_locked(slot: Slot) -> bool:
    """Locks a session and its slot where nobody stands in the way: for whoever has locked another slot before."""
    share = "SELECT * FROM scheduling_session WHERE id = %s FOR SHARE SKIP LOCKED"
    if not list(Session.objects.raw(share, [slot.session_id])):
        return False
    return Slot.objects.select_for_update(skip_locked=True).filter(pk=slot.pk).first() is not None
