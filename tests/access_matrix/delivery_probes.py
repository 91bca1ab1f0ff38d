"""Valid forms of what goes out to a telephone; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import Probe

PROBES: tuple[Probe, ...] = (
    Probe("own-notices", {"is_on": "no"}, writes={"own": ("resident",)}),
    Probe("messaging-again", writes={"own": ("system_admin",), "partner": ("system_admin",)}),
)
