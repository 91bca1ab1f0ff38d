"""Planning: which expert sits at which centre on which half-day.

Demands, supply and wishes go in (`RosterProblem`); a plan, a proven bound and the unmet demands with computed reasons
come out (`RosterPlan`). `check_plan` knows the hard rules without any solver, so that a person's moves on the board and
the machine's plan are judged by the same code.

Importing this package does not load the solver; `plan_roster` does when it is called.
"""

from kangqiao.engines.planning.checks import check_plan, explain_move, moved, shortfalls, validated, wish_cost
from kangqiao.engines.planning.greedy import greedy_roster
from kangqiao.engines.planning.problem import (
    AFTERNOON,
    MORNING,
    Cell,
    Centre,
    Demand,
    Expert,
    HalfDay,
    KeptPostingsBreakRules,
    Move,
    Pattern,
    Progress,
    Reason,
    Remedy,
    RemedyKind,
    RosterPlan,
    RosterProblem,
    Rule,
    Shortfall,
    ShortfallPoints,
    Unmet,
    Violation,
    What,
    WishCost,
    Wishes,
)
from kangqiao.engines.planning.roster import plan_roster

__all__ = [
    "AFTERNOON",
    "MORNING",
    "Cell",
    "Centre",
    "Demand",
    "Expert",
    "HalfDay",
    "KeptPostingsBreakRules",
    "Move",
    "Pattern",
    "Progress",
    "Reason",
    "Remedy",
    "RemedyKind",
    "RosterPlan",
    "RosterProblem",
    "Rule",
    "Shortfall",
    "ShortfallPoints",
    "Unmet",
    "Violation",
    "What",
    "WishCost",
    "Wishes",
    "check_plan",
    "explain_move",
    "greedy_roster",
    "moved",
    "plan_roster",
    "shortfalls",
    "validated",
    "wish_cost",
]
