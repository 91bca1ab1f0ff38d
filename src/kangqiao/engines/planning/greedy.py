"""A quick lawful plan by taking the cheapest posting each time: the solver's first hint and the benchmarks' floor."""

from __future__ import annotations

from collections import Counter, defaultdict

from kangqiao.engines.planning.checks import eligible_pairs, fairness_steps, pattern_of, posting_points, weeks_of
from kangqiao.engines.planning.problem import Cell, Demand, Pattern, RosterProblem


class _Board:
    """A growing plan that knows what one more posting would cost and whether it is lawful."""

    def __init__(self, problem: RosterProblem) -> None:
        self.problem = problem
        self.weeks = len(weeks_of(problem))
        self.experts = {expert.id: expert for expert in problem.experts}
        self.centres = {centre.id: centre for centre in problem.centres}
        self.base = {
            (expert_id, centre_id): sum(
                posting_points(problem.wishes, self.experts[expert_id], self.centres[centre_id])
            )
            for expert_id, centre_id in eligible_pairs(problem)
        }
        self.serving: dict[str, list[str]] = defaultdict(list)
        for expert_id, centre_id in self.base:
            self.serving[centre_id].append(expert_id)
        self.slots_of_week: dict[int, list[int]] = defaultdict(list)
        for slot, half_day in enumerate(problem.half_days):
            self.slots_of_week[half_day.week].append(slot)
        self.cells: list[Cell] = []
        self.busy: set[tuple[str, int]] = set()
        self.week_load: Counter[tuple[str, int]] = Counter()
        self.load: Counter[str] = Counter()
        self.seated: Counter[tuple[str, int]] = Counter()
        self.day_load: Counter[tuple[str, int]] = Counter()
        self.patterns: set[Pattern] = set(problem.wishes.usual)
        self.present: Counter[tuple[str, str, int]] = Counter()
        for cell in sorted(problem.kept):
            self.post(cell)

    def post(self, cell: Cell) -> None:
        half_day = self.problem.half_days[cell.slot]
        self.cells.append(cell)
        self.busy.add((cell.expert_id, cell.slot))
        self.week_load[cell.expert_id, half_day.week] += 1
        self.load[cell.expert_id] += 1
        self.seated[cell.centre_id, cell.slot] += 1
        self.day_load[cell.centre_id, half_day.day] += 1
        self.patterns.add(pattern_of(self.problem, cell))
        self.present[cell.centre_id, cell.expert_id, half_day.week] += 1

    def lawful(self, cell: Cell) -> bool:
        half_day, expert = self.problem.half_days[cell.slot], self.experts[cell.expert_id]
        return (
            (cell.expert_id, cell.slot) not in self.busy
            and (half_day.day, half_day.half) not in expert.unavailable
            and self.week_load[cell.expert_id, half_day.week] < expert.max_half_days_per_week
            and self.seated[cell.centre_id, cell.slot] < self.problem.experts_per_half_day_max
        )

    def price(self, cell: Cell) -> int:
        wishes, load = self.problem.wishes, self.load[cell.expert_id]
        price = self.base[cell.expert_id, cell.centre_id]
        if pattern_of(self.problem, cell) not in self.patterns:
            price += wishes.pattern_points
        more = fairness_steps(load + 1, self.weeks) - fairness_steps(load, self.weeks)
        again = self.day_load[cell.centre_id, self.problem.half_days[cell.slot].day] > 0
        return price + more * wishes.fairness_points + again * wishes.same_day_points

    def best(self, centre_id: str, week: int, expert_ids: list[str]) -> Cell | None:
        choices = [
            (self.price(cell), cell)
            for expert_id in expert_ids
            for slot in self.slots_of_week[week]
            if self.lawful(cell := Cell(slot, centre_id, expert_id))
        ]
        return min(choices)[1] if choices else None


def greedy_roster(problem: RosterProblem) -> list[Cell]:
    """A lawful plan that keeps the kept postings, week after week, scarcest centre first; no proof, no backtracking."""
    board = _Board(problem)
    demands = sorted(problem.demands, key=lambda demand: (len(board.serving[demand.centre_id]), demand.centre_id))
    for week in weeks_of(problem):
        for demand in demands:
            _serve(board, demand, week)
    return sorted(board.cells)


def _serve(board: _Board, demand: Demand, week: int) -> None:
    centre_id = demand.centre_id
    serving = board.serving[centre_id]
    counting = [expert_id for expert_id in serving if board.experts[expert_id].counts_as_expert]
    for specialty, needed in sorted(demand.specialty_half_days_per_week.items()):
        fitting = [expert_id for expert_id in serving if board.experts[expert_id].specialty == specialty]
        _post_until(board, centre_id, week, fitting, needed - _given(board, centre_id, week, fitting))
    for _ in range(demand.experts_per_week):
        fresh = [expert_id for expert_id in counting if not board.present[centre_id, expert_id, week]]
        if len(counting) - len(fresh) < demand.experts_per_week:
            _post_until(board, centre_id, week, fresh, 1)
    seen = {cell.expert_id for cell in board.cells if cell.centre_id == centre_id}
    fresh = [expert_id for expert_id in counting if expert_id not in seen]
    missing = demand.experts_over_horizon - (len(counting) - len(fresh))
    for _ in range(missing):
        cell = board.best(centre_id, week, fresh)
        if cell is not None and _given(board, centre_id, week, serving) < demand.half_days_per_week:
            board.post(cell)
            fresh.remove(cell.expert_id)
    rest = demand.half_days_per_week - _given(board, centre_id, week, serving)
    _post_until(board, centre_id, week, serving, rest)


def _given(board: _Board, centre_id: str, week: int, expert_ids: list[str]) -> int:
    return sum(board.present[centre_id, expert_id, week] for expert_id in expert_ids)


def _post_until(board: _Board, centre_id: str, week: int, expert_ids: list[str], count: int) -> None:
    for _ in range(max(count, 0)):
        cell = board.best(centre_id, week, expert_ids)
        if cell is None:
            return
        board.post(cell)
