"""Invented residents against the printed shares, the identity rules and themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from kangqiao.engines.synthesis import FEMALE, MALE, Population, PopulationSpec, generate_population, load_profile
from kangqiao.engines.synthesis.households import full_years
from kangqiao.engines.synthesis.identity import citizen_ids
from kangqiao.kernel.identifiers import birth_date_of, is_citizen_id, sex_of

AS_OF = date(2026, 3, 1)


def spec(residents: int, place: str = "zhuhai", **changes: object) -> PopulationSpec:
    base = PopulationSpec(residents, AS_OF, load_profile(place), (3.0, 2.0, 1.0), (0, 1, 1), (1.0, 2.0))
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def zhuhai() -> Population:
    return generate_population(spec(100_000), seed=7)


@pytest.mark.parametrize(
    ("place", "men", "old"), [("zhuhai", 0.5168, 0.0683), ("futian", 0.5176, 0.0547), ("xuhui", 0.5177, 0.1916)]
)
def test_sex_and_old_age_follow_the_printed_shares(place: str, men: float, old: float) -> None:
    people = generate_population(spec(100_000, place), seed=3)

    assert np.mean(people.sex == MALE) == pytest.approx(men, abs=0.006)
    assert np.mean(people.age_at(AS_OF) >= 65) == pytest.approx(old, abs=0.004)


def test_pyramid_of_futian_is_kept_as_printed() -> None:
    pyramid = load_profile("futian").pyramid

    assert pyramid.sum() == pytest.approx(1)
    assert pyramid[:, 25:30].sum(axis=1) == pytest.approx([0.0678, 0.0624], rel=0.001)
    assert pyramid[:, 85:].sum() == pytest.approx(0.0033, rel=0.001)


def test_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    first, again, other = (generate_population(spec(2_000), seed=seed) for seed in (5, 5, 6))

    assert first.digest() == again.digest() != other.digest()


def test_ages_are_exact_on_the_day_asked_for(zhuhai: Population) -> None:
    assert zhuhai.birth_date.max() <= np.datetime64(AS_OF)
    for row in range(0, 700, 7):
        born: date = zhuhai.birth_date[row].astype(object)
        years = AS_OF.year - born.year - ((AS_OF.month, AS_OF.day) < (born.month, born.day))
        assert zhuhai.age_at(AS_OF)[row] == years


def test_leap_day_birthday_turns_a_year_older_on_the_first_of_march() -> None:
    born = np.array(["2000-02-29"], "datetime64[D]")

    assert [int(full_years(born, day)[0]) for day in (date(2001, 2, 28), date(2001, 3, 1))] == [0, 1]


def test_citizen_ids_are_well_formed_distinct_and_of_no_province(zhuhai: Population) -> None:
    ids = [raw.decode() for raw in zhuhai.citizen_id]

    assert len(set(ids)) == len(ids)
    assert {text[:2] for text in ids} == {"47"}
    for row in range(0, len(ids), 50):
        assert is_citizen_id(ids[row])
        assert birth_date_of(ids[row]) == zhuhai.birth_date[row].astype(object)
        assert sex_of(ids[row]) == ("male" if zhuhai.sex[row] == MALE else "female")


def test_more_people_of_one_day_than_numbers_are_refused() -> None:
    born = np.full(501, np.datetime64("1980-01-01"))
    sex = np.full(501, FEMALE, np.uint8)

    assert len(np.unique(citizen_ids(("470404", "470405"), born, sex))) == 501
    with pytest.raises(ValueError, match="divisions"):
        citizen_ids(("470404",), born, sex)


def test_grown_ups_have_phones_of_their_own_and_children_that_of_their_home(zhuhai: Population) -> None:
    age = zhuhai.age_at(AS_OF)
    own = zhuhai.phone[age >= 12]
    head_phone = {int(zhuhai.household[row]): zhuhai.phone[row] for row in np.flatnonzero(zhuhai.household_head)}

    assert len(np.unique(own)) == len(own)
    assert all(raw.startswith(b"154") and len(raw) == 11 for raw in own[:500])
    assert all(zhuhai.phone[row] == head_phone[int(zhuhai.household[row])] for row in np.flatnonzero(age < 12)[:500])


def test_homes_have_one_head_lie_at_one_centre_and_match_the_mean_size(zhuhai: Population) -> None:
    homes = int(zhuhai.household.max()) + 1
    centres = Counter(zip(zhuhai.household.tolist(), zhuhai.centre.tolist(), strict=True))

    assert len(zhuhai) / homes == pytest.approx(2.43, abs=0.01)
    assert np.array_equal(np.bincount(zhuhai.household, weights=zhuhai.household_head), np.ones(homes))
    assert len(centres) == homes


def test_centres_get_their_share(zhuhai: Population) -> None:
    assert np.bincount(zhuhai.centre) / len(zhuhai) == pytest.approx([3 / 6, 2 / 6, 1 / 6], abs=0.006)


def test_conditions_follow_prevalence_and_only_some_know(zhuhai: Population) -> None:
    age = zhuhai.age_at(AS_OF)
    tense, sweet = zhuhai.conditions & 1 == 1, zhuhai.conditions & 2 == 2
    knows = zhuhai.known_conditions & 1 == 1

    assert tense[(age >= 45) & (age < 65)].mean() == pytest.approx(0.424, abs=0.015)
    assert sweet[(age >= 50) & (age < 60)].mean() == pytest.approx(0.18, abs=0.015)
    assert not (knows & ~tense).any()
    assert knows.sum() / tense.sum() == pytest.approx(0.516, abs=0.015)
    middle = (age >= 50) & (age < 60)
    assert sweet[middle & tense].mean() > 1.5 * sweet[middle & ~tense].mean()


def test_key_groups_follow_age_sex_and_known_conditions(zhuhai: Population) -> None:
    keys = [group.key for group in zhuhai.profile.key_groups]
    age = zhuhai.age_at(AS_OF)

    def member(key: str) -> np.ndarray:
        return zhuhai.key_groups >> keys.index(key) & 1 == 1

    assert np.array_equal(member("child_0_6"), age < 7)
    assert np.array_equal(member("elderly_65"), age >= 65)
    assert np.array_equal(member("hypertension"), zhuhai.known_conditions & 1 == 1)
    assert (zhuhai.sex[member("pregnant")] == FEMALE).all()
    assert member("pregnant").any()


def test_names_are_many_and_some_are_hard(zhuhai: Population) -> None:
    names = zhuhai.names()

    assert len(set(names)) > 40_000
    assert 100 < sum("·" in name for name in names) < 600
    assert any("䶮" in name for name in names)
    assert any(max(map(ord, name)) > 0xFFFF for name in names)
    assert {"单", "曾", "解", "仇", "乐", "查", "朴", "盖"} <= {name[0] for name in names}
    assert all(2 <= len(name) <= 4 for name in names if "·" not in name)


def test_children_bear_a_surname_of_their_home(zhuhai: Population) -> None:
    child = (zhuhai.age_at(AS_OF) < 18) & (zhuhai.surname != 65535)
    grown = {(int(h), int(s)) for h, s in zip(zhuhai.household[~child], zhuhai.surname[~child], strict=True)}
    same = [(int(zhuhai.household[row]), int(zhuhai.surname[row])) in grown for row in np.flatnonzero(child)[:2000]]

    assert np.mean(same) > 0.97, "all but those whose parent has a two-part name"


def test_rows_say_what_the_columns_say(zhuhai: Population) -> None:
    row = next(zhuhai.residents())

    assert row.citizen_id == zhuhai.citizen_id[0].decode()
    assert row.birth_date == zhuhai.birth_date[0].astype(object)
    assert row.insured in ("employee", "resident", "other", "none")


def test_columns_stay_small(zhuhai: Population) -> None:
    columns = [getattr(zhuhai, column.name) for column in fields(zhuhai)]

    assert sum(column.nbytes for column in columns if isinstance(column, np.ndarray)) / len(zhuhai) < 100


@pytest.mark.parametrize("residents", [0, 1, 2, 25])
def test_tiny_populations_work(residents: int) -> None:
    people = generate_population(spec(residents), seed=1)

    assert len(people) == residents == len(list(people.residents()))
    assert (people.household >= 0).all()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"residents": -1}, "needs a size"),
        ({"centre_weights": ()}, "needs a size"),
        ({"centre_weights": (1.0, -1.0, 1.0)}, "needs a size"),
        ({"centre_hospital": (0, 1)}, "every centre needs its lead hospital"),
        ({"centre_hospital": (0, 1, 2)}, "points nowhere"),
    ],
)
def test_spec_that_does_not_hang_together_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(spec(10), **changes)  # type: ignore[arg-type]


def test_unknown_place_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="futian, xuhui, zhuhai"):
        load_profile("atlantis")
