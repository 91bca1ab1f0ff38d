"""The exact model of one part of a roster, solved by CP-SAT on one worker so that a seed fixes the plan."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ortools.sat.python import cp_model

from kangqiao.engines.planning.checks import (
    eligible_pairs,
    pattern_of,
    points_of,
    posting_points,
    shortfall_total,
    weeks_of,
    wish_cost,
)
from kangqiao.engines.planning.problem import Cell, Demand, Pattern, RosterProblem, What


@dataclass(frozen=True, slots=True)
class Solved:
    """The plan of one part: postings, wish points and their bound, shortfall points and their bound, effort spent.

    `effort` is CP-SAT's deterministic time, about one unit per CPU second of a free core.
    """

    cells: tuple[Cell, ...]
    objective: int
    bound: int
    shortfall: int
    shortfall_bound: int
    effort: float


class _Model:
    """Variables and rules of one part.

    One Boolean per possible posting; a habit is open when one of its postings is used; a demand has a slack. The
    relaxation is tight: habits are tied to each posting singly, loads are convex steps.
    """

    def __init__(self, problem: RosterProblem) -> None:
        self.problem = problem
        self.cp = cp_model.CpModel()
        self.experts = {expert.id: expert for expert in problem.experts}
        self.centres = {centre.id: centre for centre in problem.centres}
        self.weeks = weeks_of(problem)
        self.at: dict[Cell, cp_model.IntVar] = {}
        self.slack: list[tuple[int, cp_model.IntVar]] = []
        self._postings()
        self._hard_rules()
        for demand in problem.demands:
            self._demand(demand)
        self.cost: list[cp_model.LinearExprT] = []
        self._wishes()
        self.shortfall = cp_model.LinearExpr.sum([points * slack for points, slack in self.slack])
        self.cp.minimize(cp_model.LinearExpr.sum(self.cost))

    def _postings(self) -> None:
        for expert_id, centre_id in eligible_pairs(self.problem):
            unavailable = self.experts[expert_id].unavailable
            for slot, half_day in enumerate(self.problem.half_days):
                if (half_day.day, half_day.half) not in unavailable:
                    cell = Cell(slot, centre_id, expert_id)
                    self.at[cell] = self.cp.new_bool_var(f"at {expert_id} {centre_id} {slot}")
        for cell in sorted(self.problem.kept):
            self.cp.add(self.at[cell] == 1)

    def _hard_rules(self) -> None:
        by_expert_slot: dict[tuple[str, int], list[cp_model.IntVar]] = defaultdict(list)
        by_expert_week: dict[tuple[str, int], list[cp_model.IntVar]] = defaultdict(list)
        by_centre_slot: dict[tuple[str, int], list[cp_model.IntVar]] = defaultdict(list)
        for cell, variable in self.at.items():
            by_expert_slot[cell.expert_id, cell.slot].append(variable)
            by_expert_week[cell.expert_id, self.problem.half_days[cell.slot].week].append(variable)
            by_centre_slot[cell.centre_id, cell.slot].append(variable)
        for group in by_expert_slot.values():
            self.cp.add_at_most_one(group)
        for (expert_id, _week), group in by_expert_week.items():
            self.cp.add(sum(group) <= self.experts[expert_id].max_half_days_per_week)
        for group in by_centre_slot.values():
            self.cp.add(sum(group) <= self.problem.experts_per_half_day_max)

    def _demand(self, demand: Demand) -> None:
        here = {cell: variable for cell, variable in self.at.items() if cell.centre_id == demand.centre_id}
        for week in self.weeks:
            this_week = {
                cell: variable for cell, variable in here.items() if self.problem.half_days[cell.slot].week == week
            }
            self._owed(What.HALF_DAY, demand.half_days_per_week, list(this_week.values()))
            self._owed(What.EXPERT_PER_WEEK, demand.experts_per_week, self._distinct(this_week))
            for specialty, needed in sorted(demand.specialty_half_days_per_week.items()):
                fitting = [v for cell, v in this_week.items() if self.experts[cell.expert_id].specialty == specialty]
                self._owed(What.SPECIALTY_HALF_DAY, needed, fitting)
        if demand.experts_over_horizon:
            self._owed(What.EXPERT_OVER_HORIZON, demand.experts_over_horizon, self._distinct(here))

    def _owed(self, what: What, needed: int, given: list[cp_model.IntVar]) -> None:
        if needed:
            slack = self.cp.new_int_var(0, needed, what)
            self.cp.add(sum(given) + slack >= needed)
            self.slack.append((points_of(self.problem.shortfall_points, what), slack))

    def _distinct(self, cells: dict[Cell, cp_model.IntVar]) -> list[cp_model.IntVar]:
        by_expert: dict[str, list[cp_model.IntVar]] = defaultdict(list)
        for cell, variable in cells.items():
            if self.experts[cell.expert_id].counts_as_expert:
                by_expert[cell.expert_id].append(variable)
        present = []
        for expert_id, group in by_expert.items():
            used = self.cp.new_bool_var(f"present {expert_id}")
            self.cp.add(sum(group) >= used)
            present.append(used)
        return present

    def _wishes(self) -> None:
        wishes = self.problem.wishes
        habits: dict[Pattern, list[cp_model.IntVar]] = defaultdict(list)
        loads: dict[str, list[cp_model.IntVar]] = defaultdict(list)
        days: dict[tuple[str, int], list[cp_model.IntVar]] = defaultdict(list)
        for cell, variable in self.at.items():
            self.cost.append(
                sum(posting_points(wishes, self.experts[cell.expert_id], self.centres[cell.centre_id])) * variable
            )
            habits[pattern_of(self.problem, cell)].append(variable)
            loads[cell.expert_id].append(variable)
            days[cell.centre_id, self.problem.half_days[cell.slot].day].append(variable)
        for habit, group in habits.items():
            if habit not in wishes.usual and wishes.pattern_points:
                opened = self.cp.new_bool_var("habit")
                for variable in group:
                    self.cp.add_implication(variable, opened)
                self.cost.append(wishes.pattern_points * opened)
        if wishes.fairness_points:
            for expert_id, group in loads.items():
                self._fair(expert_id, group)
        if wishes.same_day_points:
            for group in days.values():
                again = self.cp.new_int_var(0, len(group), "same day")
                self.cp.add(again >= sum(group) - 1)
                self.cost.append(wishes.same_day_points * again)

    def _fair(self, expert_id: str, group: list[cp_model.IntVar]) -> None:
        steps = []
        for step in range(self.experts[expert_id].max_half_days_per_week):
            part = self.cp.new_int_var(0, len(self.weeks), "load step")
            steps.append(part)
            self.cost.append(self.problem.wishes.fairness_points * step * part)
        self.cp.add(sum(steps) == sum(group))

    def hint(self, cells: Iterable[Cell]) -> None:
        """Start the search from a lawful plan."""
        wanted = set(cells)
        self.cp.clear_hints()  # type: ignore[no-untyped-call]
        for cell, variable in self.at.items():
            self.cp.add_hint(variable, cell in wanted)


def solve(problem: RosterProblem, *, seed: int, effort_limit: float, start: list[Cell]) -> Solved:
    """The best plan of a part within `effort_limit` (deterministic time): demands first, then wishes.

    `start` is a lawful plan; the answer is never worse. The bound on wishes holds for every plan whose shortfall is at
    most the one reported.
    """
    model = _Model(problem)
    shortfall_bound, best, spent = 0, start, 0.0
    if shortfall_total(problem, start):
        model.cp.minimize(model.shortfall)
        found = _search(model, start, seed, effort_limit / 2)
        spent, shortfall_bound = found.effort, found.bound
        best = _better(problem, best, found.cells)
        model.cp.minimize(cp_model.LinearExpr.sum(model.cost))
    model.cp.add(model.shortfall <= shortfall_total(problem, best))
    found = _search(model, best, seed, max(effort_limit - spent, effort_limit / 4))
    best = _better(problem, best, found.cells)
    objective, shortfall = wish_cost(problem, best).total, shortfall_total(problem, best)
    return Solved(
        tuple(sorted(best)), objective, min(objective, found.bound), shortfall, shortfall_bound, spent + found.effort
    )


@dataclass(frozen=True, slots=True)
class _Found:
    cells: list[Cell] | None
    bound: int
    effort: float


def _search(model: _Model, start: list[Cell], seed: int, effort_limit: float) -> _Found:
    """One run of the solver from a lawful plan; no cells when it found none in time."""
    model.hint(start)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.max_deterministic_time = effort_limit
    solver.parameters.linearization_level = 2
    status = solver.solve(model.cp)
    if status in (cp_model.INFEASIBLE, cp_model.MODEL_INVALID):
        raise AssertionError(f"a roster model with slack always has a plan, the solver says {status}")
    cells = None
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        cells = [cell for cell, variable in model.at.items() if solver.boolean_value(variable)]
    # Rounding up is right because points are integers; the allowance keeps floating noise from overstating the bound.
    bound = solver.best_objective_bound
    proven = max(0, math.ceil(bound - 1e-6)) if math.isfinite(bound) else 0
    return _Found(cells, proven, solver.response_proto.deterministic_time)


def _better(problem: RosterProblem, old: list[Cell], new: list[Cell] | None) -> list[Cell]:
    if new is None:
        return old
    return min(old, new, key=lambda cells: (shortfall_total(problem, cells), wish_cost(problem, cells).total))
