"""The policy papers as data: `policy.at(place, date)` answers how many and until when, and names the clause.

Nouns: pack (one paper), topic, value (dated, cited or marked as a setting), clause (one row of the catalogue),
policy (what holds in one place on one day), reference (`zhuhai-lianjian@1.0.0#2026-01-01`, kept with decisions).
A value that is not there raises `NoPolicyInForce`; there is no default. Stands on the kernel and YAML alone.
"""

from kangqiao.kernel.errors import NoPolicyInForce, PolicyError
from kangqiao.policy.figures import Figure, Finding, distinctive_figures, find_policy_numbers
from kangqiao.policy.nodes import Problem
from kangqiao.policy.packs import Difference, PackSet, Policy, at, check, default, default_path, diff, load
from kangqiao.policy.values import Clause, Pack, Place, PolicyRef, Value, covers

__all__ = [
    "Clause",
    "Difference",
    "Figure",
    "Finding",
    "NoPolicyInForce",
    "Pack",
    "PackSet",
    "Place",
    "Policy",
    "PolicyError",
    "PolicyRef",
    "Problem",
    "Value",
    "at",
    "check",
    "covers",
    "default",
    "default_path",
    "diff",
    "distinctive_figures",
    "find_policy_numbers",
    "load",
]
