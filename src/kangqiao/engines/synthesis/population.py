"""Invented residents: age, sex, household, name, numbers, health and insurance, in columns, from a seed alone.

No column is copied from any person. Citizen ids carry a right check digit and a province that does not exist, so that
programs accept them and no living person owns one (see `profiles/names.yaml`). The caller marks the rows as 演示.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kangqiao.engines.synthesis import households, identity, naming
from kangqiao.engines.synthesis.profile import FEMALE, MALE, Profile

Progress = Callable[[float, str], None]
"""Called with a share done (0 to 1) and a step key."""


@dataclass(frozen=True, slots=True)
class PopulationSpec:
    """How many people to invent and where.

    `centre_weights[i]` is the share (any scale) of residents at centre i; `centre_hospital[i]` the index of its lead
    hospital; `hospital_weights[j]` how strongly hospital j draws patients (any scale). `as_of` is the day on which ages
    hold; nobody is born after it.
    """

    residents: int
    as_of: date
    profile: Profile
    centre_weights: tuple[float, ...]
    centre_hospital: tuple[int, ...]
    hospital_weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.residents < 0 or not self.centre_weights or min(self.centre_weights) < 0:
            raise ValueError("a population needs a size and centres with weights")
        if len(self.centre_hospital) != len(self.centre_weights):
            raise ValueError("every centre needs its lead hospital")
        if not all(0 <= index < len(self.hospital_weights) for index in self.centre_hospital):
            raise ValueError("a centre's lead hospital points nowhere")


class Resident(NamedTuple):
    """One invented person in plain values."""

    name: str
    sex: str
    birth_date: date
    citizen_id: str
    phone: str
    centre: int
    household: int
    household_head: bool
    insured: str
    conditions: tuple[str, ...]
    known_conditions: tuple[str, ...]
    key_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Population:
    """Residents in columns, all of one length n; row i is one person.

    `sex` 1 man, 2 woman (GB/T 2261.1); `birth_date` days; `centre`, `household` indices from 0 (a household lies in one
    centre); `surname`, `given_first`, `given_second` index `naming`'s tables (see `names`); `citizen_id` 18 and `phone`
    11 bytes; `conditions`, `known_conditions`, `key_groups` bit i set for item i of the profile's lists; `insured`
    indexes the profile's kinds.
    """

    profile: Profile
    as_of: date
    sex: NDArray[np.uint8]
    birth_date: NDArray[np.datetime64]
    centre: NDArray[np.int32]
    household: NDArray[np.int32]
    household_head: NDArray[np.bool_]
    surname: NDArray[np.uint16]
    given_first: NDArray[np.uint16]
    given_second: NDArray[np.uint16]
    citizen_id: NDArray[np.bytes_]
    phone: NDArray[np.bytes_]
    conditions: NDArray[np.uint16]
    known_conditions: NDArray[np.uint16]
    key_groups: NDArray[np.uint16]
    insured: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.sex)

    def age_at(self, day: date) -> NDArray[np.int32]:
        """Full years of each resident on a day (below 0 for the unborn)."""
        return households.full_years(self.birth_date, day)

    def names(self) -> list[str]:
        """Everybody's full name."""
        return naming.full_names(
            self.profile.names, self.sex, self.birth_date, self.surname, self.given_first, self.given_second
        )

    def residents(self) -> Iterator[Resident]:
        """The people one by one, for a loader that writes rows."""
        profile = self.profile
        condition_keys = [condition.key for condition in profile.conditions]
        group_keys = [group.key for group in profile.key_groups]
        births: list[date] = self.birth_date.astype("datetime64[D]").tolist()
        for i, name in enumerate(self.names()):
            yield Resident(
                name=name,
                sex="male" if self.sex[i] == MALE else "female",
                birth_date=births[i],
                citizen_id=self.citizen_id[i].decode(),
                phone=self.phone[i].decode(),
                centre=int(self.centre[i]),
                household=int(self.household[i]),
                household_head=bool(self.household_head[i]),
                insured=profile.insured_kinds[self.insured[i]],
                conditions=_keys(condition_keys, int(self.conditions[i])),
                known_conditions=_keys(condition_keys, int(self.known_conditions[i])),
                key_groups=_keys(group_keys, int(self.key_groups[i])),
            )

    def digest(self) -> str:
        """A SHA-256 of every column: equal for equal seeds and specs."""
        return digest_of(self)


def digest_of(table: Any) -> str:
    """A SHA-256 over the array columns of a frozen table, in order."""
    sha = hashlib.sha256()
    for column in fields(table):
        value = getattr(table, column.name)
        if isinstance(value, np.ndarray):
            sha.update(column.name.encode())
            sha.update(np.ascontiguousarray(value).tobytes())
    return sha.hexdigest()


def _keys(keys: list[str], mask: int) -> tuple[str, ...]:
    return tuple(key for bit, key in enumerate(keys) if mask >> bit & 1)


