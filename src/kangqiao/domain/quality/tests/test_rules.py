"""A lot that anybody can draw again, and rates that count what was checked."""

import pytest

from kangqiao.domain.quality.rules import Checked, Tally, drawn, tally

STRATA = {2: list(range(100, 140)), 1: list(range(50)), 3: [7, 8]}


def test_the_same_seed_draws_the_same_of_the_same_whatever_the_order() -> None:
    first = drawn(STRATA, 5, 4711)
    turned = drawn({team: ids[::-1] for team, ids in reversed(STRATA.items())}, 5, 4711)

    assert first == turned
    assert first != drawn(STRATA, 5, 4712)
    # Fixed for ever: a lot that was published must come out the same in a later version.
    assert first == {1: [10, 33, 37, 39, 42], 2: [104, 110, 116, 127, 139], 3: [7, 8]}


def test_every_team_gives_its_number_or_all_it_has() -> None:
    found = drawn(STRATA, 5, 1)

    assert {team: len(ids) for team, ids in found.items()} == {1: 5, 2: 5, 3: 2}
    assert all(set(found[team]) <= set(STRATA[team]) for team in STRATA)
    assert drawn({1: []}, 5, 1) == {1: []}


def test_what_changes_in_one_team_leaves_the_lot_of_the_others() -> None:
    changed = STRATA | {1: [*STRATA[1], 999]}

    assert drawn(changed, 5, 4711)[2] == drawn(STRATA, 5, 4711)[2]


def test_over_many_seeds_everybody_is_drawn_about_as_often() -> None:
    times = dict.fromkeys(range(20), 0)
    for seed in range(2_000):
        for one in drawn({1: range(20)}, 5, seed)[1]:
            times[one] += 1

    assert all(400 < count < 600 for count in times.values())


def test_real_are_those_in_which_nothing_found_makes_them_unreal() -> None:
    items = [
        Checked(1, "contract", True, False, []),
        Checked(1, "contract", True, True, ["no_plan"]),
        Checked(1, "contract", True, True, ["no_plan", "unaware"]),
        Checked(1, "contract", False, False, []),
    ]

    found = tally(items, {"unaware"})

    assert found == Tally(drawn=4, checked=3, real=2, with_findings=2, open=2)
    assert found.rate == pytest.approx(200 / 3)
    assert Tally(drawn=4).rate is None
