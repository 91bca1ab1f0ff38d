"""The hard rules, the demands and the cost of a plan, computed from the postings alone, without any solver."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kangqiao.engines.planning.problem import (
    Cell,
    Centre,
    Demand,
    Expert,
    Move,
    Pattern,
    RosterProblem,
    Rule,
    Shortfall,
    ShortfallPoints,
    Violation,
    What,
    WishCost,
    Wishes,
)


def validated(problem: RosterProblem) -> RosterProblem:
    """The same problem once it is known to hang together.

    Raises ValueError when ids or half-days repeat, a demand or a lent pair points nowhere, a figure is negative, or
    travel is weighed but a pair that may be used has no minutes.
    """
    _unique("half-days", problem.half_days)
    _unique("centres", [centre.id for centre in problem.centres])
    _unique("experts", [expert.id for expert in problem.experts])
    _unique("demands", [demand.centre_id for demand in problem.demands])
    centres = {centre.id for centre in problem.centres}
    experts = {expert.id: expert for expert in problem.experts}
    for demand in problem.demands:
        _require(demand.centre_id in centres, f"demand of an unknown centre {demand.centre_id}")
        figures = (demand.half_days_per_week, demand.experts_per_week, demand.experts_over_horizon)
        _require(min(*figures, *demand.specialty_half_days_per_week.values(), 0) >= 0, "a demand is negative")
    for expert_id, centre_id in problem.lent:
        _require(expert_id in experts and centre_id in centres, f"lent pair {expert_id}, {centre_id} points nowhere")
    _require(all(expert.max_half_days_per_week >= 0 for expert in problem.experts), "a weekly limit is negative")
    _require(problem.experts_per_half_day_max >= 1, "a centre seats at least one expert")
    wishes = problem.wishes
    weights = (wishes.travel_points_per_minute, wishes.misfit_points_per_percent, wishes.pattern_points)
    _require(min(*weights, wishes.fairness_points, wishes.same_day_points) >= 0, "points are never negative")
    if wishes.travel_minutes:
        for expert_id, centre_id in eligible_pairs(problem):
            pair = (experts[expert_id].hospital_id, centre_id)
            _require(pair in wishes.travel_minutes, f"no travel minutes from {pair[0]} to {pair[1]}")
    return problem


def _unique(what: str, values: Sequence[object]) -> None:
    _require(len(set(values)) == len(values), f"{what} repeat")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def eligible_pairs(problem: RosterProblem) -> Iterator[tuple[str, str]]:
    """Every (expert id, centre id) that the rules allow: own hospital first, then the lent pairs."""
    by_hospital: dict[str, list[str]] = defaultdict(list)
    for centre in problem.centres:
        by_hospital[centre.hospital_id].append(centre.id)
    own = [(expert.id, centre_id) for expert in problem.experts for centre_id in by_hospital[expert.hospital_id]]
    yield from own
    yield from sorted(problem.lent - set(own))


def check_plan(problem: RosterProblem, cells: Iterable[Cell]) -> list[Violation]:
    """Every broken hard rule of a plan; an empty list means the plan is lawful.

    Says nothing about demands (see `shortfalls`): a thin plan is lawful, an expert in two places is not.
    """
    postings = list(cells)
    experts = {expert.id: expert for expert in problem.experts}
    centres = {centre.id: centre for centre in problem.centres}
    found: list[Violation] = []
    known: list[Cell] = []
    for cell in postings:
        rule = _broken_alone(problem, cell, experts, centres)
        if rule is not None:
            found.append(Violation(rule, (cell,)))
        if rule not in (Rule.UNKNOWN_EXPERT, Rule.UNKNOWN_CENTRE, Rule.UNKNOWN_SLOT):
            known.append(cell)
    found += _broken_together(problem, known, experts)
    found += [Violation(Rule.KEPT_MOVED, (cell,)) for cell in sorted(problem.kept - set(postings))]
    return found


def _broken_alone(
    problem: RosterProblem, cell: Cell, experts: dict[str, Expert], centres: dict[str, Centre]
) -> Rule | None:
    expert, centre = experts.get(cell.expert_id), centres.get(cell.centre_id)
    if expert is None:
        return Rule.UNKNOWN_EXPERT
    if centre is None:
        return Rule.UNKNOWN_CENTRE
    if not 0 <= cell.slot < len(problem.half_days):
        return Rule.UNKNOWN_SLOT
    if expert.hospital_id != centre.hospital_id and (expert.id, centre.id) not in problem.lent:
        return Rule.NOT_ELIGIBLE
    half_day = problem.half_days[cell.slot]
    return Rule.UNAVAILABLE if (half_day.day, half_day.half) in expert.unavailable else None


def _broken_together(problem: RosterProblem, cells: list[Cell], experts: dict[str, Expert]) -> Iterator[Violation]:
    by_expert_slot: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    by_expert_week: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    by_centre_slot: dict[tuple[str, int], list[Cell]] = defaultdict(list)
    for cell in sorted(cells):
        by_expert_slot[cell.expert_id, cell.slot].append(cell)
        by_expert_week[cell.expert_id, problem.half_days[cell.slot].week].append(cell)
        by_centre_slot[cell.centre_id, cell.slot].append(cell)
    for group in by_expert_slot.values():
        if len(group) > 1:
            yield Violation(Rule.TWO_PLACES, tuple(group), 1, len(group))
    for (expert_id, _week), group in by_expert_week.items():
        limit = experts[expert_id].max_half_days_per_week
        if len(group) > limit:
            yield Violation(Rule.OVER_WEEKLY_LIMIT, tuple(group), limit, len(group))
    for group in by_centre_slot.values():
        if len(group) > problem.experts_per_half_day_max:
            yield Violation(Rule.CENTRE_FULL, tuple(group), problem.experts_per_half_day_max, len(group))


def moved(cells: Iterable[Cell], move: Move) -> list[Cell]:
    """The postings after a dispatcher's move. Raises ValueError when the posting to take is not in the plan."""
    postings = list(cells)
    if move.take is not None:
        postings.remove(move.take)
    if move.give is not None:
        postings.append(move.give)
    return postings


