"""What somebody gets next, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from kangqiao.domain.education.rules import is_due, next_for


@dataclass(frozen=True)
class One:
    pk: int
    audience: tuple[str, ...] = ()


LIBRARY = (One(1), One(2, ("I10", "E11")), One(3, ("J44",)), One(4, ("J44",)), One(5))


@pytest.mark.parametrize(
    ("needs", "had", "expected"),
    [
        (("J44",), (), 3),  # what fits comes before what is for everybody
        (("J44",), (3,), 4),
        (("J44",), (3, 4), 1),  # nothing more that fits: what is for everybody
        (("J44",), (1, 3, 4), 5),
        (("E11", "elderly"), (), 2),
        ((), (), 1),
        (("elderly",), (1, 5), None),
    ],
)
def test_the_first_that_fits_and_was_not_had(
    needs: tuple[str, ...], had: tuple[int, ...], expected: int | None
) -> None:
    found = next_for(LIBRARY, needs, had)

    assert (found and found.pk) == expected


def test_days_between_two_sendings_are_kept() -> None:
    monday = date(2026, 3, 2)

    assert is_due(None, 7, monday)
    assert not is_due(date(2026, 2, 24), 7, monday)
    assert is_due(date(2026, 2, 23), 7, monday)
