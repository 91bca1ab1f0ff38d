"""Invented visits: how often by age, why by season and condition, at which level, with referrals both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kangqiao.engines.synthesis.population import Population, PopulationSpec, Progress, digest_of
from kangqiao.engines.synthesis.profile import FEMALE, MALE, REASON_AGES, Floats, Profile

COMMUNITY, HOSPITAL = 0, 1
"""Levels of care: a provider index means a centre at level 0, a hospital at level 1."""

NOT_REFERRED, REFERRED_UP, REFERRED_DOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Encounters:
    """Visits in columns of one length, in order of resident and then date.

    `resident` row of the population; `date` days; `level` 0 centre, 1 hospital; `provider` index of the centre or
    hospital; `specialty` and `reason` index the profile's lists; `admitted` marks a hospital stay; `arrived_by` 0 on
    one's own, 1 by up-referral, 2 by down-referral, and then `from_provider` is the sender's index at the other level
    (-1 otherwise); `sent_on` marks the visit that sent somebody on, also when the arrival lies after the period.
    """

    profile: Profile
    resident: NDArray[np.int32]
    date: NDArray[np.datetime64]
    level: NDArray[np.uint8]
    provider: NDArray[np.int32]
    specialty: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    admitted: NDArray[np.bool_]
    sent_on: NDArray[np.bool_]
    arrived_by: NDArray[np.uint8]
    from_provider: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.resident)

    def digest(self) -> str:
        """A SHA-256 of every column: equal for equal seeds and specs."""
        return digest_of(self)


_Columns = dict[str, NDArray[Any]]


def generate_encounters(
    population: Population,
    spec: PopulationSpec,
    *,
    from_date: date,
    to_date: date,
    seed: int,
    progress: Progress | None = None,
) -> Encounters:
    """Invent the visits from `from_date` to `to_date`, both included.

    Rates are those of the profile for the age on the middle day, scaled so that the population's mean is the profile's.
    Nobody is seen before birth. Raises ValueError when the period is empty.
    """
    if to_date < from_date:
        raise ValueError(f"a period of visits must not end before it starts: {from_date} to {to_date}")
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence((seed, 1)).spawn(4)]
    tell = progress or (lambda share, step: None)
    days = np.arange(np.datetime64(from_date), np.datetime64(to_date) + np.timedelta64(1, "D"))
    seasons = {key: day_weights(population.profile, key, days) for key in population.profile.seasons}
    visits = _visits(streams[0], population, days, seasons)
    tell(0.4, "visits")
    _where(streams[1], visits, population, spec)
    tell(0.6, "places")
    arrivals = _up(streams[2], visits, population.profile, spec)
    stays = _admissions(streams[3], visits, arrivals, population, spec)
    tell(0.8, "referrals")
    table = _joined([visits, arrivals, stays])
    inside = (table["date"] >= np.maximum(population.birth_date[table["resident"]], days[0])) & (
        table["date"] <= days[-1]
    )
    table = {key: column[inside] for key, column in table.items()}
    order = np.lexsort((table["date"], table["resident"]))
    tell(1.0, "order")
    return Encounters(population.profile, **{key: column[order] for key, column in table.items()})


def day_weights(profile: Profile, season: str, days: NDArray[np.datetime64]) -> Floats:
    """How busy each day is for a season's reasons, as a factor of an average day (month times weekday)."""
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
    weekdays = np.array(profile.visits.weekday_weights)
    factors: Floats = profile.seasons[season][month] * (weekdays / weekdays.mean())[weekday]
    return factors


