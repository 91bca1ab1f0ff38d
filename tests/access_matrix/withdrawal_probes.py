"""Valid forms of withdrawal and substitution; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import BOOKERS, LEADERS, PLANNER, REASON, Probe, _free

RUNNING = {
    "own": (*PLANNER, *LEADERS, "centre_manager", "referral_desk"), "partner": (*PLANNER, *LEADERS, "referral_desk"),
}  # fmt: skip
PROBES = (
    Probe("slots-withdraw", {"why": "illness", **REASON}, writes=RUNNING),
    Probe("slots-substitute", {"practitioner": "{stand_in.pk}", **REASON}, writes=RUNNING),
    Probe(
        "slots-displaced-of",
        {"step": "place", "slot": "{other_slot.pk}"},
        given=_free,
        step="place",
        writes={"own": BOOKERS, "partner": ("referral_desk",), "their form": BOOKERS},
    ),
    Probe(
        "slots-displaced-of",
        {"step": "let_go"},
        step="let_go",
        writes={"own": BOOKERS, "partner": ("referral_desk",)},
    ),
)
