"""When a message goes out, how often it is tried, and what it may say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from kangqiao.domain.messaging import rules
from kangqiao.domain.messaging.parameters import DeliveryParameters, delivery_at

CHINA = ZoneInfo("Asia/Shanghai")
TERMS = DeliveryParameters(21, 8, visit_hours=3, tries=4, retry_minutes=5, report_hours=24, ref="x")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def clock(hour: int, minute: int = 0, day: int = 14) -> datetime:
    return datetime(2026, 5, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("moment", "goes"),
    [
        (clock(8), clock(8)),
        (clock(20, 59), clock(20, 59)),
        (clock(21), clock(8, day=15)),
        (clock(23, 59), clock(8, day=15)),
        (clock(0), clock(8)),
        (clock(7, 59), clock(8)),
    ],
)
def test_nothing_goes_out_at_night(moment: datetime, goes: datetime) -> None:
    assert rules.due(moment, TERMS) == goes


@pytest.mark.parametrize(
    ("moment", "visit", "goes"),
    [
        (clock(22), clock(11, day=15), clock(22)),
        (clock(22), clock(11, 1, day=15), clock(8, day=15)),
        (clock(6), clock(9), clock(6)),
        (clock(6), clock(5), clock(6)),
        (clock(12), clock(14), clock(12)),
    ],
)
def test_a_visit_that_would_be_too_near_in_the_morning_does_not_wait(
    moment: datetime, visit: datetime, goes: datetime
) -> None:
    assert rules.due(moment, TERMS, visit) == goes


def test_each_repeat_waits_twice_as_long_and_after_the_last_there_is_none() -> None:
    tries = [rules.next_try(clock(9), number, TERMS) for number in (1, 2, 3, 4)]

    assert tries == [clock(9, 5), clock(9, 10), clock(9, 20), None]
    assert rules.next_try(clock(20, 58), 1, TERMS) == clock(8, day=15)


def test_a_report_is_asked_for_at_growing_distance_for_a_day() -> None:
    sent = clock(9)

    assert rules.next_question(sent, sent, TERMS) == sent + 5 * MINUTE
    assert rules.next_question(sent + HOUR, sent, TERMS) == sent + 2 * HOUR
    assert rules.next_question(sent + 24 * HOUR, sent, TERMS) is None


@pytest.mark.parametrize(
    ("said", "mobile"),
    [
        ("13800000000", "13800000000"),
        ("+86 138-0000-0000", "13800000000"),
        ("8613800000000", "13800000000"),
        ("（0756）", ""),
        ("0756-2222222", ""),
        ("138000000001", ""),
        ("", ""),
    ],
)
def test_only_a_mobile_takes_text_messages(said: str, mobile: str) -> None:
    assert rules.mobile(said) == mobile


def test_every_template_says_house_time_and_place_and_nothing_else() -> None:
    given = {"house": "香湾中心", "when": "05-15 09:00", "where": "市人民医院", "time": "2026年05月15日 09:00"}

    for language in ("zh-hans", "en"):
        with translation.override(language):
            for kind in rules.TEMPLATES:
                words = rules.outside(kind, **given)
                assert words.template == kind
                assert set(words.values) <= set(given)
                assert "%(" not in words.text
                assert "香湾中心" in words.text


def test_a_kind_without_template_or_without_its_visit_is_told_in_the_plain_words() -> None:
    plain = rules.outside("referral", house="香湾中心")

    assert plain.text == "【香湾中心】您有一条新消息，请登录康桥查看。"
    assert rules.outside("session_withdrawn", house="香湾中心") == plain
    assert rules.outside("survey", house="香湾中心", when="05-15 09:00", where="医院") == plain


def test_the_hours_are_settings_of_the_packs() -> None:
    terms = delivery_at("4404", date(2026, 5, 14))

    assert (terms.quiet_from, terms.quiet_until, terms.visit_hours) == (21, 8, 3)
    assert (terms.tries, terms.retry_minutes, terms.report_hours) == (6, 5, 24)


@pytest.mark.parametrize(
    ("channel", "told", "found"),
    [
        ("sms", "+86 138-0000-0000", "13800000000"),
        ("sms", "oLVPpjqs9BhvzwPj5A-vTYAX3GLc", ""),
        ("wechat", "oLVPpjqs9BhvzwPj5A-vTYAX3GLc", "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        ("wechat", "", ""),
        ("wechat", "a b", ""),
    ],
)
def test_each_channel_knows_its_addresses(channel: str, told: str, found: str) -> None:
    assert rules.address(channel, told) == found
