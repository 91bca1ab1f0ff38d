"""The hard rules, each broken once; they are checked without the solver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kangqiao.engines.planning import (
    Cell,
    Centre,
    Demand,
    Expert,
    HalfDay,
    Move,
    RosterProblem,
    Rule,
    check_plan,
    explain_move,
    shortfalls,
)

HALF_DAYS = tuple(HalfDay(day, 0, day, half) for day in range(2) for half in (0, 1))
PROBLEM = RosterProblem(
    half_days=HALF_DAYS,
    centres=(Centre("c1", "h1"), Centre("c2", "h1"), Centre("c9", "h9")),
    experts=(
        Expert("e1", "h1", "internal", 2, frozenset({(1, 1)})),
        Expert("e2", "h1", "tcm", 2),
    ),
    demands=(Demand("c1", 2), Demand("c2", 1)),
    kept=frozenset({Cell(0, "c1", "e1")}),
)
LAWFUL = [Cell(0, "c1", "e1"), Cell(2, "c2", "e1"), Cell(1, "c1", "e2")]


def test_lawful_plan_breaks_nothing() -> None:
    assert check_plan(PROBLEM, LAWFUL) == []
    assert shortfalls(PROBLEM, LAWFUL) == []


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ([*LAWFUL, Cell(3, "c1", "nobody")], Rule.UNKNOWN_EXPERT),
        ([*LAWFUL, Cell(3, "nowhere", "e2")], Rule.UNKNOWN_CENTRE),
        ([*LAWFUL, Cell(4, "c1", "e2")], Rule.UNKNOWN_SLOT),
        ([*LAWFUL, Cell(-1, "c1", "e2")], Rule.UNKNOWN_SLOT),
        ([*LAWFUL, Cell(3, "c9", "e2")], Rule.NOT_ELIGIBLE),
        ([LAWFUL[0], Cell(3, "c2", "e1")], Rule.UNAVAILABLE),
        ([*LAWFUL, Cell(1, "c2", "e2")], Rule.TWO_PLACES),
        ([*LAWFUL, Cell(1, "c1", "e2")], Rule.TWO_PLACES),
        ([*LAWFUL, Cell(1, "c2", "e1")], Rule.OVER_WEEKLY_LIMIT),
        ([*LAWFUL, Cell(2, "c2", "e2")], Rule.CENTRE_FULL),
        (LAWFUL[1:], Rule.KEPT_MOVED),
    ],
)
def test_each_rule_is_noticed(cells: list[Cell], rule: Rule) -> None:
    assert rule in {violation.rule for violation in check_plan(PROBLEM, cells)}


def test_second_seat_makes_room() -> None:
    roomy = replace(PROBLEM, experts_per_half_day_max=2)

    assert check_plan(roomy, [*LAWFUL, Cell(2, "c2", "e2")]) == []


def test_lawful_move_is_free_of_complaints() -> None:
    assert explain_move(PROBLEM, LAWFUL, Move(LAWFUL[2], Cell(3, "c1", "e2"))) == []


def test_move_names_the_clash_and_the_postings_in_it() -> None:
    move = Move(LAWFUL[2], Cell(2, "c2", "e2"))

    (violation,) = explain_move(PROBLEM, LAWFUL, move)

    assert violation.rule is Rule.CENTRE_FULL
    assert violation.cells == (Cell(2, "c2", "e1"), Cell(2, "c2", "e2"))
    assert (violation.limit, violation.found) == (1, 2)


def test_move_is_not_blamed_for_what_was_broken_before() -> None:
    broken = [*LAWFUL, Cell(3, "c9", "e2")]

    assert explain_move(PROBLEM, broken, Move(LAWFUL[1], None)) == []


def test_taking_a_posting_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in list"):
        explain_move(PROBLEM, LAWFUL, Move(Cell(3, "c1", "e2"), None))
