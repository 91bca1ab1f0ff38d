"""Invented visits against the rates, shares and order they promise."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kangqiao.engines.synthesis import (
    COMMUNITY,
    FEMALE,
    HOSPITAL,
    REFERRED_DOWN,
    REFERRED_UP,
    Encounters,
    Population,
    PopulationSpec,
    generate_encounters,
    generate_population,
    load_profile,
)

FROM, TO = date(2025, 1, 1), date(2025, 12, 31)
SPEC = PopulationSpec(60_000, TO, load_profile("zhuhai"), (3.0, 2.0, 1.0), (0, 1, 1), (1.0, 2.0))


@pytest.fixture(scope="module")
def people() -> Population:
    return generate_population(SPEC, seed=7)


@pytest.fixture(scope="module")
def year(people: Population) -> Encounters:
    return generate_encounters(people, SPEC, from_date=FROM, to_date=TO, seed=7)


def test_everybody_is_seen_within_the_period_and_after_birth(people: Population, year: Encounters) -> None:
    assert year.date.min() >= np.datetime64(FROM)
    assert year.date.max() <= np.datetime64(TO)
    assert (year.date >= people.birth_date[year.resident]).all()


def test_visits_are_in_order_of_resident_and_date(year: Encounters) -> None:
    key = year.resident.astype(np.int64) * 100_000 + year.date.astype(np.int64)

    assert (np.diff(key) >= 0).all()


def test_rates_follow_age_and_the_national_mean(people: Population, year: Encounters) -> None:
    age = people.age_at(date(2025, 7, 2))
    visits = np.bincount(year.resident, minlength=len(people))

    assert visits.mean() == pytest.approx(6.8, rel=0.03)
    assert visits[age >= 65].mean() / visits[(age >= 15) & (age < 45)].mean() == pytest.approx(14 / 4, rel=0.06)


def test_level_and_referrals_have_their_shares(year: Encounters) -> None:
    community = year.level == COMMUNITY

    assert community.mean() == pytest.approx(0.47, abs=0.01)
    assert year.sent_on[community].mean() == pytest.approx(0.015, abs=0.002)
    assert 0.01 < (year.arrived_by == REFERRED_UP).sum() / community.sum() < 0.02
    assert year.admitted[~community].mean() == pytest.approx(0.071, abs=0.004)
    assert not year.admitted[community].any()
    suitable = year.admitted & np.array([bool(r.condition) for r in year.profile.reasons])[year.reason]
    assert year.sent_on[suitable].mean() == pytest.approx(0.30, abs=0.05)


def test_referred_arrive_at_the_other_level_at_the_right_place(people: Population, year: Encounters) -> None:
    up, down = year.arrived_by == REFERRED_UP, year.arrived_by == REFERRED_DOWN
    lead = np.array(SPEC.centre_hospital)

    assert up.any()
    assert down.any()
    assert (year.level[up] == HOSPITAL).all()
    assert (year.level[down] == COMMUNITY).all()
    assert np.array_equal(year.provider[up], lead[year.from_provider[up]])
    assert np.array_equal(year.provider[down], people.centre[year.resident[down]])
    assert (year.from_provider[year.arrived_by == 0] == -1).all()


def test_most_centre_visits_are_at_the_own_centre(people: Population, year: Encounters) -> None:
    at_centre = year.level == COMMUNITY

    own = (year.provider[at_centre] == people.centre[year.resident[at_centre]]).mean()

    assert 0.92 < own < 0.98, "92 % by intent, and some of the rest by chance"


def test_breathing_infections_peak_in_winter_and_early_summer(year: Encounters) -> None:
    keys = [reason.key for reason in year.profile.reasons]
    cold = year.date[year.reason == keys.index("upper_respiratory_infection")]
    by_month = np.bincount(cold.astype("datetime64[M]").astype(np.int64) % 12, minlength=12)

    assert by_month[0] > 1.6 * by_month[3]
    assert by_month[6] > 1.3 * by_month[8]


def test_reasons_suit_the_person(people: Population, year: Encounters) -> None:
    keys = [reason.key for reason in year.profile.reasons]
    women = people.sex[year.resident[year.reason == keys.index("gynaecological_complaint")]]
    sweet = people.known_conditions[year.resident[year.reason == keys.index("diabetes")]]

    assert (women == FEMALE).all()
    assert len(women) > 0
    assert (sweet & 2 == 2).all()
    assert len(sweet) > 0


def test_same_seed_gives_the_same_visits(people: Population) -> None:
    def week(seed: int) -> str:
        return generate_encounters(people, SPEC, from_date=FROM, to_date=date(2025, 1, 7), seed=seed).digest()

    assert week(1) == week(1) != week(2)


def test_one_day_gives_a_day_s_worth(people: Population) -> None:
    tuesday = generate_encounters(people, SPEC, from_date=date(2025, 4, 1), to_date=date(2025, 4, 1), seed=1)

    assert len(tuesday) == pytest.approx(60_000 * 6.8 / 365 * 1.1 * 0.95, rel=0.15)


def test_period_that_ends_before_it_starts_is_refused(people: Population) -> None:
    with pytest.raises(ValueError, match="2025-12-31 to 2025-01-01"):
        generate_encounters(people, SPEC, from_date=TO, to_date=FROM, seed=1)


def test_nobody_to_see_gives_no_visits() -> None:
    empty = PopulationSpec(0, TO, SPEC.profile, (1.0,), (0,), (1.0,))

    visits = generate_encounters(generate_population(empty, seed=1), empty, from_date=FROM, to_date=TO, seed=1)

    assert len(visits) == 0
