"""What a roster is asked for and what it answers: demands, supply and wishes in; plan, bound and unmet demands out.

Every identifier is a plain string chosen by the caller (a primary key as text). Half-days are numbered: the caller
lists the workable half-days of the horizon (holidays left out, make-up working days put in) and everything else refers
to a position in that list. All costs are integer points, so that a bound is exact and two runs can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MORNING, AFTERNOON = 0, 1

Progress = Callable[[float, str], None]
"""Called with a share done (0 to 1) and a step key such as `half_days`."""


@dataclass(frozen=True, slots=True, order=True)
class HalfDay:
    """One workable half-day of the horizon; its position in `RosterProblem.half_days` is its slot number.

    `day` counts calendar days from the first day of the horizon (0-based), `week` counts calendar weeks (0-based; the
    weekly rules look at it), `weekday` is 0 for Monday to 6 for Sunday, `half` is 0 in the morning, 1 in the afternoon.
    """

    day: int
    week: int
    weekday: int
    half: int


@dataclass(frozen=True, slots=True)
class Centre:
    """A community health centre that experts are posted to.

    `specialty_fit` says how well a specialty answers the centre's disease spectrum, in percent (0 to 100); a specialty
    that is not listed fits 0 percent, and an empty mapping means that every specialty fits fully.
    """

    id: str
    hospital_id: str
    specialty_fit: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expert:
    """A hospital expert who may be posted.

    `max_half_days_per_week` caps every week of the horizon. `unavailable` holds (day, half) pairs in the counting of
    `HalfDay`. `counts_as_expert` is false for a companion who gives half-days but does not count towards the minimum
    number of experts (the title rule is judged by the caller, who owns the policy).
    """

    id: str
    hospital_id: str
    specialty: str
    max_half_days_per_week: int
    unavailable: frozenset[tuple[int, int]] = frozenset()
    counts_as_expert: bool = True


@dataclass(frozen=True, slots=True)
class Demand:
    """What one centre is owed.

    `half_days_per_week` half-days in every week; `experts_per_week` and `experts_over_horizon` distinct experts;
    `specialty_half_days_per_week` half-days of a specialty in every week (part of the first figure, not on top).
    A demand that supply cannot meet is reported, never a reason for having no plan.
    """

    centre_id: str
    half_days_per_week: int
    experts_per_week: int = 0
    experts_over_horizon: int = 0
    specialty_half_days_per_week: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One posting: this expert at this centre on half-day number `slot`."""

    slot: int
    centre_id: str
    expert_id: str


@dataclass(frozen=True, slots=True, order=True)
class Pattern:
    """A habit: this expert at this centre on this weekday and half, week after week."""

    expert_id: str
    centre_id: str
    weekday: int
    half: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """What makes one lawful plan better than another, in integer points.

    `travel_points_per_minute` for each minute from hospital to centre per posting; `misfit_points_per_percent` for each
    percent of fit missing per posting; `pattern_points` for each habit (expert, centre, weekday, half) the plan opens,
    except the `usual` ones carried over from the last plan; `fairness_points` for each half-day of an expert above one
    a week on average, twice that above two, and so on; `same_day_points` for a second posting at a centre on one day.
    `travel_minutes` maps (hospital id, centre id); empty means that travel is not weighed.
    """

    travel_points_per_minute: int = 1
    misfit_points_per_percent: int = 1
    pattern_points: int = 60
    fairness_points: int = 20
    same_day_points: int = 15
    travel_minutes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    usual: frozenset[Pattern] = frozenset()


@dataclass(frozen=True, slots=True)
class ShortfallPoints:
    """How much one missing unit of each demand weighs when not all can be met; wishes never outweigh a demand."""

    half_day: int = 10
    expert_per_week: int = 4
    expert_over_horizon: int = 6
    specialty_half_day: int = 3


@dataclass(frozen=True, slots=True)
class RosterProblem:
    """A whole roster question.

    Experts serve the centres of their own hospital, and beyond that only the (expert id, centre id) pairs of `lent`.
    `kept` are postings already published that must not move. `experts_per_half_day_max` is how many experts a centre
    can seat at once. Raises ValueError (from `validated`) when identifiers repeat or point nowhere.
    """

    half_days: tuple[HalfDay, ...]
    centres: tuple[Centre, ...]
    experts: tuple[Expert, ...]
    demands: tuple[Demand, ...]
    wishes: Wishes = field(default_factory=Wishes)
    kept: frozenset[Cell] = frozenset()
    lent: frozenset[tuple[str, str]] = frozenset()
    experts_per_half_day_max: int = 1
    shortfall_points: ShortfallPoints = field(default_factory=ShortfallPoints)


class What(StrEnum):
    """The kinds of demand that can stay unmet."""

    HALF_DAY = "half_day"
    EXPERT_PER_WEEK = "expert_per_week"
    EXPERT_OVER_HORIZON = "expert_over_horizon"
    SPECIALTY_HALF_DAY = "specialty_half_day"


