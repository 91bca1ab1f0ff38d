"""Invented names: a surname by frequency, given characters by sex and period, a few that systems stumble over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kangqiao.engines.synthesis.households import Homes
from kangqiao.engines.synthesis.profile import Names

_NONE = np.uint16(0)
_RARE_FROM = 1000
_LONG = np.uint16(65535)


def draw(
    rng: np.random.Generator,
    names: Names,
    sex: NDArray[np.uint8],
    birth_date: NDArray[np.datetime64],
    homes: Homes,
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]:
    """(surname, first given, second given) as indices; children bear the surname of their home.

    Given characters count from 1 in the list of their sex and period, 0 means none, from 1000 the rare list; a surname
    of 65535 marks a two-part name whose parts the two given columns index.
    """
    people = len(sex)
    own = rng.choice(len(names.surnames), people, p=names.surname_weights).astype(np.uint16)
    surname = own[homes.name_giver]
    lengths = np.array([(len(era.male), len(era.female)) for era in names.eras])
    single = np.array([era.single_share for era in names.eras])
    era, column = era_of(names, birth_date), sex.astype(np.int64) - 1
    size = lengths[era, column]
    first = (1 + np.floor(rng.random(people) * size)).astype(np.uint16)
    second = (1 + np.floor(rng.random(people) * size)).astype(np.uint16)
    second = np.where(rng.random(people) < single[era], _NONE, second)
    special = rng.random(people)
    rare = special < names.rare_share
    first[rare] = _RARE_FROM + rng.integers(0, len(names.rare), int(rare.sum()), dtype=np.uint16)
    long = special > 1 - names.long_share
    firsts = np.array([len(part) for part in names.long_first])[column[long]]
    surname[long] = _LONG
    first[long] = np.floor(rng.random(int(long.sum())) * firsts)
    second[long] = rng.integers(0, len(names.long_second), int(long.sum()), dtype=np.uint16)
    return surname, first, second


def era_of(names: Names, birth_date: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Which naming period each person was born in."""
    year = birth_date.astype("datetime64[Y]").astype(np.int64) + 1970
    return np.searchsorted([era.until for era in names.eras], year, side="right").astype(np.int64)


def full_names(
    names: Names,
    sex: NDArray[np.uint8],
    birth_date: NDArray[np.datetime64],
    surname: NDArray[np.uint16],
    first: NDArray[np.uint16],
    second: NDArray[np.uint16],
) -> list[str]:
    """The names in writing."""
    tables = [(["", *era.male], ["", *era.female]) for era in names.eras]
    rows = zip(
        era_of(names, birth_date).tolist(), (sex - 1).tolist(), surname.tolist(), first.tolist(), second.tolist(),
        strict=True,
    )  # fmt: skip
    written = []
    for era, column, family, one, two in rows:
        if family == _LONG:
            written.append(f"{names.long_first[column][one]}·{names.long_second[two]}")
            continue
        table = tables[era][column]
        middle = names.rare[one - _RARE_FROM] if one >= _RARE_FROM else table[one]
        written.append(names.surnames[family] + middle + table[two])
    return written
