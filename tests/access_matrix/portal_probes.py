"""Valid forms of questions and ratings; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Given, Probe
from tests.access_matrix.world import Side


def _answered(side: Side) -> Given:
    """The team has answered."""
    return {"enquiry": {"status": "answered", "due_at": None}}


OFFER = {"zh": "康复", "times": "周一上午", "since": "{today}"}
BOTH = (*CENTRE, "resident")
PROBES: tuple[Probe, ...] = (
    Probe("portal-mine", {"text": "头晕"}, writes={"own": ("resident",), "former": ("resident",)}),
    Probe("portal-enquiry", {"text": "多喝水"}, writes={"own": BOTH}),
    Probe("portal-hand-over", {"member_id": "{colleague.pk}", "reason": "今天我休息"}, writes={"own": CENTRE}),
    Probe("portal-close", given=_answered, writes={"own": BOTH}),
    Probe("portal-services", OFFER, writes={"own": ("centre_manager",)}),
    Probe("portal-service", {"times": "周三下午"}, writes={"own": ("centre_manager",)}),
    Probe("portal-rate", {"stars": "4"}, writes={"own": ("resident",)}),
)  # fmt: skip
