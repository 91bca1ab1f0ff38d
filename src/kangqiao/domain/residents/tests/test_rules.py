"""How search text is read."""

import pytest

from kangqiao.domain.residents.rules import age_on, read_search


@pytest.mark.parametrize(
    ("typed", "key", "tail"),
    [
        (" Lin Jing Zhe ", "linjingzhe", ""),
        ("林惊蛰", "林惊蛰", ""),
        ("阿依古丽•热合曼", "阿依古丽热合曼", ""),
        ("121x", "", "121X"),
        ("1216", "", "1216"),
        ("154-0000-0427", "", "15400000427"),
        ("121", "121", ""),
        ("xxxx", "xxxx", ""),
        ("  ", "", ""),
    ],
)
def test_text_is_a_key_or_the_tail_of_a_number(typed: str, key: str, tail: str) -> None:
    found = read_search(typed)

    assert (found.key, found.tail) == (key, tail)
    assert found.is_empty is (key == tail == "")


@pytest.mark.parametrize(
    ("day", "years"), [((2026, 3, 4), 61), ((2026, 3, 5), 62), ((2026, 12, 31), 62), ((1964, 3, 5), 0)]
)
def test_age_turns_on_the_birthday(day: tuple[int, int, int], years: int) -> None:
    assert age_on((1964, 3, 5), day) == years