def explain_move(problem: RosterProblem, cells: Iterable[Cell], move: Move) -> list[Violation]:
    """The hard rules that a move would newly break; an empty list means the move is lawful.

    Rules the plan broke before and breaks in the same way afterwards are left out: they are not the mover's doing.
    """
    postings = list(cells)
    before = set(check_plan(problem, postings))
    return [violation for violation in check_plan(problem, moved(postings, move)) if violation not in before]


def shortfalls(problem: RosterProblem, cells: Iterable[Cell]) -> list[Shortfall]:
    """Every demand that a plan does not meet, in the order of the demands, week by week."""
    by_centre: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_centre[cell.centre_id].append(cell)
    return [
        item
        for demand in problem.demands
        for item in _measured(problem, demand, by_centre[demand.centre_id])
        if item.got < item.needed
    ]


def weeks_of(problem: RosterProblem) -> list[int]:
    """The calendar weeks of the horizon that have at least one workable half-day."""
    return sorted({half_day.week for half_day in problem.half_days})


def _measured(problem: RosterProblem, demand: Demand, cells: list[Cell]) -> Iterator[Shortfall]:
    experts = {expert.id: expert for expert in problem.experts}
    centre_id = demand.centre_id
    for week in weeks_of(problem):
        here = [cell for cell in cells if problem.half_days[cell.slot].week == week]
        distinct = {cell.expert_id for cell in here if experts[cell.expert_id].counts_as_expert}
        yield Shortfall(centre_id, What.HALF_DAY, week, demand.half_days_per_week, len(here))
        yield Shortfall(centre_id, What.EXPERT_PER_WEEK, week, demand.experts_per_week, len(distinct))
        for specialty, needed in sorted(demand.specialty_half_days_per_week.items()):
            got = sum(experts[cell.expert_id].specialty == specialty for cell in here)
            yield Shortfall(centre_id, What.SPECIALTY_HALF_DAY, week, needed, got, specialty)
    distinct = {cell.expert_id for cell in cells if experts[cell.expert_id].counts_as_expert}
    yield Shortfall(centre_id, What.EXPERT_OVER_HORIZON, None, demand.experts_over_horizon, len(distinct))


def points_of(points: ShortfallPoints, what: What) -> int:
    """The weight of one missing unit of a demand."""
    return {
        What.HALF_DAY: points.half_day,
        What.EXPERT_PER_WEEK: points.expert_per_week,
        What.EXPERT_OVER_HORIZON: points.expert_over_horizon,
        What.SPECIALTY_HALF_DAY: points.specialty_half_day,
    }[what]


def shortfall_total(problem: RosterProblem, cells: Iterable[Cell]) -> int:
    """The weighted shortfall of a plan, in points."""
    points = problem.shortfall_points
    return sum((item.needed - item.got) * points_of(points, item.what) for item in shortfalls(problem, cells))


def posting_points(wishes: Wishes, expert: Expert, centre: Centre) -> tuple[int, int]:
    """(travel, misfit) points of one posting of this expert at this centre."""
    minutes = wishes.travel_minutes.get((expert.hospital_id, centre.id), 0)
    fit = centre.specialty_fit.get(expert.specialty, 0) if centre.specialty_fit else 100
    return minutes * wishes.travel_points_per_minute, (100 - fit) * wishes.misfit_points_per_percent


def fairness_steps(half_days: int, weeks: int) -> int:
    """How many fairness units a load of half-days over so many weeks makes: none up to one a week, then 1, 2 …"""
    full, rest = divmod(half_days, weeks) if weeks else (0, 0)
    return weeks * full * (full - 1) // 2 + rest * full


def wish_cost(problem: RosterProblem, cells: Iterable[Cell]) -> WishCost:
    """What a plan costs in wishes, in points, counted from the postings alone."""
    wishes, postings = problem.wishes, list(cells)
    experts = {expert.id: expert for expert in problem.experts}
    centres = {centre.id: centre for centre in problem.centres}
    each = [posting_points(wishes, experts[cell.expert_id], centres[cell.centre_id]) for cell in postings]
    patterns = {pattern_of(problem, cell) for cell in postings} - wishes.usual
    per_expert = Counter(cell.expert_id for cell in postings)
    per_day = Counter((cell.centre_id, problem.half_days[cell.slot].day) for cell in postings)
    weeks = len(weeks_of(problem))
    return WishCost(
        travel=sum(travel for travel, _ in each),
        misfit=sum(misfit for _, misfit in each),
        continuity=len(patterns) * wishes.pattern_points,
        fairness=sum(fairness_steps(load, weeks) for load in per_expert.values()) * wishes.fairness_points,
        same_day=sum(count - 1 for count in per_day.values()) * wishes.same_day_points,
    )


def pattern_of(problem: RosterProblem, cell: Cell) -> Pattern:
    """The habit a posting belongs to."""
    half_day = problem.half_days[cell.slot]
    return Pattern(cell.expert_id, cell.centre_id, half_day.weekday, half_day.half)
