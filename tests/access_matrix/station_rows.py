"""A station of the centre with its report of some months ago, and what is typed about stations."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.domain.stations.models import StationCount, StationReport

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_samples(side: Side) -> None:
    """What the bureau drew of the centre: a contract and a service to check."""
    of_contract = {"team": side.team, "contract": side.contract, "number": side.contract.number, "kind": "contract"}
    for house, mark in (("bureau", ""), ("district_bureau", "@district_bureau")):
        told = {"bureau": side.rows[house], "centre": side.centre, "size": 1, "seed": 7, "drawn_at": side.at}
        drawn = side.add(f"sampling{mark}", Sampling, **told)
        side.add(f"sampled_item{mark}", SampledItem, sampling=drawn, **of_contract)


def add_stations(side: Side) -> None:
    """It has not reported last month."""
    name = f"{side.house}station"
    side.add(
        "station", Organization, code=f"{side.place_code}-station", kind="station", zh=name, short_zh=name,
        place=side.place, part_of=side.centre,
    )  # fmt: skip
    month = (side.today - timedelta(days=100)).replace(day=1)
    side.add("station_report", StationReport, station=side.station, month=month, received_at=side.at)
    side.add("station_count", StationCount, report=side.station_report, kind="follow_up", number=5)
