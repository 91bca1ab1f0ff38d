"""Plan a roster: split it into parts that share nobody, solve each, add the proofs, explain what stays unmet."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

from kangqiao.engines.planning.checks import check_plan, eligible_pairs, validated, wish_cost
from kangqiao.engines.planning.greedy import greedy_roster
from kangqiao.engines.planning.problem import (
    KeptPostingsBreakRules,
    Progress,
    RosterPlan,
    RosterProblem,
    Rule,
)


def plan_roster(
    problem: RosterProblem, *, seed: int, time_limit_seconds: float, progress: Progress | None = None
) -> RosterPlan:
    """Plan who sits where on which half-day, with a proven bound and reasons for what cannot be met.

    Parts of the network that share no expert are planned one by one; their bounds add up. `time_limit_seconds` is
    counted in the solver's deterministic time, about CPU seconds of a free core, so that the same problem and seed give
    the same plan on a slow machine. Raises ValueError for a problem that does not hang together and
    `KeptPostingsBreakRules` when a published posting breaks a hard rule.
    """
    # The solver takes half a second to import; pages that only check a move never need it.
    from kangqiao.engines.planning import model, reasons

    began = time.process_time()
    _refuse_broken_kept(validated(problem))
    parts = split(problem)
    sizes = [len(part.half_days) * sum(1 for _ in eligible_pairs(part)) for part in parts]
    left, solved = time_limit_seconds, list[model.Solved]()
    for number, part in enumerate(parts):
        share = left * sizes[number] / max(1, sum(sizes[number:]))
        answer = model.solve(part, seed=seed, effort_limit=max(share, 0.01), start=greedy_roster(part))
        left = max(0.0, left - answer.effort)
        solved.append(answer)
        if progress is not None:
            progress((number + 1) / len(parts), "half_days")
    cells = tuple(sorted(cell for answer in solved for cell in answer.cells))
    unmet = [
        unmet
        for part, answer in zip(parts, solved, strict=True)
        if answer.shortfall
        for unmet in reasons.Explainer(part, problem, cells, answer.shortfall == answer.shortfall_bound).explain()
    ]
    return RosterPlan(
        cells=cells,
        objective=sum(answer.objective for answer in solved),
        bound=sum(answer.bound for answer in solved),
        shortfall=sum(answer.shortfall for answer in solved),
        shortfall_bound=sum(answer.shortfall_bound for answer in solved),
        unmet=tuple(unmet),
        cost=wish_cost(problem, cells),
        cpu_seconds=time.process_time() - began,
        method=f"cp-sat, {len(parts)} parts",
    )


def _refuse_broken_kept(problem: RosterProblem) -> None:
    broken = [violation for violation in check_plan(problem, sorted(problem.kept)) if violation.rule != Rule.KEPT_MOVED]
    if broken:
        raise KeptPostingsBreakRules(tuple(broken))


def split(problem: RosterProblem) -> list[RosterProblem]:
    """The parts of a problem that share neither expert nor centre, in the order of the centres.

    Experts who may serve no centre belong to no part; a centre that nobody may serve is a part of its own.
    """
    group = {centre.id: centre.id for centre in problem.centres}

    def root(centre_id: str) -> str:
        while group[centre_id] != centre_id:
            group[centre_id] = group[group[centre_id]]
            centre_id = group[centre_id]
        return centre_id

    first_centre: dict[str, str] = {}
    for expert_id, centre_id in eligible_pairs(problem):
        group[root(centre_id)] = root(first_centre.setdefault(expert_id, centre_id))
    members: dict[str, set[str]] = defaultdict(set)
    for centre in problem.centres:
        members[root(centre.id)].add(centre.id)
    people: dict[str, set[str]] = defaultdict(set)
    for expert_id, centre_id in first_centre.items():
        people[root(centre_id)].add(expert_id)
    return [_part(problem, centre_ids, people[key]) for key, centre_ids in members.items()]


def _part(problem: RosterProblem, centre_ids: set[str], expert_ids: set[str]) -> RosterProblem:
    return replace(
        problem,
        centres=tuple(centre for centre in problem.centres if centre.id in centre_ids),
        experts=tuple(expert for expert in problem.experts if expert.id in expert_ids),
        demands=tuple(demand for demand in problem.demands if demand.centre_id in centre_ids),
        kept=frozenset(cell for cell in problem.kept if cell.centre_id in centre_ids),
        lent=frozenset(pair for pair in problem.lent if pair[1] in centre_ids),
    )
