"""Rules from plain values: titles, working days, lawful moves and the words of a shortfall."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import translation

from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.rules import (
    Names,
    Nominee,
    half_days_between,
    is_workday,
    may_be_posted,
    may_sit,
    shortage,
)
from kangqiao.domain.scheduling.rules import Named, count_day
from kangqiao.engines.planning import Cell, Centre, Demand, Expert, Move, RosterProblem
from kangqiao.kernel.period import working_week
from kangqiao.policy import at

MONDAY = date(2026, 5, 18)
NOMINEE = Nominee("方海桐", "副主任医师", "physician", "associate_senior", True, "paediatrics")
NAMES = Names(
    experts={"1": "沈青黛", "2": "顾白芷"},
    centres={"10": "香湾", "11": "狮山", "20": "拱北"},
    hospitals={"100": "市一", "200": "市二"},
    hospital_of_centre={"10": "100", "11": "100", "20": "200"},
    hospital_of_expert={"1": "100", "2": "100"},
    away={("2", MONDAY, "am"): "请假"},
)


@pytest.fixture(autouse=True)
def _chinese():
    with translation.override("zh-hans"):
        yield


def workdays(start: date, days: int) -> list[date]:
    each = [start + timedelta(days=n) for n in range(days)]
    return [day for day in each if is_workday(count_day(day))]


def problem(limit: int = 2) -> RosterProblem:
    return RosterProblem(
        half_days=half_days_between(MONDAY, workdays(MONDAY, 7)),
        centres=(Centre("10", "centre:10"), Centre("11", "centre:11"), Centre("20", "centre:20")),
        experts=(
            Expert("1", "100", "cardiology", limit),
            Expert("2", "100", "tcm", limit, frozenset({(0, 0)})),
        ),
        demands=(Demand("10", 3),),
        lent=frozenset({("1", "10"), ("1", "11"), ("2", "10")}),
    )


@pytest.mark.clause("SZ16-1c")
@pytest.mark.parametrize(
    ("nominee", "accepted", "word"),
    [
        (replace(NOMINEE, title_grade="attending", title="主治医师"), False, "主治医师"),
        (replace(NOMINEE, title_kind="pharmacist", title="副主任药师"), False, "副主任药师"),
        (NOMINEE, True, ""),
        (replace(NOMINEE, title_grade="senior", title="主任医师"), True, ""),
        (replace(NOMINEE, is_licensed=False), False, "执业资格"),
        (replace(NOMINEE, specialty=""), False, "专科"),
    ],
)
def test_may_be_posted_by_title_licence_and_specialty(nominee: Nominee, accepted: bool, word: str) -> None:
    minimum = RosterParameters.read(at("4403", date(2016, 6, 1))).min_title_grade

    decision = may_be_posted(nominee, minimum=minimum.text(), specialties={"paediatrics"}, clause=minimum.clause)

    assert decision.allowed is accepted
    assert word in decision.reason
    assert decision.clause == ("" if accepted else "SZ16-1c")


@pytest.mark.parametrize(
    ("when", "works"),
    [
        (date(2026, 5, 18), True),
        (date(2026, 5, 23), False),
        (date(2026, 10, 1), False),
        (date(2026, 2, 14), True),  # a Saturday made up for the Spring Festival
        (date(2099, 1, 1), False),  # no notice yet, but New Year is fixed
        (date(2099, 1, 2), True),
    ],
)
def test_is_workday(when: date, works: bool) -> None:
    assert is_workday(count_day(when)) is works


def test_what_a_bureau_says_of_a_day_comes_first() -> None:
    saturday, monday = date(2026, 5, 23), date(2026, 5, 18)

    assert is_workday(count_day(saturday, bureau=Named(4, "按周四出诊")))
    assert not is_workday(count_day(monday, bureau=Named(None, "台风停诊")))


def test_half_days_between_leaves_out_the_weekend() -> None:
    spots = half_days_between(MONDAY, workdays(MONDAY, 14))

    assert len(spots) == 20
    assert {spot.weekday for spot in spots} == {0, 1, 2, 3, 4}
    assert {spot.week for spot in spots} == {0, 1}


@pytest.mark.parametrize(
    ("cells", "give", "word"),
    [
        ([Cell(0, "11", "1")], Cell(0, "10", "1"), "不能同时在两处：香湾、狮山"),
        ([], Cell(0, "10", "2"), "请假"),
        ([], Cell(2, "20", "1"), "由市二派专家"),
        ([Cell(2, "11", "1"), Cell(4, "11", "1")], Cell(6, "10", "1"), "最多 2 个"),
        ([Cell(2, "10", "2")], Cell(2, "10", "1"), "只能安排一位专家"),
    ],
)
def test_may_sit_refuses_with_the_reason(cells: list[Cell], give: Cell, word: str) -> None:
    decision = may_sit(problem(), cells, Move(None, give), NAMES, MONDAY)

    assert not decision
    assert word in decision.reason


def test_may_sit_allows_a_lawful_move() -> None:
    taken = Cell(0, "11", "1")

    assert may_sit(problem(), [taken], Move(taken, Cell(0, "10", "1")), NAMES, MONDAY)


def test_shortage_is_said_with_reason_and_remedy() -> None:
    item = {
        "centre": "11", "what": "half_day", "week": "2026-05-18", "needed": 3, "got": 2, "specialty": "",
        "reason": "supply_short",
        "params": {"centres": ["10", "11"], "experts": ["1", "2"], "demanded": 6, "supply": 5},
        "remedies": [
            {"kind": "raise_limit", "params": {"expert_id": "1"}},
            {"kind": "free_half_day", "params": {"expert_id": "2", "day": "2026-05-18", "half": "am"}},
            {"kind": "lend_expert", "params": {"expert_id": "1", "hospital_id": "200"}},
            {"kind": "add_expert", "params": {"hospital_id": "100", "count": 1}},
        ],
    }  # fmt: skip

    found = shortage(item, NAMES)

    assert (found.title, found.got, found.needed) == ("狮山少 1 个半天", 2, 3)
    assert found.reason == "香湾、狮山这一周共要 6 个半天，沈青黛、顾白芷合计只能出 5 个。"
    assert found.remedies == (
        "请沈青黛这一周多出 1 个半天",
        "请顾白芷空出5月18日上午",
        "请市二的沈青黛支援，先办派驻",
        "请市一再派驻 1 名专家",
    )


@pytest.mark.parametrize(("day", "monday"), [(16, 16), (20, 16), (21, 23), (22, 23), (23, 23)])
def test_this_week_is_the_coming_one_at_the_weekend(day: int, monday: int) -> None:
    assert working_week(date(2026, 11, day)).start == date(2026, 11, monday)
