"""Every write of scheduling: opening and withdrawing sessions, taking and giving back places."""

from kangqiao.domain.scheduling.actions.absences import (
    appeal_absence,
    decide_appeal,
)
from kangqiao.domain.scheduling.actions.booking import TAKE, book
from kangqiao.domain.scheduling.actions.holding import hold_slot, release_slot, sweep_holds
from kangqiao.domain.scheduling.actions.moving import move_booking
from kangqiao.domain.scheduling.actions.opening import Opening, open_session, open_sessions
from kangqiao.domain.scheduling.actions.sharing import set_pool_rule
from kangqiao.domain.scheduling.actions.steps import (
    cancel_booking,
    check_in,
    fulfil_booking,
    miss_booking,
    withdraw_session,
)
from kangqiao.domain.scheduling.actions.undoing import undo_arrival
from kangqiao.domain.scheduling.actions.waiting import (
    accept_offer,
    join_line,
    leave_line,
    offer_free_places,
    pass_offer,
)

__all__ = [
    "TAKE",
    "Opening",
    "accept_offer",
    "appeal_absence",
    "book",
    "cancel_booking",
    "check_in",
    "decide_appeal",
    "fulfil_booking",
    "hold_slot",
    "join_line",
    "leave_line",
    "miss_booking",
    "move_booking",
    "offer_free_places",
    "open_session",
    "open_sessions",
    "pass_offer",
    "release_slot",
    "set_pool_rule",
    "sweep_holds",
    "undo_arrival",
    "withdraw_session",
]
