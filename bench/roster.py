"""Roster engine: gap to the proven bound and CPU seconds, against a greedy plan and the linear relaxation's bound."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import partial
from typing import Any

from ortools.linear_solver import pywraplp

from bench.table import Row, cpu, row
from kangqiao.engines.planning import (
    Centre,
    Demand,
    Expert,
    HalfDay,
    RosterProblem,
    Wishes,
    check_plan,
    greedy_roster,
    plan_roster,
    wish_cost,
)
from kangqiao.engines.planning.checks import shortfall_total

ZHUHAI = (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6)
"""The hospital of each of Zhuhai's sixteen centres, as the paper pairs them."""
FORTY = tuple(i % 14 for i in range(40))
SIZES = (
    ("Zhuhai, 24 experts", ZHUHAI, 24),
    ("Zhuhai, 40 experts", ZHUHAI, 40),
    ("40 centres, 100 experts", FORTY, 100),
)
TIME_LIMIT_SECONDS = 5
SPECIALTIES = ("internal", "surgery", "paediatrics", "gynaecology", "tcm", "rehabilitation")


def network(hospital_of_centre: tuple[int, ...], experts: int, *, weeks: int, seed: int) -> RosterProblem:
    """An invented network: experts dealt round the centres' hospitals, three half-days a week each, some leave."""
    rng = random.Random(seed)
    half_days = tuple(
        HalfDay(week * 7 + weekday, week, weekday, half)
        for week in range(weeks)
        for weekday in range(5)
        for half in (0, 1)
    )
    centre_list = tuple(
        Centre(f"c{i}", f"h{hospital}", {s: rng.randrange(30, 101, 5) for s in SPECIALTIES})
        for i, hospital in enumerate(hospital_of_centre)
    )
    expert_list = tuple(
        Expert(
            f"e{i}",
            f"h{hospital_of_centre[i % len(hospital_of_centre)]}",
            rng.choice(SPECIALTIES),
            rng.choice((3, 4, 5)),
            _absences(rng, weeks),
        )
        for i in range(experts)
    )
    minutes = {
        (f"h{h}", centre.id): rng.randrange(10, 61) for h in sorted(set(hospital_of_centre)) for centre in centre_list
    }
    demands = tuple(Demand(centre.id, 3, experts_per_week=2, experts_over_horizon=2) for centre in centre_list)
    return RosterProblem(half_days, centre_list, expert_list, demands, Wishes(travel_minutes=minutes))


def _absences(rng: random.Random, weeks: int) -> frozenset[tuple[int, int]]:
    """Clinic duty on two fixed half-days a week, and sometimes a week of leave."""
    duty = rng.sample([(weekday, half) for weekday in range(5) for half in (0, 1)], 2)
    away = {(week * 7 + weekday, half) for week in range(weeks) for weekday, half in duty}
    if rng.random() < 0.3:
        week = rng.randrange(weeks)
        away |= {(week * 7 + weekday, half) for weekday in range(5) for half in (0, 1)}
    return frozenset(away)


def run() -> list[Row]:
    """Gap and CPU of a four-week roster; its cost against the greedy floor's and against the linear relaxation."""
    cpu(lambda: plan_roster(network((0,), 3, weeks=1, seed=1), seed=1, time_limit_seconds=1))
    rows = []
    for name, hospital_of_centre, experts in SIZES:
        problem = network(hospital_of_centre, experts, weeks=4, seed=1)
        plan, seconds = cpu(partial(plan_roster, problem, seed=1, time_limit_seconds=TIME_LIMIT_SECONDS))
        greedy, greedy_seconds = cpu(partial(greedy_roster, problem))
        relaxed, relaxed_seconds = cpu(partial(relaxed_cost, problem))
        if check_plan(problem, plan.cells) or check_plan(problem, greedy):
            raise RuntimeError("a plan breaks a hard rule")
        left_open = (plan.shortfall, shortfall_total(problem, greedy))
        same = "every demand met by both" if left_open == (0, 0) else f"shortfall {left_open[0]} against {left_open[1]}"
        rows += [
            Row(f"roster gap, {name}", 100 * plan.gap, None, None, "%", f"proven bound {plan.bound:,}"),
            row(f"roster cost, {name}", plan.objective, wish_cost(problem, greedy).total, "points", f"greedy; {same}"),
            row(f"roster cost, {name}", plan.objective, relaxed, "points", "linear relaxation, solved apart"),
            row(f"roster CPU, {name}", seconds, greedy_seconds, "CPU s", "greedy"),
            row(f"roster CPU, {name}", seconds, relaxed_seconds, "CPU s", "linear relaxation alone"),
        ]
    return rows