def generate_population(spec: PopulationSpec, *, seed: int, progress: Progress | None = None) -> Population:
    """Invent the residents of a place.

    Each group of columns draws from its own stream of the seed, so that a change in one leaves the others as they were.
    Memory is 60 bytes per resident at rest and about 330 at the peak. Raises ValueError when more people
    of one sex share a birth date than the identity numbers can tell apart (some ten million residents).
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    tell = progress or (lambda share, step: None)
    profile = spec.profile
    sex, birth_date = _people(streams[0], spec)
    age = households.full_years(birth_date, spec.as_of)
    weights = np.asarray(spec.centre_weights, dtype=np.float64)
    centre = streams[1].choice(len(weights), spec.residents, p=weights / weights.sum()).astype(np.int32)
    tell(0.2, "people")
    home = households.form(streams[2], age, sex, centre, profile.household_size_mean)
    tell(0.4, "households")
    surname, first, second = naming.draw(streams[3], profile.names, sex, birth_date, home)
    tell(0.6, "names")
    conditions, known = _conditions(streams[4], profile, age)
    groups = _key_groups(streams[4], profile, age, sex, known)
    insured = _insured(streams[5], profile, age)
    tell(0.8, "health")
    citizen_id = identity.citizen_ids(profile.names.divisions, birth_date, sex)
    phone = identity.phones(profile.names.phone_prefix, age, home, seed)
    tell(1.0, "numbers")
    return Population(
        profile, spec.as_of, sex, birth_date, centre, home.household, home.head, surname, first, second, citizen_id,
        phone, conditions, known, groups, insured,
    )  # fmt: skip


def _people(rng: np.random.Generator, spec: PopulationSpec) -> tuple[NDArray[np.uint8], NDArray[np.datetime64]]:
    pyramid = spec.profile.pyramid
    drawn = rng.choice(pyramid.size, spec.residents, p=pyramid.ravel())
    sex = np.where(drawn < pyramid.shape[1], MALE, FEMALE).astype(np.uint8)
    age = (drawn % pyramid.shape[1]).astype(np.int64)
    # Born on a day of the year that ends on `as_of`, so that the full age on that day is exactly `age`.
    latest = _years_before(spec.as_of, age)
    earliest = _years_before(spec.as_of, age + 1) + np.timedelta64(1, "D")
    span = (latest - earliest).astype(np.int64) + 1
    return sex, earliest + np.floor(rng.random(spec.residents) * span).astype("timedelta64[D]")


def _years_before(day: date, years: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """The same calendar day so many years earlier; 29 February falls on the 28th where there is none."""
    months = np.datetime64(f"{day.year:04d}-{day.month:02d}", "M") - (12 * years).astype("timedelta64[M]")
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum(first + np.timedelta64(day.day - 1, "D"), last)


def _conditions(
    rng: np.random.Generator, profile: Profile, age: NDArray[np.int32]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    mask, known = np.zeros(len(age), np.uint16), np.zeros(len(age), np.uint16)
    bit = {condition.key: np.uint16(1 << i) for i, condition in enumerate(profile.conditions)}
    first, second, ratio = profile.comorbidity
    by_key = {condition.key: condition for condition in profile.conditions}
    for condition in profile.conditions:
        chance = condition.prevalence.at(age)
        if condition.key == second:
            # The marginal prevalence stays; those with the first condition are `ratio` times as likely as the others.
            other = by_key[first].prevalence.at(age)
            without = chance / (1 + other * (ratio - 1))
            chance = np.where(mask & bit[first], np.minimum(without * ratio, 1), without)
        has = rng.random(len(age)) < chance
        mask |= np.where(has, bit[condition.key], np.uint16(0))
        known |= np.where(has & (rng.random(len(age)) < condition.known_share), bit[condition.key], np.uint16(0))
    return mask, known


def _key_groups(
    rng: np.random.Generator,
    profile: Profile,
    age: NDArray[np.int32],
    sex: NDArray[np.uint8],
    known: NDArray[np.uint16],
) -> NDArray[np.uint16]:
    mask = np.zeros(len(age), np.uint16)
    position = {condition.key: i for i, condition in enumerate(profile.conditions)}
    for i, group in enumerate(profile.key_groups):
        if group.condition:
            member = (known >> np.uint16(position[group.condition])) & np.uint16(1) == 1
        else:
            member = (age >= group.age_from) & (age < group.age_below)
            if group.sex:
                member &= sex == group.sex
            if group.share < 1:
                member &= rng.random(len(age)) < group.share
        mask |= np.where(member, np.uint16(1 << i), np.uint16(0))
    return mask


def _insured(rng: np.random.Generator, profile: Profile, age: NDArray[np.int32]) -> NDArray[np.uint8]:
    band = np.searchsorted(profile.insured_ages, age, side="right") - 1
    shares = np.cumsum(profile.insured_shares, axis=1)
    shares[:, -1] = 1
    drawn: NDArray[np.uint8] = (rng.random(len(age))[:, None] >= shares[band]).sum(axis=1).astype(np.uint8)
    return drawn
