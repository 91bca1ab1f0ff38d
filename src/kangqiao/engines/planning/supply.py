"""How many half-days of a week can be given at all: a max-flow, and the min cut that says who competes for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ortools.graph.python.max_flow import SimpleMaxFlow

from kangqiao.engines.planning.checks import eligible_pairs
from kangqiao.engines.planning.problem import Cell, RosterProblem


@dataclass(frozen=True, slots=True)
class Supply:
    """What supply can give towards the wanted half-days of one week, whatever the plan.

    `given` is the largest total over all centres. `scarce` are the centres that compete for what is missing (empty when
    everything can be given): together they want `scarce_wanted`, and nobody can give them more than `scarce_given`.
    """

    wanted: int
    given: int
    scarce: frozenset[str]
    scarce_wanted: int
    scarce_given: int


class WeekSupply:
    """The flow network of one week: experts' weekly limits, their free half-days, the centres' seats, the demands.

    `wanted` maps centre id to half-days; `experts` narrows who counts (a specialty, say). With `kept` the published
    postings take their seats and half-days first.
    """

    def __init__(
        self, problem: RosterProblem, week: int, wanted: Mapping[str, int], experts: Collection[str], *, kept: bool
    ) -> None:
        self.problem = problem
        self.wanted = {centre_id: count for centre_id, count in wanted.items() if count}
        self.limit = {e.id: e.max_half_days_per_week for e in problem.experts if e.id in experts}
        self.slots = [slot for slot, half_day in enumerate(problem.half_days) if half_day.week == week]
        self.pairs = [pair for pair in eligible_pairs(problem) if pair[0] in self.limit and pair[1] in self.wanted]
        self.free = {
            (expert.id, slot)
            for expert in problem.experts
            if expert.id in self.limit
            for slot in self.slots
            if (problem.half_days[slot].day, problem.half_days[slot].half) not in expert.unavailable
        }
        self.posted = [cell for cell in sorted(problem.kept) if kept and cell.slot in set(self.slots)]

    def solve(self, *, raised: str | None = None, freed: tuple[str, int] | None = None) -> Supply:
        """The largest supply; `raised` gives that expert one more half-day, `freed` opens one (expert, slot)."""
        limit = dict(self.limit)
        if raised is not None:
            limit[raised] += 1
        free = self.free | ({freed} if freed is not None else set())
        seats: Counter[tuple[str, int]] = Counter()
        counted: Counter[str] = Counter()
        for cell in self.posted:
            seats[cell.centre_id, cell.slot] += 1
            if cell.expert_id in limit:
                limit[cell.expert_id] -= 1
                free.discard((cell.expert_id, cell.slot))
                counted[cell.centre_id] += 1
        owed = {centre_id: max(0, count - counted[centre_id]) for centre_id, count in self.wanted.items()}
        net = _Network()
        for expert_id, most in limit.items():
            net.arc("source", ("expert", expert_id), max(0, most))
        for expert_id, slot in sorted(free):
            net.arc(("expert", expert_id), ("half-day", expert_id, slot), 1)
        for expert_id, centre_id in self.pairs:
            for slot in self.slots:
                if (expert_id, slot) in free:
                    net.arc(("half-day", expert_id, slot), ("seat", centre_id, slot), 1)
        for centre_id, count in owed.items():
            for slot in self.slots:
                room = max(0, self.problem.experts_per_half_day_max - seats[centre_id, slot])
                net.arc(("seat", centre_id, slot), ("centre", centre_id), room)
            net.arc(("centre", centre_id), "sink", count)
        return self._answer(net, owed, counted)

    def _answer(self, net: _Network, owed: dict[str, int], counted: Counter[str]) -> Supply:
        flow, sink_side = net.solve()
        wanted = sum(self.wanted.values())
        given = flow + sum(min(self.wanted[c], counted[c]) for c in self.wanted)
        if given == wanted:
            return Supply(wanted, given, frozenset(), 0, 0)
        scarce = frozenset(c for c in self.wanted if owed[c] and ("centre", c) in sink_side)
        scarce_wanted = sum(self.wanted[c] for c in scarce)
        return Supply(wanted, given, scarce, scarce_wanted, scarce_wanted - (wanted - given))


class _Network:
    """A max-flow with named nodes."""

    def __init__(self) -> None:
        self.flow = SimpleMaxFlow()
        self.number: dict[object, int] = defaultdict(lambda: len(self.number))
        self.number["source"], self.number["sink"] = 0, 1

    def arc(self, tail: object, head: object, capacity: int) -> None:
        if capacity:
            self.flow.add_arc_with_capacity(self.number[tail], self.number[head], capacity)

    def solve(self) -> tuple[int, set[object]]:
        """The largest flow and the nodes from which the sink could still be reached (the cut nearest to the sink)."""
        if not self.flow.num_arcs() or self.flow.solve(0, 1) != SimpleMaxFlow.OPTIMAL:
            return 0, set(self.number)
        name = {number: node for node, number in self.number.items()}
        return self.flow.optimal_flow(), {name[number] for number in self.flow.get_sink_side_min_cut()}


def seated_together(
    problem: RosterProblem, experts: Collection[str], slots: list[int], freed: tuple[str, int] | None = None
) -> int:
    """How many of these experts can each have a half-day at one centre, when no other centre asks for anything.

    `freed` opens one (expert, slot) that is not available.
    """
    net = _Network()
    by_id = {expert.id: expert for expert in problem.experts}
    for expert_id in sorted(experts):
        expert = by_id[expert_id]
        net.arc("source", ("expert", expert_id), min(1, expert.max_half_days_per_week))
        for slot in slots:
            half_day = problem.half_days[slot]
            if (half_day.day, half_day.half) not in expert.unavailable or (expert_id, slot) == freed:
                net.arc(("expert", expert_id), ("seat", slot), 1)
    for slot in slots:
        net.arc(("seat", slot), "sink", problem.experts_per_half_day_max)
    return net.solve()[0]


def spare_half_day(problem: RosterProblem, cells: Collection[Cell], expert_id: str, centre_id: str, week: int) -> bool:
    """Whether a plan leaves the expert a free half-day in the week at which the centre has a seat."""
    expert = next(expert for expert in problem.experts if expert.id == expert_id)
    in_week = {slot for slot, half_day in enumerate(problem.half_days) if half_day.week == week}
    load = sum(cell.expert_id == expert_id and cell.slot in in_week for cell in cells)
    if load >= expert.max_half_days_per_week:
        return False
    busy = {cell.slot for cell in cells if cell.expert_id == expert_id}
    seats = Counter(cell.slot for cell in cells if cell.centre_id == centre_id)
    return any(
        slot not in busy
        and seats[slot] < problem.experts_per_half_day_max
        and (problem.half_days[slot].day, problem.half_days[slot].half) not in expert.unavailable
        for slot in in_week
    )