def relaxed_cost(problem: RosterProblem) -> float:
    """The linear relaxation's cost by GLOP, written down apart from the engine's model: no full plan can cost less.

    Leaves out the rule on distinct experts, and demands what it demands in full.
    """
    return _Relaxation(problem).cost()


class _Relaxation:
    """The roster with fractions of postings allowed."""

    def __init__(self, problem: RosterProblem) -> None:
        self.problem = problem
        self.lp = pywraplp.Solver.CreateSolver("GLOP")
        self.points: list[Any] = []
        self.by: dict[str, dict[tuple[str, int], list[Any]]] = defaultdict(lambda: defaultdict(list))
        for expert in problem.experts:
            for centre in problem.centres:
                if centre.hospital_id == expert.hospital_id:
                    self._postings(expert, centre)

    def _postings(self, expert: Expert, centre: Centre) -> None:
        wishes = self.problem.wishes
        misfit = (100 - centre.specialty_fit.get(expert.specialty, 0)) * wishes.misfit_points_per_percent
        minutes = wishes.travel_minutes[expert.hospital_id, centre.id]
        habits: dict[tuple[int, int], Any] = {}
        for slot, half_day in enumerate(self.problem.half_days):
            if (half_day.day, half_day.half) in expert.unavailable:
                continue
            habit = habits.setdefault((half_day.weekday, half_day.half), self.lp.NumVar(0, 1, ""))
            at = self.lp.NumVar(0, 1, "")
            self.lp.Add(at <= habit)
            self.points.append((minutes * wishes.travel_points_per_minute + misfit) * at)
            self.by["expert"][expert.id, slot].append(at)
            self.by["week"][expert.id, half_day.week].append(at)
            self.by["load"][expert.id, 0].append(at)
            self.by["seat"][centre.id, slot].append(at)
            self.by["given"][centre.id, half_day.week].append(at)
            self.by["day"][centre.id, half_day.day].append(at)
        self.points += [wishes.pattern_points * habit for habit in habits.values()]

    def cost(self) -> float:
        problem, lp = self.problem, self.lp
        weeks = len({half_day.week for half_day in problem.half_days})
        limits = {expert.id: expert.max_half_days_per_week for expert in problem.experts}
        owed = {demand.centre_id: demand.half_days_per_week for demand in problem.demands}
        for group in (*self.by["expert"].values(), *self.by["seat"].values()):
            lp.Add(sum(group) <= 1)
        for (expert_id, _), group in self.by["week"].items():
            lp.Add(sum(group) <= limits[expert_id])
        for (centre_id, _), group in self.by["given"].items():
            lp.Add(sum(group) >= owed[centre_id])
        for group in self.by["day"].values():
            again = lp.NumVar(0, lp.infinity(), "")
            lp.Add(again >= sum(group) - 1)
            self.points.append(problem.wishes.same_day_points * again)
        for (expert_id, _), group in self.by["load"].items():
            steps = [lp.NumVar(0, weeks, "") for _ in range(limits[expert_id])]
            lp.Add(sum(steps) == sum(group))
            self.points += [problem.wishes.fairness_points * step * part for step, part in enumerate(steps)]
        lp.Minimize(sum(self.points))
        if lp.Solve() != pywraplp.Solver.OPTIMAL:
            raise RuntimeError("the linear relaxation was not solved")
        return float(lp.Objective().Value())
