"""Valid forms of plans, invitations and groups; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Probe

GROUP = {"zh": "宝妈群", "kind": "mothers", "platform": "微信", "owner_id": "{member.pk}", "people": "40"}
PROBES: tuple[Probe, ...] = (
    Probe("followup-plan", writes={"own": CENTRE}),
    Probe("followup-done", {"note": "平稳"}, writes={"own": CENTRE}),
    Probe("followup-task", {"note": "已上门"}, writes={"own": CENTRE}),
    Probe("followup-invite", {"way": "phone", "outcome": "agreed"}, writes={"own": CENTRE}),
    Probe("followup-channel-new", GROUP, writes={"own": CENTRE}),
    Probe("followup-channel", {"people": "41", "posts": "3"}, writes={"own": CENTRE}),
)
