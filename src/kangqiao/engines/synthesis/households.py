"""Homes: a head, often a partner, children with someone of a parent's age, others where there is room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

ADULT_AGE = 22
COUPLE_SHARE = 0.6
PARENT_AGE_GAP_MEAN, PARENT_AGE_GAP_SPREAD = 28, 4
"""Shape of invented homes, in years and shares; no survey stands behind them and nothing is measured on them."""

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Homes:
    """`household` per person (0-based), `head` true for one person of each, `name_giver` the row whose surname a
    person under age bears (their own row for everybody else)."""

    household: NDArray[np.int32]
    head: NDArray[np.bool_]
    name_giver: Index
    head_row: Index


def full_years(birth_date: NDArray[np.datetime64], day: date) -> NDArray[np.int32]:
    """Full years on a day, counted by the calendar."""
    months = birth_date.astype("datetime64[M]").astype(np.int64)
    day_of_month = (birth_date - birth_date.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    today = day.year * 12 + day.month - 1 - 1970 * 12
    years: NDArray[np.int32] = ((today - months - (day.day < day_of_month)) // 12).astype(np.int32)
    return years


def form(
    rng: np.random.Generator,
    age: NDArray[np.int32],
    sex: NDArray[np.uint8],
    centre: NDArray[np.int32],
    size_mean: float,
) -> Homes:
    """Put everybody into a home within their centre; homes hold `size_mean` people on average."""
    people = len(age)
    household = np.full(people, -1, np.int32)
    adults = rng.permutation(np.flatnonzero(age >= ADULT_AGE))
    # A centre without a grown-up among the heads (a tiny population) gets its homes from whoever is there, at the end.
    heads = np.sort(adults[: max(1, round(people / size_mean))]) if people else adults
    heads = heads[np.argsort(centre[heads], kind="stable")]
    household[heads] = np.arange(len(heads))
    rest = np.sort(adults[len(heads) :])
    married, partners = _couples(rng, heads, rest, age, sex, centre)
    household[partners] = household[married]
    partner_of = np.full(len(heads), -1, np.int64)
    partner_of[household[married]] = partners
    single = rest[household[rest] < 0]
    household[single] = _anywhere(rng, centre[heads], centre[single])
    children = np.flatnonzero(age < ADULT_AGE)
    household[children] = _with_parents(rng, centre, age, heads, children)
    left = np.flatnonzero(household < 0)
    household[left] = len(heads) + np.arange(len(left))
    head_row = np.concatenate([heads, left])
    head = np.zeros(people, np.bool_)
    head[head_row] = True
    name_giver = np.arange(people)
    with_home = children[household[children] < len(heads)]
    of_home = household[with_home]
    father = np.where((sex[heads] == 1) | (partner_of < 0), heads, partner_of)
    name_giver[with_home] = father[of_home]
    return Homes(household, head, name_giver, head_row)


def _couples(
    rng: np.random.Generator,
    heads: Index,
    rest: Index,
    age: NDArray[np.int32],
    sex: NDArray[np.uint8],
    centre: NDArray[np.int32],
) -> tuple[Index, Index]:
    """Heads and partners of the other sex in the same centre, paired in order of age."""
    head_group = centre[heads].astype(np.int64) * 2 + (sex[heads] == 1)
    rest_group = centre[rest].astype(np.int64) * 2 + (sex[rest] == 2)
    groups = int(max(head_group.max(initial=-1), rest_group.max(initial=-1))) + 1
    wanted = np.floor(np.bincount(head_group, minlength=groups) * COUPLE_SHARE).astype(np.int64)
    pairs = np.minimum(wanted, np.bincount(rest_group, minlength=groups))
    chosen_heads = heads[_some_of_each(rng, head_group, pairs)]
    chosen_rest = rest[_some_of_each(rng, rest_group, pairs)]
    by_age_heads = np.lexsort((age[chosen_heads], sex[chosen_heads] == 1, centre[chosen_heads]))
    by_age_rest = np.lexsort((age[chosen_rest], sex[chosen_rest] == 2, centre[chosen_rest]))
    return chosen_heads[by_age_heads], chosen_rest[by_age_rest]


def _some_of_each(rng: np.random.Generator, group: Index, count: Index) -> Index:
    """Positions of `count[g]` random members of each group g."""
    order = np.lexsort((rng.random(len(group)), group))
    sizes = np.bincount(group, minlength=len(count))
    rank = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    taken: Index = order[rank < np.repeat(count, sizes)]
    return taken


def _span(head_centre: NDArray[np.int32], wanted: NDArray[np.int32]) -> tuple[Index, Index]:
    """First home and number of homes of each wanted centre; homes are in order of centre."""
    start = np.searchsorted(head_centre, wanted, side="left")
    return start, np.searchsorted(head_centre, wanted, side="right") - start


def _anywhere(rng: np.random.Generator, head_centre: NDArray[np.int32], wanted: NDArray[np.int32]) -> Index:
    start, count = _span(head_centre, wanted)
    found: Index = np.where(count > 0, start + np.floor(rng.random(len(wanted)) * count).astype(np.int64), -1)
    return found


def _with_parents(
    rng: np.random.Generator,
    centre: NDArray[np.int32],
    age: NDArray[np.int32],
    heads: Index,
    children: Index,
) -> NDArray[Any]:
    """The home of a head in the same centre who is about a generation older than the child."""
    order = np.lexsort((age[heads], centre[heads]))
    key = centre[heads[order]].astype(np.float64) * 1000 + age[heads[order]]
    gap = np.maximum(rng.normal(PARENT_AGE_GAP_MEAN, PARENT_AGE_GAP_SPREAD, len(children)), 17)
    wanted = centre[children].astype(np.float64) * 1000 + age[children] + gap + rng.random(len(children))
    start, count = _span(centre[heads], centre[children])
    # A random home among those whose head has the wanted age, so that children spread over all of them.
    low = np.searchsorted(key, np.floor(wanted), side="left")
    high = np.searchsorted(key, np.floor(wanted), side="right")
    at = low + np.floor(rng.random(len(children)) * np.maximum(high - low, 1)).astype(np.int64)
    at = np.clip(at, start, start + np.maximum(count, 1) - 1)
    return np.where(count > 0, order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else -1, -1)