class Reason(StrEnum):
    """Why a demand stays unmet; the parameters named here are in `Unmet.reason_params`.

    NO_EXPERT: nobody may serve the centre (`hospital_id`, `specialty`).
    TOO_FEW_EXPERTS: `eligible` people may serve it, `needed` are asked.
    EXPERTS_ABSENT: of `eligible` people only `present` can each find a free half-day and seat in the time asked about.
    TOO_FEW_HALF_DAYS: the week or horizon has `half_days` workable half-days with `seats` seats each.
    SUPPLY_SHORT: the `centres` together ask for `demanded` half-days in `week`, and the `experts` who may serve them
    can give only `supply`.
    KEPT_POSTINGS: supply would suffice in `week`, but not beside its `kept` published postings.
    NEEDED_ELSEWHERE: it could be met alone, but not together with the other demands of `centres`, which share
    `experts`, and with `kept` published postings.
    NOT_SEARCHED_OUT: the time limit came before the proof; it may be possible.
    """

    NO_EXPERT = "no_expert"
    TOO_FEW_EXPERTS = "too_few_experts"
    EXPERTS_ABSENT = "experts_absent"
    TOO_FEW_HALF_DAYS = "too_few_half_days"
    SUPPLY_SHORT = "supply_short"
    KEPT_POSTINGS = "kept_postings"
    NEEDED_ELSEWHERE = "needed_elsewhere"
    NOT_SEARCHED_OUT = "not_searched_out"


class RemedyKind(StrEnum):
    """What would help; parameters in `Remedy.params`.

    RAISE_LIMIT: one more half-day in `week` for `expert_id` (tried: more can be given).
    FREE_HALF_DAY: `expert_id` becomes free on half-day `slot` (tried: more can be given).
    LEND_EXPERT: `expert_id` of `hospital_id` has a free half-day in this plan while the centre has a seat.
    ADD_EXPERT: `hospital_id` names `count` more people, each for `half_days_per_week` where that is known.
    MORE_TIME: search longer.
    """

    RAISE_LIMIT = "raise_limit"
    FREE_HALF_DAY = "free_half_day"
    LEND_EXPERT = "lend_expert"
    ADD_EXPERT = "add_expert"
    MORE_TIME = "more_time"


ParamValue = int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A suggestion with its parameters, to be phrased by the caller."""

    kind: RemedyKind
    params: Mapping[str, ParamValue]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A demand and what the plan gives: `got` of `needed`; `week` is None over the horizon."""

    centre_id: str
    what: What
    week: int | None
    needed: int
    got: int
    specialty: str = ""


@dataclass(frozen=True, slots=True)
class Unmet:
    """A demand the plan does not meet, the computed reason, and what would help."""

    shortfall: Shortfall
    reason: Reason
    reason_params: Mapping[str, ParamValue]
    remedies: tuple[Remedy, ...] = ()


class Rule(StrEnum):
    """The hard rules of a plan."""

    UNKNOWN_EXPERT = "unknown_expert"
    UNKNOWN_CENTRE = "unknown_centre"
    UNKNOWN_SLOT = "unknown_slot"
    NOT_ELIGIBLE = "not_eligible"
    UNAVAILABLE = "unavailable"
    TWO_PLACES = "two_places"
    OVER_WEEKLY_LIMIT = "over_weekly_limit"
    CENTRE_FULL = "centre_full"
    KEPT_MOVED = "kept_moved"


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken hard rule: the postings involved, and `limit` against `found` where the rule counts something."""

    rule: Rule
    cells: tuple[Cell, ...]
    limit: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A dispatcher's change: `take` leaves the plan, `give` enters it; either may be None."""

    take: Cell | None
    give: Cell | None


@dataclass(frozen=True, slots=True)
class WishCost:
    """What a plan costs in wishes, in points, by kind."""

    travel: int
    misfit: int
    continuity: int
    fairness: int
    same_day: int

    @property
    def total(self) -> int:
        """The objective of the plan."""
        return self.travel + self.misfit + self.continuity + self.fairness + self.same_day


@dataclass(frozen=True, slots=True)
class RosterPlan:
    """The answer with its proof.

    First the weighted `shortfall` is made as small as possible (`shortfall_bound` is proven: no plan misses less), then
    the wishes: `objective` is the plan's cost in points, and no plan with the same or less shortfall costs less than
    `bound`. `cells` are sorted by slot, centre, expert. `cpu_seconds` is process time, a measurement and no input.
    """

    cells: tuple[Cell, ...]
    objective: int
    bound: int
    shortfall: int
    shortfall_bound: int
    unmet: tuple[Unmet, ...]
    cost: WishCost
    cpu_seconds: float
    method: str

    @property
    def gap(self) -> float:
        """How far the plan may be from the best, as a share of its cost: (objective - bound) / objective."""
        return (self.objective - self.bound) / self.objective if self.objective else 0.0

    @property
    def proven_best(self) -> bool:
        """Whether no plan can be better, in demands or in wishes."""
        return self.objective == self.bound and self.shortfall == self.shortfall_bound


class KeptPostingsBreakRules(ValueError):
    """Published postings that must stay break a hard rule themselves (an expert went on leave, say); see `violations`.

    The caller withdraws or changes those postings first; planning around them would hide the problem.
    """

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(f"{len(violations)} kept postings break a hard rule")
        self.violations = violations
