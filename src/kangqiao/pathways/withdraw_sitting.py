"""A session called off or taken over by another doctor: for a posted expert the half-day goes the same way.

A half-day that fell out no longer counts for the hospital's duty; one with a substitute does (SZ16-2.1c).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kangqiao.base.actor import Actor
from kangqiao.domain.roster import actions as roster
from kangqiao.domain.roster import queries as half_days
from kangqiao.domain.scheduling import actions as scheduling


@transaction.atomic
def withdraw(*, session_id: int, why: str, reason: str, by: Actor, at: datetime) -> None:
    """Nobody sits: everyone who had a place is told and owed another. Raises what the roster and scheduling refuse."""
    half_day_id = half_days.half_day_of_session(session_id)
    if half_day_id is None:
        scheduling.withdraw_session(session_id=session_id, why=why, reason=reason, by=by, at=at)
    else:
        roster.cancel_half_day(half_day_id=half_day_id, why=why, reason=reason, by=by, at=at)


@transaction.atomic
def undo(*, session_id: int, by: Actor, at: datetime) -> None:
    """It was the wrong one: it goes ahead with everybody in it. Raises what the roster and scheduling refuse."""
    half_day_id = half_days.half_day_of_session(session_id)
    if half_day_id is None:
        scheduling.undo_withdrawal(session_id=session_id, by=by, at=at)
    else:
        roster.undo_cancel(half_day_id=half_day_id, by=by, at=at)


@transaction.atomic
def substitute(*, session_id: int, practitioner_id: int, reason: str, by: Actor, at: datetime) -> None:
    """Another doctor sits, everybody keeps the place. Raises what the roster and scheduling refuse."""
    given = {"practitioner_id": practitioner_id, "reason": reason, "by": by, "at": at}
    half_day_id = half_days.half_day_of_session(session_id)
    if half_day_id is None:
        scheduling.substitute_session(session_id=session_id, **given)  # type: ignore[arg-type]
    else:
        roster.substitute_half_day(half_day_id=half_day_id, **given)  # type: ignore[arg-type]
