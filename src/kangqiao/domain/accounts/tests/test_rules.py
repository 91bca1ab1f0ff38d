"""Codes, waits and the end of a sign-in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kangqiao.domain.accounts import rules
from kangqiao.domain.accounts.parameters import BRAKING

NOON = datetime(2026, 5, 14, 4, 0, tzinfo=UTC)
# RFC 6238 appendix B, the last six digits of the SHA-1 column.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(("moment", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(moment: int, code: str) -> None:
    at = datetime.fromtimestamp(moment, UTC)

    assert rules.code_at(RFC_SECRET, rules.step_of(at)) == code
    assert rules.matching_step(RFC_SECRET, code, at, 0) == rules.step_of(at)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_phone_may_be_one_step_off_and_no_more(seconds: int, is_taken: bool) -> None:
    shown = rules.code_at(RFC_SECRET, rules.step_of(NOON + timedelta(seconds=seconds)))

    assert (rules.matching_step(RFC_SECRET, shown, NOON, 0) is not None) is is_taken


def test_a_step_that_was_taken_is_not_taken_again_nor_one_before_it() -> None:
    here = rules.step_of(NOON)

    codes = [rules.code_at(RFC_SECRET, here + apart) for apart in (-1, 0, 1)]

    assert [rules.matching_step(RFC_SECRET, code, NOON, here) for code in codes] == [None, None, here + 1]


def test_waits_double_up_to_the_longest() -> None:
    waits = [rules.wait_seconds(blocks) for blocks in range(8)]

    assert waits[:5] == [60, 120, 240, 480, 900]
    assert set(waits[4:]) == {BRAKING.longest_wait_seconds}


@pytest.mark.parametrize(
    ("is_resident", "idle", "age", "why"),
    [
        (False, timedelta(minutes=14), timedelta(hours=1), ""),
        (False, timedelta(minutes=15), timedelta(hours=1), "idle"),
        (True, timedelta(minutes=29), timedelta(hours=1), ""),
        (True, timedelta(minutes=30), timedelta(hours=1), "idle"),
        (False, timedelta(0), timedelta(hours=12), "absolute"),
        (True, timedelta(0), timedelta(hours=11, minutes=59), ""),
    ],
)
def test_a_sign_in_is_over_when_left_alone_or_too_old(
    is_resident: bool, idle: timedelta, age: timedelta, why: str
) -> None:
    assert rules.over(is_resident=is_resident, started_at=NOON - age, seen_at=NOON - idle, now=NOON) == why


def test_recovery_codes_are_many_and_read_however_they_are_typed() -> None:
    codes = {rules.new_recovery_code() for _turn in range(200)}
    one = codes.pop()

    assert len(codes) == 199
    assert rules.looks_like_recovery_code(one)
    assert rules.recovery_digest(one.upper().replace("-", " ")) == rules.recovery_digest(one)
    assert not rules.looks_like_recovery_code("123456")
    # What is kept is a plain digest: at least 112 random bits stand behind it (ASVS 6.5.2).
    assert len(rules.PLAIN) ** len(one.replace("-", "")) >= 2**112


def test_the_picture_says_what_apps_read() -> None:
    uri = rules.provisioning_uri(RFC_SECRET, "gp-1", "康桥")

    assert uri.startswith("otpauth://totp/%E5%BA%B7%E6%A1%A5%3Agp-1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")
