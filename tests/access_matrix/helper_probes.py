"""Valid forms of helpers and their visits; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Given, Probe
from tests.access_matrix.world import Side

MANAGER = ("centre_manager",)
VISIT = {"helper_id": "{helper.pk}", "act": "escort", "on": "{tomorrow}"}


def _left(side: Side) -> Given:
    """The helper has left, so that they can join again."""
    return {"helper": {"until": side.today}}


def _idle(side: Side) -> Given:
    """Nothing waits for the helper."""
    return {"visit": {"status": "done"}}


PROBES: tuple[Probe, ...] = (
    Probe(
        "contracting-helper-add", {"helper-user_id": "{helper.user_id}", "helper-kind": "social_worker"}, given=_left,
        writes={"own": MANAGER},
    ),
    Probe("contracting-helper-end", given=_idle, writes={"own": MANAGER}),
    Probe("contracting-visit-new", VISIT, writes={"own": CENTRE}),
    Probe("contracting-visit-step", {"step": "finish"}, step="finish", writes={"own": (*CENTRE, "helper")}),
    Probe("contracting-visit-step", {"step": "cancel", "reason": "有变化"}, step="cancel", writes={"own": CENTRE}),
)  # fmt: skip
