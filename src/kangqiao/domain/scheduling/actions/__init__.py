"""Every write of scheduling: opening and withdrawing sessions, taking and giving back places."""

from kangqiao.domain.scheduling.actions.steps import (
    TAKE,
    Opening,
    book,
    cancel_booking,
    check_in,
    fulfil_booking,
    miss_booking,
    open_session,
    open_sessions,
    withdraw_session,
)
from kangqiao.domain.scheduling.actions.undoing import undo_arrival

__all__ = [
    "TAKE",
    "Opening",
    "book",
    "cancel_booking",
    "check_in",
    "fulfil_booking",
    "miss_booking",
    "open_session",
    "open_sessions",
    "undo_arrival",
    "withdraw_session",
]
