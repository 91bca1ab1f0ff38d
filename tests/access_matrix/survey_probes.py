"""Valid forms of surveys after a visit; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Given, Probe
from tests.access_matrix.world import Side

SAID = {"feeling": "better", "medicine": "regular", "reaction": "nothing"}


def _asked(side: Side) -> Given:
    """The resident is asked and has not answered."""
    return {"survey": {"status": "asked", "answered_at": None, "by_name": "", "words": ""}}


TEAM = (*CENTRE, "expert")
PROBES: tuple[Probe, ...] = (
    Probe("followup-survey", {"reason": "已打电话"}, writes={"own": TEAM, "partner": ("expert",)}),
    Probe("followup-survey-answer", SAID, given=_asked, writes={"own": (*TEAM, "resident"), "partner": ("expert",)}),
)
