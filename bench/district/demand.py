"""What the people of a district need in a year, from the synthesis: letters up and down, visits booked by oneself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from kangqiao.engines import synthesis


@dataclass(frozen=True, slots=True)
class Case:
    """One need: whose, on which day, of which specialty, at which centre and hospital (by their numbers)."""

    row: int
    day: date
    specialty: str
    reason: str
    centre: int
    hospital: int


@dataclass(frozen=True)
class Demand:
    """The population and its needs. `own` are visits booked without a doctor: one of `one_of` is lived through."""

    population: synthesis.Population
    lead: tuple[int, ...]
    hospitals: int
    days: int
    up: list[Case]
    down: list[Case]
    own: list[Case]

    @cached_property
    def booking_online(self) -> set[int]:
        """Whoever books a visit by themselves."""
        return {one.row for one in self.own}

    def whom(self) -> set[int]:
        """Everybody whom the year brings somewhere."""
        return {one.row for cases in (self.up, self.down, self.own) for one in cases}

    def visits_a_week(self, hospital: int) -> Counter[str]:
        """How many come to a hospital in a week, by specialty."""
        found = Counter(one.specialty for cases in (self.up, self.own) for one in cases if one.hospital == hospital)
        return Counter({specialty: max(1, round(n * 7 / self.days)) for specialty, n in found.items()})


def asked(
    *, residents: int, centres: int, hospitals: int, starts_on: date, days: int, one_of: int, seed: int
) -> Demand:  # fmt: skip
    """The needs of so many residents from a day on; letters up and down all of them, own visits one of so many."""
    lead = tuple(number % hospitals for number in range(centres))
    spec = synthesis.PopulationSpec(
        residents, starts_on - timedelta(days=1), synthesis.load_profile("zhuhai"),
        tuple(1.0 + number % 3 for number in range(centres)), lead, (1.0,) * hospitals,
    )  # fmt: skip
    population = synthesis.generate_population(spec, seed=seed)
    visits = synthesis.generate_encounters(
        population, spec, from_date=starts_on, to_date=starts_on + timedelta(days=days - 1), seed=seed
    )
    at_hospital = visits.level == synthesis.HOSPITAL
    up = np.flatnonzero(visits.sent_on & ~at_hospital)
    down = np.flatnonzero(visits.sent_on & at_hospital)
    own = np.flatnonzero(at_hospital & ~visits.sent_on & (visits.arrived_by == synthesis.NOT_REFERRED))
    own = own[np.random.default_rng(seed).random(len(own)) < 1 / one_of]
    profile = population.profile

    def cases(rows: np.ndarray, *, to_lead: bool) -> list[Case]:
        found = []
        for row in rows.tolist():
            who = int(visits.resident[row])
            reason, centre = profile.reasons[int(visits.reason[row])], int(population.centre[who])
            day: datetime = visits.date[row].astype("datetime64[D]").astype(object)
            hospital = lead[centre] if to_lead else int(visits.provider[row])
            found.append(Case(who, day, reason.specialty, reason.key, centre, hospital))
        return found

    return Demand(
        population, lead, hospitals, days, cases(up, to_lead=True), cases(down, to_lead=False),
        cases(own, to_lead=False),
    )  # fmt: skip
