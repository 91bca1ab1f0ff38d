"""Valid forms of what goes out by text message and WeChat; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import Probe

PROBES: tuple[Probe, ...] = (
    Probe("own-notices", {"channel": "sms", "is_on": "no"}, writes={"own": ("resident",)}),
    Probe("own-wechat-unlink", writes={"own": ("resident",)}),
    Probe("messaging-again", writes={"own": ("system_admin",), "partner": ("system_admin",)}),
)
