"""Valid forms of places people belong to; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Probe

PLACE = {"kind": "office_building", "zh": "演示大厦", "address": "演示路 1 号"}
PERSON = {"name": "演示学生", "identifier": "P1234567"}
OWN = {"own": CENTRE}

PROBES: tuple[Probe, ...] = (
    Probe("contracting-community-new", PLACE, writes=OWN),
    Probe("contracting-community-mend", PLACE, writes=OWN),
    Probe("contracting-join", PERSON, writes=OWN),
    Probe("contracting-leave", writes=OWN),
    Probe("contracting-belongs", {"community_id": "{community.pk}"}, writes=OWN),
    Probe("contracting-community-visit", {"team_id": "{team.pk}", "on": "{tomorrow}"}, writes=OWN),
    Probe("contracting-community-step", {"step": "finish"}, step="finish", writes=OWN),
    Probe("contracting-community-step", {"step": "cancel", "reason": "有变化"}, step="cancel", writes=OWN),
)
