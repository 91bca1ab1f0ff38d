"""Values over periods: what the drawing's figures are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from kangqiao.base.trends import EDGE, HEIGHT, WIDTH, drawn, drawn_in_bands
from kangqiao.kernel.period import quarters


def test_highest_is_at_the_top_and_a_gap_joins_nothing() -> None:
    trend = drawn([("a", Decimal(5)), ("b", None), ("c", Decimal(10)), ("d", Decimal(0))])

    assert [(point.x, point.y) for point in trend.points if point.value is not None] == [
        (EDGE, HEIGHT // 2), (round(EDGE + (WIDTH - 2 * EDGE) / 3 * 2), EDGE), (WIDTH - EDGE, HEIGHT - EDGE)
    ]  # fmt: skip
    assert [(one.label, other.label) for one, other in trend.lines] == [("c", "d")]


def test_a_band_lies_within_the_drawing_and_two_rows_share_its_scale() -> None:
    upper, lower = [("a", Decimal(150)), ("b", Decimal(130))], [("a", Decimal(95)), ("b", Decimal(80))]
    trend = drawn_in_bands(upper, lower, [(Decimal(90), Decimal(140))])

    ((top, high),) = trend.bands
    assert trend.beside is not None
    assert EDGE < trend.points[0].y < top < trend.points[1].y  # 150 above the band, 130 in it
    assert top < trend.beside.points[0].y < top + high < trend.beside.points[1].y < HEIGHT - EDGE
    assert [(one.value, other and other.value) for one, other in trend.rows] == [(150, 95), (130, 80)]
    assert [(one.value, other and other.value) for one, other in trend.ends] == [(150, 95), (130, 80)]
    assert trend.targets == ((90, 140),)
    assert drawn_in_bands([]).points == ()


def test_nothing_known_draws_nothing() -> None:
    assert drawn([]).known == []
    assert drawn([]).ends == []
    assert len(drawn([("a", None), ("b", 3)]).ends) == 1
    assert drawn([("a", None)]).lines == ()
    assert drawn([("a", Decimal(0))]).points[0].y == HEIGHT - EDGE


def test_quarters_end_with_the_one_of_the_day_before() -> None:
    found = quarters(date(2026, 1, 1), 2)

    assert [(one.start, one.end) for one in found] == [
        (date(2025, 7, 1), date(2025, 10, 1)), (date(2025, 10, 1), date(2026, 1, 1))
    ]  # fmt: skip
    assert quarters(date(2026, 1, 2), 1)[0].start == date(2026, 1, 1)