def _visits(
    rng: np.random.Generator,
    population: Population,
    days: NDArray[np.datetime64],
    seasons: Mapping[str, Floats],
) -> _Columns:
    profile = population.profile
    rules = profile.visits
    middle: date = days[len(days) // 2].astype(object)
    age = np.maximum(population.age_at(middle), 0)
    rate = rules.per_person_year.at(age)
    rate *= rules.per_person_year_mean / rate.mean() if len(rate) else 1
    busy = np.array([seasons[reason.season].mean() for reason in profile.reasons])
    combination = _combination(population, age)
    weights = _reason_weights(profile)
    share = weights / weights.sum(axis=1, keepdims=True)
    rate *= (share @ busy)[combination]
    leaning = rng.gamma(rules.spread_shape, 1 / rules.spread_shape, len(rate))
    count = rng.poisson(rate * leaning * len(days) / 365.25)
    resident = np.repeat(np.arange(len(count), dtype=np.int32), count)
    seasonal = share * busy
    reason = _drawn_by_row(rng, seasonal, combination[resident])
    return {
        "resident": resident,
        "date": _dates(rng, profile, reason, days, seasons),
        "reason": reason.astype(np.uint8),
    }


def _combination(population: Population, age: NDArray[np.int32]) -> NDArray[np.int64]:
    """Row of `_reason_weights` for each resident: sex, then age band, then set of known conditions."""
    band = np.searchsorted(REASON_AGES, age, side="right") - 1
    group = (population.sex.astype(np.int64) - MALE) * len(REASON_AGES) + band
    return group * (1 << len(population.profile.conditions)) + population.known_conditions


def _reason_weights(profile: Profile) -> Floats:
    """Weight of each reason (columns) for every sex, age band and set of known conditions (rows)."""
    sets = np.arange(1 << len(profile.conditions))
    position = {condition.key: i for i, condition in enumerate(profile.conditions)}
    weights = np.zeros((2, len(REASON_AGES), len(sets), len(profile.reasons)))
    for column, reason in enumerate(profile.reasons):
        knows = (sets >> position[reason.condition] & 1) if reason.condition else np.ones(len(sets))
        for row, sex in enumerate((MALE, FEMALE)):
            if reason.sex in (0, sex):
                weights[row, :, :, column] = np.outer(reason.weights, knows)
    return weights.reshape(-1, len(profile.reasons))


def _drawn_by_row(rng: np.random.Generator, weights: Floats, row: NDArray[np.int64]) -> NDArray[np.int64]:
    """One column for each entry of `row`, drawn by that row's weights: one search in all rows laid end to end."""
    shares = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    shares[:, -1] = 1
    laid = (shares + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(laid, row + rng.random(len(row)), side="right") - row * weights.shape[1]
    drawn: NDArray[np.int64] = np.clip(found, 0, weights.shape[1] - 1)
    return drawn


def _dates(
    rng: np.random.Generator,
    profile: Profile,
    reason: NDArray[np.int64],
    days: NDArray[np.datetime64],
    seasons: Mapping[str, Floats],
) -> NDArray[np.datetime64]:
    keys = list(seasons)
    season_of = np.array([keys.index(reason.season) for reason in profile.reasons])
    table = np.array([seasons[key] for key in keys])
    return days[_drawn_by_row(rng, table, season_of[reason])]


def _where(rng: np.random.Generator, visits: _Columns, population: Population, spec: PopulationSpec) -> None:
    """Level, provider and specialty of each visit, and the columns of referral at their empty values."""
    profile, rules = population.profile, population.profile.visits
    size = len(visits["resident"])
    own = population.centre[visits["resident"]]
    level = np.where(rng.random(size) < rules.basic_share, COMMUNITY, HOSPITAL).astype(np.uint8)
    elsewhere = _weighted(rng, spec.centre_weights, size)
    centre = np.where(rng.random(size) < rules.own_centre_share, own, elsewhere)
    lead = np.asarray(spec.centre_hospital, np.int32)[own]
    hospital = np.where(rng.random(size) < rules.lead_hospital_share, lead, _weighted(rng, spec.hospital_weights, size))
    visits["level"] = level
    visits["provider"] = np.where(level == COMMUNITY, centre, hospital).astype(np.int32)
    visits["specialty"] = _specialty(profile, visits["reason"], level)
    visits |= _not_referred(size)


def _not_referred(size: int) -> _Columns:
    return {
        "admitted": np.zeros(size, np.bool_),
        "sent_on": np.zeros(size, np.bool_),
        "arrived_by": np.zeros(size, np.uint8),
        "from_provider": np.full(size, -1, np.int32),
    }


def _weighted(rng: np.random.Generator, weights: tuple[float, ...], size: int) -> NDArray[np.int32]:
    shares = np.cumsum(np.asarray(weights, np.float64))
    drawn = np.searchsorted(shares / shares[-1], rng.random(size), side="right")
    return np.minimum(drawn, len(weights) - 1).astype(np.int32)


def _specialty(profile: Profile, reason: NDArray[np.uint8], level: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A hospital sees a reason under its specialty; a centre too where it keeps that specialty, else as its own."""
    position = {key: i for i, key in enumerate(profile.specialties)}
    at_hospital = np.array([position[reason.specialty] for reason in profile.reasons], np.uint8)
    at_centre = np.array(
        [
            position[r.specialty if r.specialty in profile.community_kept else profile.community_specialty]
            for r in profile.reasons
        ],
        np.uint8,
    )
    chosen: NDArray[np.uint8] = np.where(level == COMMUNITY, at_centre[reason], at_hospital[reason])
    return chosen


def _up(rng: np.random.Generator, visits: _Columns, profile: Profile, spec: PopulationSpec) -> _Columns:
    """Hospital visits that centres sent people to: at the lead hospital of the sending centre, days later."""
    rules = profile.visits
    sent = (visits["level"] == COMMUNITY) & (rng.random(len(visits["level"])) < rules.up_referral_share)
    visits["sent_on"] |= sent
    rows = np.flatnonzero(sent)
    delay = rng.integers(1, rules.referral_delay_days_max + 1, len(rows))
    hospital = np.asarray(spec.centre_hospital, np.int32)[visits["provider"][rows]]
    return _arrivals(profile, visits, rows, delay, HOSPITAL, hospital, REFERRED_UP)


def _admissions(
    rng: np.random.Generator, visits: _Columns, arrivals: _Columns, population: Population, spec: PopulationSpec
) -> _Columns:
    """Mark hospital stays, and return the centre visits that follow a discharge with a down-referral.

    Suitable for going down is a stay for a long-term condition; the person goes to their own centre.
    """
    profile = population.profile
    rules = profile.visits
    long_term = np.array([bool(reason.condition) for reason in profile.reasons])
    both = []
    for table in (visits, arrivals):
        size = len(table["level"])
        table["admitted"] = (table["level"] == HOSPITAL) & (rng.random(size) < rules.admitted_share)
        suitable = table["admitted"] & long_term[table["reason"]]
        down = suitable & (rng.random(size) < rules.down_referral_share)
        table["sent_on"] = table["sent_on"] | down
        rows = np.flatnonzero(down)
        stay = rng.geometric(1 / rules.stay_days_mean, len(rows))
        delay = stay + rng.integers(1, rules.referral_delay_days_max + 1, len(rows))
        centre = population.centre[table["resident"][rows]]
        both.append(_arrivals(profile, table, rows, delay, COMMUNITY, centre, REFERRED_DOWN))
    return _joined(both)


def _arrivals(
    profile: Profile,
    senders: _Columns,
    rows: NDArray[np.int64],
    delay: NDArray[np.int64],
    level: int,
    provider: NDArray[np.int32],
    arrived_by: int,
) -> _Columns:
    size = len(rows)
    levels = np.full(size, level, np.uint8)
    return _not_referred(size) | {
        "resident": senders["resident"][rows],
        "date": senders["date"][rows] + delay.astype("timedelta64[D]"),
        "level": levels,
        "provider": provider.astype(np.int32),
        "specialty": _specialty(profile, senders["reason"][rows], levels),
        "reason": senders["reason"][rows],
        "arrived_by": np.full(size, arrived_by, np.uint8),
        "from_provider": senders["provider"][rows],
    }


def _joined(tables: list[_Columns]) -> _Columns:
    return {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}
