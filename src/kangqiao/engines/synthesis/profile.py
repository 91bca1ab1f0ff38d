"""What invented people look like: ages, health, names and use of care, read from the packaged profiles.

Every figure and its source stands in `profiles/*.yaml`; this module only gives them types and refuses nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OLDEST_AGE = 105
"""The open last band of a pyramid ends here."""


@dataclass(frozen=True, slots=True)
class ByAge:
    """A step function of age in full years: `values[i]` holds from `ages[i]` up to the next."""

    ages: Floats
    values: Floats

    def at(self, age: NDArray[np.integer[Any]]) -> Floats:
        """The value at each age."""
        return self.values[np.searchsorted(self.ages, age, side="right") - 1]


@dataclass(frozen=True, slots=True)
class Condition:
    """A long-term condition: prevalence by age (share) and the share of those affected who know of it."""

    key: str
    known_share: float
    prevalence: ByAge


@dataclass(frozen=True, slots=True)
class KeyGroup:
    """A service group of basic public health: from age to below age, sex (0 both), share, or a known condition."""

    key: str
    age_from: int
    age_below: int
    sex: int
    share: float
    condition: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why people come: specialty, season, weight at ages 0-4, 5-14, 15-44, 45-64, 65+ of all or those who
    know of `condition`; `sex` 0 means both."""

    key: str
    specialty: str
    season: str
    weights: tuple[float, ...]
    condition: str = ""
    sex: int = 0


@dataclass(frozen=True, slots=True)
class Era:
    """Given names of those born before `until` (year): share of single characters, characters of men and women."""

    until: int
    single_share: float
    male: str
    female: str


@dataclass(frozen=True, slots=True)
class Names:
    """The stuff of invented names and of numbers that cannot belong to anybody."""

    surnames: tuple[str, ...]
    surname_weights: Floats
    eras: tuple[Era, ...]
    rare_share: float
    rare: str
    long_share: float
    long_first: tuple[tuple[str, ...], tuple[str, ...]]
    long_second: tuple[str, ...]
    divisions: tuple[str, ...]
    phone_prefix: str


