"""Every write of the roster: postings, planning, changes by hand, confirmations, publishing, and what was done."""

from kangqiao.domain.roster.actions.changes import (
    add_half_day,
    cancel_half_day,
    move_half_day,
    substitute_half_day,
    undo_cancel,
)
from kangqiao.domain.roster.actions.holding import (
    complete_half_day,
    confirm_half_day,
    miss_half_day,
    notify_shortfalls,
    publish_roster,
    record_activity,
    undo_attendance,
)
from kangqiao.domain.roster.actions.paper import import_past, import_posted
from kangqiao.domain.roster.actions.planning import SOLVE_SECONDS, check_run, plan_roster
from kangqiao.domain.roster.actions.postings import (
    approve_posting,
    end_due_postings,
    end_posting,
    nominate_expert,
    post_expert,
    refuse_posting,
    undo_approval,
)

__all__ = [
    "SOLVE_SECONDS",
    "add_half_day",
    "approve_posting",
    "cancel_half_day",
    "check_run",
    "complete_half_day",
    "confirm_half_day",
    "end_due_postings",
    "end_posting",
    "import_past",
    "import_posted",
    "miss_half_day",
    "move_half_day",
    "nominate_expert",
    "notify_shortfalls",
    "plan_roster",
    "post_expert",
    "publish_roster",
    "record_activity",
    "refuse_posting",
    "substitute_half_day",
    "undo_approval",
    "undo_attendance",
    "undo_cancel",
]
