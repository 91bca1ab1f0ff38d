"""Who pays for a pairing and how much, in whole fen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kangqiao.kernel.money import FEN_PER_YUAN, round_half_up, split

CITY, DISTRICT_OF_CENTRE, DISTRICT_HOSPITAL = "city", "district_of_centre", "district_hospital"


@dataclass(frozen=True, slots=True)
class Pairing:
    """What the rules need of one pairing: whose hospital, where the centre lies, how many it serves."""

    agreement_id: int
    ownership: str
    centre_place: str
    population: int


def payer_rule(pairing: Pairing, city_class: frozenset[str], city_paid_division: str) -> str:
    """Which of the three payer rules holds for a pairing (ZH-4.2a, ZH-4.2b, ZH-4.2c).

    The city pays for hospitals of the city class in the named district itself, not in a functional zone inside it.
    """
    if pairing.ownership not in city_class:
        return DISTRICT_HOSPITAL
    return CITY if pairing.centre_place == city_paid_division else DISTRICT_OF_CENTRE


def city_total(area_fund_fen: int, rate_percent: Fraction) -> int:
    """The city's yearly subsidy for an area: its rate of the area's basic public health fund (ZH-4.2d)."""
    return round_half_up(Fraction(area_fund_fen) * rate_percent / 100)


def city_shares(total_fen: int, pairings: list[Pairing]) -> list[int]:
    """The city's subsidy shared among the pairings it pays, by population served, without losing a fen.

    Raises ValueError when nobody is served: there is no key to share by.
    """
    return split(total_fen, [pairing.population for pairing in pairings])


def district_amount(population: int, rate_yuan_per_person: Fraction) -> int:
    """A district's yearly subsidy for one centre: its rate per person served (ZH-4.2e)."""
    return round_half_up(Fraction(population) * rate_yuan_per_person * FEN_PER_YUAN)


def released(base_fen: int, pay_percent: Fraction) -> int:
    """What the appraisal releases of a computed amount, rounded half up once (ZH-4.7a)."""
    return round_half_up(Fraction(base_fen) * pay_percent / 100)
