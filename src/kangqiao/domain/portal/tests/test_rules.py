from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kangqiao.domain.portal import rules
from kangqiao.domain.portal.parameters import portal_at

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("早上起来胸痛，出冷汗", ["胸痛"]),
        ("胸 痛", ["胸痛"]),
        ("没有胸痛", ["胸痛"]),
        ("Chest  Pain since morning", ["chest pain"]),
        ("突然说不出话，一侧无力", ["说不出话", "一侧无力"]),
        ("血压药早上吃还是晚上吃", []),
    ],
)
def test_words_of_danger_are_found_however_they_are_typed(text: str, found: list[str]) -> None:
    assert rules.dangers_in(text, portal_at("4404", date(2026, 3, 2)).red_flags) == found


def test_clock_is_short_where_it_is_urgent() -> None:
    assert rules.due_at(AT, is_urgent=False, hours=24, minutes=15) == AT + timedelta(hours=24)
    assert rules.due_at(AT, is_urgent=True, hours=24, minutes=15) == AT + timedelta(minutes=15)


def test_minutes_are_whole_ones() -> None:
    assert rules.minutes_between(AT, AT + timedelta(minutes=20, seconds=59)) == 20
