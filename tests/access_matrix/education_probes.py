"""Valid forms of health education; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Given, Probe
from tests.access_matrix.world import Side

TEXT = {"title": "这样吸药才有效", "text": "先呼气，再吸药。", "source": "演示指南 2024", "audience": "J44"}


def _stopped(side: Side) -> Given:
    """It is not sent any more."""
    return {"material": {"until": side.today}}


PROBES: tuple[Probe, ...] = (
    Probe("education-new", TEXT, writes={"own": CENTRE}),
    Probe("education-retire", writes={"own": CENTRE}),
    Probe("education-resume", given=_stopped, writes={"own": CENTRE}),
    Probe("education-read", writes={"own": ("resident",)}),
    Probe("education-mine", {"wanted": "no"}, writes={"own": ("resident",)}),
)
