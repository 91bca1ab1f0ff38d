"""Codes that are scanned: read however they are typed, and never made up."""

from __future__ import annotations

from typing import Any

import pytest

from kangqiao.base.codes import code_of, number_of

CODE = code_of("visit", 4711)


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.replace(" ", ""),
        CODE.lower(),
        f"  {CODE}\n",
        f"4712 {CODE}",
        f"{CODE}ABCD EFGH",
        f"X{CODE}Y",
        CODE.replace(" ", "-"),
        CODE.translate({ord(one): ord(one) + 0xFEE0 for one in CODE if one != " "}),
    ],
)
def test_it_is_read_however_it_is_typed(typed: str) -> None:
    assert number_of("visit", typed) == 4711


def test_one_letter_changed_names_nothing() -> None:
    letters = CODE.replace(" ", "")
    for place, letter in enumerate(letters):
        other = "A" if letter != "A" else "B"
        assert number_of("visit", letters[:place] + other + letters[place + 1 :]) is None


@pytest.mark.parametrize("typed", ["", "4711", "https://example.cn/4711", CODE[:-1], CODE[1:], "é" * 24, "\x00" * 24])
def test_anything_else_names_nothing(typed: str) -> None:
    assert number_of("visit", typed) is None


def test_another_purpose_and_another_site_make_another_code(settings: Any) -> None:
    assert number_of("paper", CODE) is None
    settings.SECRET_KEY = "another"
    assert number_of("visit", CODE) is None


def test_numbers_keep_their_own_code() -> None:
    codes = {code_of("visit", number) for number in range(2000)}

    assert len(codes) == 2000
    assert {len(code) for code in codes} == {29}
    assert number_of("visit", code_of("visit", 2**48 - 1)) == 2**48 - 1
