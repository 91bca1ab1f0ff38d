"""Valid forms of emergencies at schools; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Given, Probe
from tests.access_matrix.world import Side

SCHOOL, MANAGER = ("school_health",), ("centre_manager",)
REPORT = {
    "community_id": "{community.pk}", "student": "演示学生", "contact": "演示王", "contact_phone": "13800001111",
    "what": "操场摔倒", "consciousness": "awake", "breathing": "normal",
    "happened_at": "{today}T09:50",
}  # fmt: skip
FORWARD = {
    "to_organization_id": "{organization@hospital.pk}", "specialty": "paediatrics", "diagnosis": "外伤",
    "student": "演示学生", "sex": "male", "birth_date": "2016-03-15",
}  # fmt: skip


def _ended(side: Side) -> Given:
    """The account reports for no school, so that it can be added again."""
    return {"health_worker": {"until": side.today}}


PROBES: tuple[Probe, ...] = (
    Probe(
        "contracting-health-worker-add", {"user_id": "{health_worker.user_id}"}, given=_ended, writes={"own": MANAGER}
    ),
    Probe("contracting-health-worker-end", writes={"own": MANAGER}),
    Probe("referral-school-new", REPORT, writes={"own": SCHOOL}),
    Probe("referral-school-answer", {"kind": "stays", "words": "观察"}, writes={"own": CENTRE}),
    Probe("referral-school-forward", FORWARD, writes={"own": CENTRE}),
    Probe("referral-school-withdraw", {"reason": "误报"}, writes={"own": SCHOOL}),
)
