"""How a desk's search text is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kangqiao.base.search import wanted_key

# A shorter tail of a number would find half the town; the field asks for the last four as a rule.
SHORTEST_NUMBER_TAIL = 4
# Fewer characters than this say nothing about why a record had to be opened in an emergency.
SHORTEST_REASON = 6


@dataclass(frozen=True, slots=True)
class SearchText:
    """What was typed: letters or characters to match search keys, and digits to match the tail of a number."""

    key: str
    tail: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for yet."""
        return not self.key and not self.tail


def read_search(text: str) -> SearchText:
    """The text as a lower-case key without spaces, and as a number tail when it is one.

    A tail is at least four digits, the last of which may be the X of a citizen id (GB 11643).
    """
    key = wanted_key(text)
    digits = key.replace("-", "")
    is_tail = len(digits) >= SHORTEST_NUMBER_TAIL and digits[:-1].isdigit() and digits[-1] in "0123456789x"
    return SearchText(key="" if is_tail else key, tail=digits.upper() if is_tail else "")


def age_on(birth: tuple[int, int, int], day: tuple[int, int, int]) -> int:
    """Full years between two dates given as (year, month, day)."""
    return day[0] - birth[0] - (day[1:] < birth[1:])


def birthday(birth_date: date, years: int) -> date:
    """The day somebody turns so many years old; who was born on 29 February turns so on 1 March of a common year."""
    try:
        return birth_date.replace(year=birth_date.year + years)
    except ValueError:
        return date(birth_date.year + years, 3, 1)
