"""Figures and times as a reader sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from kangqiao.base.templatetags import kq
from kangqiao.kernel.states import Look, State

NOW = datetime(2026, 5, 14, 2, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fen", "expected"),
    [(123_450, "¥1,234.50"), (0, "¥0.00"), (-5, "−¥0.05"), (142_317_950, "¥1,423,179.50"), (None, "未知")],
)
def test_money_shows_fen_as_yuan(fen: int | None, expected: str) -> None:
    assert kq.money(fen) == expected


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [(1284, None, "1,284"), (0, None, "0"), (-1200, None, "−1,200"), (39.5, 1, "39.5"), (None, None, "未知")],
)
def test_num_groups_thousands(value: float | None, places: int | None, expected: str) -> None:
    assert kq.num(value, places) == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (timedelta(hours=2, minutes=34), "还剩 2 小时 34 分"),
        (timedelta(days=3, hours=22), "还剩 3 天 22 小时"),
        (timedelta(minutes=4, seconds=32), "还剩 4 分"),
        (timedelta(seconds=20), "还剩 20 秒"),
        (timedelta(0), "还剩 0 秒"),
        (timedelta(hours=-3, minutes=-10), "3 小时前"),
        (timedelta(days=-23), "23 天前"),
        (timedelta(seconds=-20), "刚刚"),
    ],
)
def test_relative_tells_time_in_words(offset: timedelta, expected: str) -> None:
    with translation.override("zh-hans"):
        assert kq.relative(NOW + offset, NOW) == expected


def test_masked_hides_the_middle() -> None:
    assert kq.masked("440402196403051216") == "440402********1216"
    assert kq.masked("13800000427") == "138****0427"
    assert kq.masked("K1234567") == "K*******"
    assert kq.masked("") == "未知"


def test_day_weekday_and_halfday() -> None:
    assert kq.day(date(2026, 5, 18)) == "5月18日 周一"
    assert kq.weekday(date(2026, 5, 24)) == "周日"
    assert (kq.halfday("am"), kq.halfday("pm")) == ("上午", "下午")
    assert kq.halfday(NOW) == "上午"  # 10:32 in China


def test_called_reads_the_name_in_the_readers_language() -> None:
    state = State("sent", "已发出", "Sent", Look.GO)

    with translation.override("zh-hans"):
        assert kq.called(state) == "已发出"
    with translation.override("en"):
        assert kq.called(state) == "Sent"


@pytest.mark.parametrize(
    ("state", "expected"), [(State("x", "甲", "x", Look.BACK), "back"), ("done", "done"), ("?", "gone")]
)
def test_look_is_one_of_five(state: object, expected: str) -> None:
    assert kq.look(state) == expected


def test_no_two_of_36_specialties_look_alike() -> None:
    drawn = [kq.shape(number) for number in range(1, 37)]

    assert [kq.hue(number) for number in (1, 6, 7)] == ["c1", "c6", "c2"]
    assert all(kq.hue(number) in picture for number, picture in enumerate(drawn, 1))
    assert len(set(drawn)) == 36


@pytest.mark.parametrize(("done", "total", "expected"), [(3, 4, 0.75), (0, 0, 0.0), (9, 4, 1.0)])
def test_share_of_stays_within_the_bar(done: int, total: int, expected: float) -> None:
    assert kq.share_of(done, total) == expected
