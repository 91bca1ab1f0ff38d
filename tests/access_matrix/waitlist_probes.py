"""Valid forms of waiting in line; see `probes`."""

from __future__ import annotations

from datetime import timedelta

from tests.access_matrix.probes import BOOKERS, CENTRE, Given, Probe
from tests.access_matrix.slot_probes import _not_held
from tests.access_matrix.world import Side


def _full(side: Side) -> Given:
    """Nobody holds a place, and none is left."""
    full = {name: {"capacity": 0, "taken": 0, "held": []} for name in side.rows if "slot" in name}
    return {**_not_held(side), **full}


def _missed(side: Side) -> Given:
    """The visit was yesterday."""
    span = {"starts_at": side.at - timedelta(days=1), "ends_at": side.at - timedelta(hours=23)}
    return {"slot": span, "missed": {"status": "no_show"}}


PROBES = (
    Probe("slots-appeal", {"reason": "当天急诊"}, given=_missed, writes={"own": ("resident",)}),
    Probe(
        "slots-appeal-decide",
        {"step": "grant", "answer": "情况属实"},
        writes={"own": ("centre_manager", "referral_desk"), "partner": ("referral_desk",)},
    ),
    Probe(
        "slots-wait",
        {"resident": "{resident.pk}", "scope": "session"},
        given=_full,
        writes={"own": BOOKERS, "partner": (*CENTRE, "referral_desk"), "their address": BOOKERS},
    ),
    Probe("slots-wait-step", {"step": "leave"}, writes={"own": ("resident", *CENTRE)}),
)
