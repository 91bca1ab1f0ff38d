"""The roster engine against plans counted by hand and by trying every plan there is."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangqiao.engines.planning import (
    Cell,
    Centre,
    Demand,
    Expert,
    HalfDay,
    KeptPostingsBreakRules,
    Pattern,
    Reason,
    RemedyKind,
    RosterPlan,
    RosterProblem,
    Rule,
    Unmet,
    Violation,
    What,
    WishCost,
    Wishes,
    check_plan,
    plan_roster,
    shortfalls,
    validated,
    wish_cost,
)
from kangqiao.engines.planning.checks import shortfall_total


def weeks(count: int, weekdays: int = 2, halves: tuple[int, ...] = (0,)) -> tuple[HalfDay, ...]:
    return tuple(HalfDay(w * 7 + d, w, d, h) for w in range(count) for d in range(weekdays) for h in halves)


def small(**changes: object) -> RosterProblem:
    """One hospital, one centre, two experts, two weeks of two mornings, one half-day a week."""
    problem = RosterProblem(
        half_days=weeks(2),
        centres=(Centre("c1", "h1"),),
        experts=(Expert("e1", "h1", "internal", 2), Expert("e2", "h1", "tcm", 2)),
        demands=(Demand("c1", 1),),
    )
    return replace(problem, **changes)  # type: ignore[arg-type]


def planned(problem: RosterProblem) -> RosterPlan:
    return plan_roster(problem, seed=1, time_limit_seconds=5)


def every_lawful_plan(problem: RosterProblem) -> list[tuple[Cell, ...]]:
    places = [None, *(centre.id for centre in problem.centres)]
    spots = [(expert.id, slot) for expert in problem.experts for slot in range(len(problem.half_days))]
    plans = (
        tuple(Cell(slot, place, who) for (who, slot), place in zip(spots, choice, strict=True) if place)
        for choice in itertools.product(places, repeat=len(spots))
    )
    return [plan for plan in plans if not check_plan(problem, plan)]


@st.composite
def tiny_problems(draw: st.DrawFn) -> RosterProblem:
    """Up to two centres, two experts and four half-days, so that every plan can be tried."""
    half_days = weeks(2, weekdays=draw(st.integers(1, 2)))
    days = [(half_day.day, half_day.half) for half_day in half_days]
    centres = tuple(
        Centre(f"c{i}", draw(st.sampled_from(("h1", "h2"))), {"internal": draw(st.integers(0, 100))}) for i in range(2)
    )
    experts = tuple(
        Expert(
            f"e{i}",
            draw(st.sampled_from(("h1", "h2"))),
            draw(st.sampled_from(("internal", "tcm"))),
            draw(st.integers(0, 2)),
            frozenset(draw(st.sets(st.sampled_from(days)))),
            draw(st.booleans()),
        )
        for i in range(2)
    )
    demands = tuple(
        Demand(c.id, draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.integers(0, 2)), {"tcm": 1})
        for c in centres
    )
    wishes = Wishes(1, 1, draw(st.integers(0, 50)), draw(st.integers(0, 50)), draw(st.integers(0, 50)))
    return validated(RosterProblem(half_days, centres, experts, demands, wishes, lent=frozenset({("e0", "c0")})))


@settings(max_examples=15, deadline=None)
@given(tiny_problems())
def test_plan_is_the_best_of_all_plans(problem: RosterProblem) -> None:
    plan = planned(problem)

    best = min(
        (shortfall_total(problem, cells), wish_cost(problem, cells).total) for cells in every_lawful_plan(problem)
    )
    assert check_plan(problem, plan.cells) == []
    assert (plan.shortfall, plan.objective) == best
    assert plan.shortfall_bound == plan.shortfall
    assert plan.bound == plan.objective
    assert [unmet.shortfall for unmet in plan.unmet if unmet.shortfall not in shortfalls(problem, plan.cells)] == []
    assert len(plan.unmet) == len(shortfalls(problem, plan.cells))


@settings(max_examples=25, deadline=None)
@given(tiny_problems())
def test_stated_supply_is_what_the_best_plan_could_give(problem: RosterProblem) -> None:
    plan = planned(problem)

    for unmet in plan.unmet:
        if unmet.reason is not Reason.SUPPLY_SHORT:
            continue
        params = unmet.reason_params
        most = max(
            sum(
                min(_given(problem, cells, demand.centre_id, unmet), _owed(demand, unmet))
                for demand in problem.demands
                if demand.centre_id in params["centres"]  # type: ignore[operator]
            )
            for cells in every_lawful_plan(problem)
        )
        assert params["supply"] == most
        assert params["demanded"] > params["supply"]  # type: ignore[operator]


def _given(problem: RosterProblem, cells: tuple[Cell, ...], centre_id: str, unmet: Unmet) -> int:
    counted = {expert.id for expert in problem.experts if unmet.shortfall.specialty in ("", expert.specialty)}
    week = [cell for cell in cells if problem.half_days[cell.slot].week == unmet.shortfall.week]
    return sum(1 for cell in week if cell.centre_id == centre_id and cell.expert_id in counted)


def _owed(demand: Demand, unmet: Unmet) -> int:
    specialty = unmet.shortfall.specialty
    return demand.specialty_half_days_per_week[specialty] if specialty else demand.half_days_per_week


def test_wish_cost_counts_each_wish_once() -> None:
    problem = small(
        half_days=weeks(2, halves=(0, 1)),
        centres=(Centre("c1", "h1", {"internal": 70}),),
        wishes=Wishes(2, 3, 50, 7, 11, {("h1", "c1"): 10}, usual=frozenset({Pattern("e1", "c1", weekday=0, half=0)})),
    )
    mornings_and_one_afternoon = [Cell(0, "c1", "e1"), Cell(1, "c1", "e1"), Cell(4, "c1", "e1")]

    cost = wish_cost(problem, mornings_and_one_afternoon)

    assert cost == WishCost(travel=60, misfit=270, continuity=50, fairness=7, same_day=11)
    assert cost.total == 398


def test_same_expert_and_weekday_are_kept_from_week_to_week() -> None:
    plan = planned(small(half_days=weeks(4, weekdays=5)))

    habits = {(cell.expert_id, cell.slot % 5) for cell in plan.cells}
    assert len(plan.cells) == 4
    assert len(habits) == 1


def test_fit_decides_between_equal_experts() -> None:
    plan = planned(small(centres=(Centre("c1", "h1", {"tcm": 90, "internal": 20}),)))

    assert {cell.expert_id for cell in plan.cells} == {"e2"}


def test_kept_postings_stay_even_when_a_better_plan_exists() -> None:
    kept = Cell(1, "c1", "e1")

    plan = planned(small(centres=(Centre("c1", "h1", {"tcm": 90, "internal": 0}),), kept=frozenset({kept})))

    assert kept in plan.cells
    assert check_plan(small(kept=frozenset({kept})), plan.cells) == []


def test_kept_posting_of_an_absent_expert_is_refused() -> None:
    absent = (Expert("e1", "h1", "internal", 2, frozenset({(0, 0)})), Expert("e2", "h1", "tcm", 2))

    with pytest.raises(KeptPostingsBreakRules) as refused:
        planned(small(experts=absent, kept=frozenset({Cell(0, "c1", "e1")})))

    assert refused.value.violations == (Violation(Rule.UNAVAILABLE, (Cell(0, "c1", "e1"),)),)


def test_same_seed_gives_the_same_plan() -> None:
    problem = small(half_days=weeks(3, weekdays=5, halves=(0, 1)), demands=(Demand("c1", 3, 2),))

    assert planned(problem).cells == planned(problem).cells


def test_short_limit_still_gives_a_lawful_plan_a_valid_bound_and_the_same_plan_twice() -> None:
    centres = tuple(Centre(f"c{i}", "h1", {"internal": 40 + 20 * i}) for i in range(3))
    experts = tuple(Expert(f"e{i}", "h1", ("internal", "tcm")[i % 2], 3) for i in range(6))
    problem = RosterProblem(
        weeks(4, weekdays=5, halves=(0, 1)), centres, experts, tuple(Demand(c.id, 3, 2) for c in centres)
    )

    hurried, again = (plan_roster(problem, seed=1, time_limit_seconds=0.02) for _ in range(2))
    patient = plan_roster(problem, seed=1, time_limit_seconds=5)

    assert hurried.cells == again.cells
    assert check_plan(problem, hurried.cells) == []
    assert hurried.bound <= patient.bound <= patient.objective <= hurried.objective
    assert patient.gap <= 0.02


def test_leave_is_planned_anew_around_the_published_rest() -> None:
    problem = small(half_days=weeks(4, weekdays=5), demands=(Demand("c1", 2),))
    published = planned(problem).cells
    absent = published[0].expert_id
    on_leave = frozenset((day, 0) for day in range(5))
    rest = frozenset(cell for cell in published if cell.expert_id != absent or cell.slot >= 5)
    experts = tuple(replace(e, unavailable=on_leave) if e.id == absent else e for e in problem.experts)

    plan = planned(replace(problem, experts=experts, kept=rest))

    assert plan.unmet == ()
    assert rest <= set(plan.cells)
    assert not any(cell.expert_id == absent and cell.slot < 5 for cell in plan.cells)


def test_importing_the_interface_does_not_load_the_solver() -> None:
    code = "import sys, kangqiao.engines.planning; sys.exit('ortools' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lent_expert_may_serve_another_hospital_s_centre() -> None:
    stranger = (Expert("e9", "h9", "internal", 2),)

    without = planned(small(experts=stranger))
    lent = planned(small(experts=stranger, lent=frozenset({("e9", "c1")})))

    assert without.cells == ()
    assert [unmet.reason for unmet in without.unmet] == [Reason.NO_EXPERT, Reason.NO_EXPERT]
    assert without.unmet[0].remedies[0].kind is RemedyKind.LEND_EXPERT
    assert without.unmet[0].remedies[0].params == {"expert_id": "e9", "hospital_id": "h9"}
    assert lent.unmet == ()
    assert len(lent.cells) == 2


def test_short_supply_names_the_centres_the_figures_and_who_could_give_more() -> None:
    problem = small(
        centres=(Centre("c1", "h1"), Centre("c2", "h1")),
        experts=(Expert("e1", "h1", "internal", 1), Expert("e2", "h1", "internal", 2, frozenset({(0, 0)}))),
        demands=(Demand("c1", 2), Demand("c2", 1)),
        half_days=weeks(1),
    )

    plan = planned(problem)

    (unmet,) = plan.unmet
    assert unmet.reason is Reason.SUPPLY_SHORT
    assert unmet.reason_params == {
        "week": 0,
        "centres": ("c1", "c2"),
        "experts": ("e1", "e2"),
        "demanded": 3,
        "supply": 2,
    }
    offered = [(remedy.kind, remedy.params.get("expert_id")) for remedy in unmet.remedies]
    assert (RemedyKind.RAISE_LIMIT, "e1") in offered
    assert (RemedyKind.RAISE_LIMIT, "e2") not in offered, "e2 has no second free half-day that week"
    assert (RemedyKind.FREE_HALF_DAY, "e2") in offered


def test_followed_advice_meets_the_demand() -> None:
    experts = (Expert("e1", "h1", "internal", 1), Expert("e2", "h1", "tcm", 0))
    problem = small(experts=experts, demands=(Demand("c1", 2),), half_days=weeks(1))
    (unmet,) = planned(problem).unmet

    advice = next(remedy for remedy in unmet.remedies if remedy.kind is RemedyKind.RAISE_LIMIT)
    helped = replace(
        problem,
        experts=tuple(
            replace(e, max_half_days_per_week=e.max_half_days_per_week + 1) if e.id == advice.params["expert_id"] else e
            for e in experts
        ),
    )

    assert planned(helped).unmet == ()


def test_too_few_eligible_people_is_said_with_both_numbers() -> None:
    companion = Expert("e3", "h1", "internal", 2, counts_as_expert=False)
    problem = small(experts=(*small().experts, companion), demands=(Demand("c1", 1, experts_over_horizon=3),))

    (unmet,) = planned(problem).unmet

    assert unmet.shortfall.what is What.EXPERT_OVER_HORIZON
    assert unmet.shortfall.got == 2
    assert unmet.reason is Reason.TOO_FEW_EXPERTS
    assert unmet.reason_params == {"eligible": 2, "needed": 3}
    assert unmet.remedies[-1].params == {"hospital_id": "h1", "count": 1}


def test_absence_of_a_week_is_told_apart_from_too_few_people() -> None:
    away = frozenset({(7, 0), (8, 0)})
    experts = (Expert("e1", "h1", "internal", 2), Expert("e2", "h1", "tcm", 2, away))

    (unmet,) = planned(small(experts=experts, demands=(Demand("c1", 1, experts_per_week=2),))).unmet

    assert unmet.shortfall.week == 1
    assert unmet.reason is Reason.EXPERTS_ABSENT
    assert unmet.reason_params == {"eligible": 2, "present": 1}
    assert unmet.remedies[0].kind is RemedyKind.FREE_HALF_DAY


def test_holiday_week_has_too_few_half_days() -> None:
    (unmet,) = planned(small(half_days=weeks(1), demands=(Demand("c1", 3),))).unmet

    assert unmet.reason is Reason.TOO_FEW_HALF_DAYS
    assert unmet.reason_params == {"half_days": 2, "seats": 1}


def test_published_postings_in_the_way_are_named() -> None:
    problem = small(
        centres=(Centre("c1", "h1"), Centre("c2", "h1")),
        experts=(Expert("e1", "h1", "internal", 1),),
        demands=(Demand("c1", 1),),
        half_days=weeks(1),
        kept=frozenset({Cell(0, "c2", "e1")}),
    )

    (unmet,) = planned(problem).unmet

    assert unmet.reason is Reason.KEPT_POSTINGS
    assert unmet.reason_params == {"kept": 1, "week": 0}


def test_two_demands_for_one_person_are_told_as_competition() -> None:
    problem = small(
        centres=(Centre("c1", "h1"), Centre("c2", "h1")),
        experts=(Expert("e1", "h1", "internal", 1),),
        demands=(Demand("c1", 0, experts_per_week=1), Demand("c2", 0, experts_per_week=1)),
        half_days=weeks(1),
    )

    (unmet,) = planned(problem).unmet

    assert unmet.reason is Reason.NEEDED_ELSEWHERE
    assert unmet.reason_params["centres"] == ("c1", "c2")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"demands": (Demand("nowhere", 1),)}, "unknown centre nowhere"),
        ({"demands": (Demand("c1", -1),)}, "negative"),
        ({"centres": (Centre("c1", "h1"), Centre("c1", "h1"))}, "centres repeat"),
        ({"half_days": (HalfDay(0, 0, 0, 0), HalfDay(0, 0, 0, 0))}, "half-days repeat"),
        ({"lent": frozenset({("nobody", "c1")})}, "nobody, c1 points nowhere"),
        ({"wishes": Wishes(travel_minutes={("h2", "c1"): 5})}, "no travel minutes from h1 to c1"),
    ],
)
def test_problem_that_does_not_hang_together_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        planned(small(**changes))


def test_progress_is_told_part_by_part() -> None:
    told: list[float] = []
    problem = small(centres=(Centre("c1", "h1"), Centre("c2", "h2")), demands=(Demand("c1", 1),))

    plan_roster(problem, seed=1, time_limit_seconds=5, progress=lambda share, step: told.append(share))

    assert told == [0.5, 1.0]
