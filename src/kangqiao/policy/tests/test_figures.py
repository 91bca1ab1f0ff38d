"""Policy numbers planted in Python are found; ordinary code is left in peace."""

from __future__ import annotations

from fractions import Fraction

import pytest

from kangqiao import policy
from kangqiao.policy.figures import distinctive_figures, find_policy_numbers


def found(source: str) -> list[str]:
    return [finding.message for finding in find_policy_numbers(source, "module.py")]


def test_distinctive_figures_name_their_clause() -> None:
    figures = {figure.number: figure for figure in distinctive_figures(policy.default())}

    assert figures[Fraction(12, 100)].clause == "ZH-4.2d"
    assert figures[Fraction(1350)].clause == "SZ17-B3.b"
    assert figures[Fraction(250_000)].key == "graduate_subsidy_bachelor_yuan"
    assert not {Fraction(1), Fraction(2), Fraction(10), Fraction(100), Fraction(1000)} & set(figures)


@pytest.mark.parametrize(
    "planted",
    [
        "share = 0.12",
        "def due(total):\n    return total * Fraction(12, 100)",
        'pay = total * Decimal("0.12")',
        "pay = total * 12 // 100",
        "VISITS_PER_WEEK = 3",
        "if done.visits_per_week < 3:\n    pass",
        "rules.meets(posted, min_experts_per_chc=2)",
        "def check(centres_per_hospital: int = 10) -> None: ...",
        'settings = {"slot_minutes": 15}',
        "reserved_share = 0.5",
        "slot_minutes: int = 15",
        "DISTRICT_RATE_YUAN = 3",
        "drugs_listed = 1350",
        'text = "市财政按12%拨付"',
        'text = f"每人3元，共{total}"',
    ],
)
def test_planted_policy_number_is_found(planted: str) -> None:
    assert found(planted), planted


@pytest.mark.parametrize(
    "harmless",
    [
        "FEN_PER_YUAN = 100",
        "timeout_seconds = 3",
        "visits_per_week = 0",
        "limit = 1000",
        "confidence = 0.95",
        "probability = 0.4",
        "weights = [40, 30, 15, 15]",
        "day = date(2026, 1, 12)",
        'style = "width: 12%"',
        'text = _("共 %(count)s 人，占 %(share)s%%") % {"count": 12}',
        '"""市财政按辖区总额12%拨付（ZH-4.2d）。"""',
        "bucket = 250  # rows",
        "visits_per_week = policy.integer('roster', 'visits_per_week_min')",
        "reserved_share = 0.5  # no policy: prevalence used by the demonstration only",
        "blocks = total / 0",
    ],
)
def test_ordinary_code_raises_no_alarm(harmless: str) -> None:
    assert found(harmless) == []


def test_finding_names_path_line_and_clause() -> None:
    findings = find_policy_numbers("a = 1\nb = 0.12\n", "domain/finance/rules.py")

    assert [str(finding) for finding in findings] == [
        "domain/finance/rules.py:2: 0.12 is finance.city_rate_percent of ZH-4.2d: read it from the pack"
    ]