@dataclass(frozen=True, slots=True)
class Visits:
    """Use of care; see `health.yaml` for units and sources."""

    per_person_year: ByAge
    per_person_year_mean: float
    spread_shape: float
    basic_share: float
    own_centre_share: float
    lead_hospital_share: float
    up_referral_share: float
    admitted_share: float
    stay_days_mean: float
    down_referral_share: float
    referral_delay_days_max: int
    weekday_weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One place: its pyramid (share of the population by one-year age; row 0 men, row 1 women) and everything else."""

    name: str
    pyramid: Floats
    household_size_mean: float
    conditions: tuple[Condition, ...]
    comorbidity: tuple[str, str, float]
    key_groups: tuple[KeyGroup, ...]
    insured_kinds: tuple[str, ...]
    insured_ages: Floats
    insured_shares: Floats
    visits: Visits
    seasons: Mapping[str, Floats]
    reasons: tuple[Reason, ...]
    specialties: tuple[str, ...]
    community_specialty: str
    community_kept: frozenset[str]
    names: Names


REASON_AGES = np.array([0, 5, 15, 45, 65], dtype=np.float64)
MALE, FEMALE = 1, 2
"""Sex codes of GB/T 2261.1."""


def profile_names() -> list[str]:
    """The places that come with the engine."""
    return ["futian", "xuhui", "zhuhai"]


def load_profile(name: str) -> Profile:
    """Read a packaged place profile. Raises ValueError for an unknown place."""
    if name not in profile_names():
        raise ValueError(f"no population profile {name}; there are {', '.join(profile_names())}")
    place, health = _read(name), _read("health")
    base = _read(place["pyramid_of"]) if "pyramid_of" in place else place
    reasons = tuple(_reason(row) for row in health["reasons"]) + tuple(
        _reason(row) for row in health["chronic_reasons"]
    )
    ratio = health["comorbidity_ratio"]
    insured = health["insured"]
    return Profile(
        name=name,
        pyramid=fitted(single_years(base["pyramid"]), place["targets"]),
        household_size_mean=float(place["household_size_mean"]),
        conditions=tuple(
            Condition(row["key"], float(row["known_share"]), _by_age(row["prevalence"])) for row in health["conditions"]
        ),
        comorbidity=(ratio["first"], ratio["second"], float(ratio["ratio"])),
        key_groups=tuple(_key_group(row) for row in health["key_groups"]),
        insured_kinds=tuple(insured["kinds"]),
        insured_ages=np.array(sorted(insured["shares"]), dtype=np.float64),
        insured_shares=np.array([insured["shares"][age] for age in sorted(insured["shares"])], dtype=np.float64),
        visits=_visits(health["visits"]),
        seasons={
            key: np.array(months, dtype=np.float64) / np.mean(months) for key, months in health["seasons"].items()
        },
        reasons=reasons,
        specialties=tuple(sorted({reason.specialty for reason in reasons} | {health["community_specialty"]})),
        community_specialty=health["community_specialty"],
        community_kept=frozenset(health["community_kept_specialties"]),
        names=_names(_read("names")),
    )


def _read(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def _by_age(steps: Mapping[int, float]) -> ByAge:
    ages = sorted(steps)
    return ByAge(np.array(ages, dtype=np.float64), np.array([steps[age] for age in ages], dtype=np.float64))


def _key_group(row: Mapping[str, Any]) -> KeyGroup:
    ages = row.get("ages", [0, 200])
    return KeyGroup(row["key"], ages[0], ages[1], _sex(row), float(row.get("share", 1)), row.get("condition", ""))


def _reason(row: Mapping[str, Any]) -> Reason:
    weights = row["weights"] if "weights" in row else [row["weight"]] * len(REASON_AGES)
    return Reason(
        key=row["key"],
        specialty=row["specialty"],
        season=row.get("season", "even"),
        weights=tuple(map(float, weights)),
        condition=row.get("condition", ""),
        sex=_sex(row),
    )


def _sex(row: Mapping[str, Any]) -> int:
    return {"male": MALE, "female": FEMALE, "": 0}[row.get("sex", "")]


def _visits(row: Mapping[str, Any]) -> Visits:
    rest = {key: value for key, value in row.items() if key not in ("per_person_year", "weekday_weights")}
    return Visits(
        per_person_year=_by_age(row["per_person_year"]), weekday_weights=tuple(row["weekday_weights"]), **rest
    )


def _names(data: Mapping[str, Any]) -> Names:
    words = data["surnames"].split()
    weights = np.array([float(weight) for weight in words[1::2]])
    return Names(
        surnames=tuple(words[0::2]),
        surname_weights=weights / weights.sum(),
        eras=tuple(Era(**row) for row in data["eras"]),
        rare_share=float(data["rare"]["share"]),
        rare=data["rare"]["characters"],
        long_share=float(data["long"]["share"]),
        long_first=(tuple(data["long"]["male_first"]), tuple(data["long"]["female_first"])),
        long_second=tuple(data["long"]["second"]),
        divisions=tuple(data["identity"]["divisions"]),
        phone_prefix=data["identity"]["phone_prefix"],
    )


def single_years(bands: Mapping[int, list[float]]) -> Floats:
    """A pyramid by one-year ages (2 x ages, sums to 1) from bands in percent; the open band thins out with age."""
    ages = sorted(bands)
    pyramid = np.zeros((2, OLDEST_AGE))
    for start, stop in zip(ages, [*ages[1:], OLDEST_AGE], strict=True):
        shape = np.ones(stop - start) if stop < OLDEST_AGE else np.arange(stop - start, 0, -1.0) ** 2
        pyramid[:, start:stop] = np.outer(bands[start], shape / shape.sum())
    years: Floats = pyramid / pyramid.sum()
    return years


def fitted(pyramid: Floats, targets: Mapping[str, Any]) -> Floats:
    """The pyramid nearest in shape whose age bands and share of men meet the printed targets (percent)."""
    ages = sorted(targets["ages"])
    for _ in range(100):
        for start, stop in zip(ages, [*ages[1:], OLDEST_AGE], strict=True) if ages else []:
            pyramid[:, start:stop] *= targets["ages"][start] / 100 / pyramid[:, start:stop].sum()
        if targets["men"] is not None:
            men = targets["men"] / 100
            pyramid *= np.array([[men], [1 - men]]) / pyramid.sum(axis=1, keepdims=True)
    shares: Floats = pyramid / pyramid.sum()
    return shares
