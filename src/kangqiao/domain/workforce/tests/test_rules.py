"""Titles and absences as plain values."""

from datetime import date

import pytest

from kangqiao.domain.workforce.models import Practitioner
from kangqiao.domain.workforce.rules import TITLE_ORDER, grade_at_least, is_away


@pytest.mark.parametrize(
    ("grade", "reaches"),
    [("resident", False), ("attending", False), ("associate_senior", True), ("senior", True)],
)
def test_a_grade_reaches_a_minimum_that_includes_itself(grade: str, reaches: bool) -> None:
    assert grade_at_least(grade, "associate_senior") is reaches


def test_the_order_knows_every_title_there_is() -> None:
    assert set(TITLE_ORDER) == set(Practitioner.TitleGrade.values)


def test_an_unknown_grade_is_an_error_and_not_a_no() -> None:
    with pytest.raises(ValueError, match="chief"):
        grade_at_least("chief", "attending")


@pytest.mark.parametrize(
    ("day", "half", "away"),
    [
        (date(2026, 5, 17), "am", False),
        (date(2026, 5, 18), "am", True),
        (date(2026, 5, 20), "am", True),
        (date(2026, 5, 21), "am", False),
        (date(2026, 5, 19), "pm", False),
    ],
)
def test_an_absence_covers_its_days_and_its_half(day: date, half: str, away: bool) -> None:
    assert is_away(date(2026, 5, 18), date(2026, 5, 20), "am", day, half) is away


def test_an_absence_without_a_half_covers_the_whole_day() -> None:
    assert is_away(date(2026, 5, 18), date(2026, 5, 18), "", date(2026, 5, 18), "pm")
