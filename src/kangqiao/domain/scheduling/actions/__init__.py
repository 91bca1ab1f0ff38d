"""Every write of scheduling: opening and withdrawing sessions, taking and giving back places."""

from kangqiao.domain.scheduling.actions.absences import (
    appeal_absence,
    decide_appeal,
)
from kangqiao.domain.scheduling.actions.booking import TAKE, book
from kangqiao.domain.scheduling.actions.calendar import (
    call_off_empty,
    clear_day,
    name_days,
)
from kangqiao.domain.scheduling.actions.holding import hold_slot, release_slot, sweep_holds
from kangqiao.domain.scheduling.actions.moving import move_booking
from kangqiao.domain.scheduling.actions.nights import keep_weeks_open
from kangqiao.domain.scheduling.actions.opening import Opening, open_session, open_sessions
from kangqiao.domain.scheduling.actions.overbooking import (
    end_right,
    name_right,
    overbook,
)
from kangqiao.domain.scheduling.actions.partners import (
    set_partner_rule,
)
from kangqiao.domain.scheduling.actions.replacing import let_go, place_again, substitute_session
from kangqiao.domain.scheduling.actions.scanning import check_in_scanned
from kangqiao.domain.scheduling.actions.sharing import set_pool_rule
from kangqiao.domain.scheduling.actions.steps import (
    cancel_booking,
    check_in,
    fulfil_booking,
    miss_booking,
)
from kangqiao.domain.scheduling.actions.undoing import undo_arrival
from kangqiao.domain.scheduling.actions.waiting import (
    accept_offer,
    join_line,
    leave_line,
    offer_free_places,
    pass_offer,
)
from kangqiao.domain.scheduling.actions.weekly import (
    Entered,
    Mended,
    add_template,
    end_template,
    enter_template,
    except_day,
    mend_template,
    open_weeks,
    restore_day,
    take_back_templates,
)
from kangqiao.domain.scheduling.actions.withdrawing import undo_withdrawal, withdraw_session

__all__ = [
    "TAKE",
    "Entered",
    "Mended",
    "Opening",
    "accept_offer",
    "add_template",
    "appeal_absence",
    "book",
    "call_off_empty",
    "cancel_booking",
    "check_in",
    "check_in_scanned",
    "clear_day",
    "decide_appeal",
    "end_right",
    "end_template",
    "enter_template",
    "except_day",
    "fulfil_booking",
    "hold_slot",
    "join_line",
    "keep_weeks_open",
    "leave_line",
    "let_go",
    "mend_template",
    "miss_booking",
    "move_booking",
    "name_days",
    "name_right",
    "offer_free_places",
    "open_session",
    "open_sessions",
    "open_weeks",
    "overbook",
    "pass_offer",
    "place_again",
    "release_slot",
    "restore_day",
    "set_partner_rule",
    "set_pool_rule",
    "substitute_session",
    "sweep_holds",
    "take_back_templates",
    "undo_arrival",
    "undo_withdrawal",
    "withdraw_session",
]
