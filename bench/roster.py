"""Roster engine: gap to the proven bound and CPU seconds, against a greedy plan and the linear relaxation's bound."""

from __future__ import annotations

import random

from kangqiao.engines.planning import Centre, Demand, Expert, HalfDay, RosterProblem, Wishes

SPECIALTIES = ("internal", "surgery", "paediatrics", "gynaecology", "tcm", "rehabilitation")


def network(*, hospitals: int, centres: int, experts: int, weeks: int, seed: int) -> RosterProblem:
    """An invented network: centres and experts dealt round the hospitals, three half-days a week each, some leave."""
    rng = random.Random(seed)
    half_days = tuple(
        HalfDay(week * 7 + weekday, week, weekday, half)
        for week in range(weeks)
        for weekday in range(5)
        for half in (0, 1)
    )
    centre_list = tuple(
        Centre(f"c{i}", f"h{i % hospitals}", {s: rng.randrange(30, 101, 5) for s in SPECIALTIES})
        for i in range(centres)
    )
    expert_list = tuple(
        Expert(f"e{i}", f"h{i % hospitals}", rng.choice(SPECIALTIES), rng.choice((3, 3, 4)), _absences(rng, weeks))
        for i in range(experts)
    )
    minutes = {(f"h{h}", centre.id): rng.randrange(10, 61) for h in range(hospitals) for centre in centre_list}
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
