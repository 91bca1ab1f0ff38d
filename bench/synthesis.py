"""Synthesis engine: residents and visits per CPU second, against numpy drawing as many plain columns."""

from __future__ import annotations

from datetime import date

import numpy as np

from bench.table import Row, cpu, row
from kangqiao.engines.synthesis import PopulationSpec, generate_encounters, generate_population, load_profile

RESIDENTS = 200_000
COLUMNS_OF_RESIDENT, COLUMNS_OF_VISIT = 14, 10


def run() -> list[Row]:
    """CPU for 200,000 residents and a year of their visits; the floor draws as many values and sorts once."""
    spec = PopulationSpec(
        RESIDENTS, date(2025, 12, 31), load_profile("zhuhai"), (1.0,) * 16, tuple(i % 7 for i in range(16)), (1.0,) * 7
    )
    people, seconds = cpu(lambda: generate_population(spec, seed=1))
    visits, visit_seconds = cpu(
        lambda: generate_encounters(people, spec, from_date=date(2025, 1, 1), to_date=date(2025, 12, 31), seed=1)
    )
    _, name_seconds = cpu(people.names)
    _, floor = cpu(lambda: _plain(RESIDENTS, COLUMNS_OF_RESIDENT))
    _, visit_floor = cpu(lambda: _plain(len(visits), COLUMNS_OF_VISIT))
    return [
        row("residents", RESIDENTS / seconds, RESIDENTS / floor, "per CPU s", "plain numpy columns, sorted once"),
        row("visits", len(visits) / visit_seconds, len(visits) / visit_floor, "per CPU s", "plain numpy columns"),
        Row("names in writing", RESIDENTS / name_seconds, None, None, "per CPU s"),
        Row("a million residents", seconds / RESIDENTS * 1e6, None, None, "CPU s", "scaled from 200,000"),
    ]


def _plain(rows: int, columns: int) -> int:
    """Draw columns of random numbers and put them in the order of the first."""
    rng = np.random.default_rng(1)
    table = [rng.random(rows) for _ in range(columns)]
    order = np.argsort(table[0])
    return sum(len(column[order]) for column in table)
