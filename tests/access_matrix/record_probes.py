"""Valid forms of the record; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Probe

KEEPERS = (*CENTRE, "expert")
VISIT = {"reason": "复诊", "diagnosis": "I10", "outcome": "treated", "next_visit": "auto", "systolic": "138"}
JAB = {"vaccine": "influenza", "given_on": "{today}", "given": "elsewhere", "place": "演示门诊"}
PERSON = {
    "identifier_kind": "none",
    "name": "演示新人",
    "sex": "female",
    "birth_date": "2001-02-03",
    "insurance": "none",
}
PROBES: tuple[Probe, ...] = (
    Probe("records-visit", {**VISIT, "diastolic": "86"}, writes={"own": CENTRE, "partner": CENTRE}),
    Probe("records-keep", {"step": "problem", "name": "E78"}, writes={"own": KEEPERS, "partner": KEEPERS}),
    Probe("records-immunizations", JAB, writes={"own": CENTRE, "partner": CENTRE}),
    Probe("records-immunization", {**JAB, "is_void": "on", "reason": "记错了人"}, writes={"own": CENTRE}),
    Probe("records-value", {"reason": "记错了人"}, writes={"own": CENTRE}),
    Probe(
        "records-mine", {"systolic": "138", "diastolic": "86", "taken_at": "{today}T07:30"},
        writes={"own": ("resident",)},
    ),
    Probe("mydata", {"wanted": "sheet"}, writes={"own": ("resident",)}),
    Probe("records-death", {"on": "{today}"}, writes={"own": CENTRE}),
    Probe("residents-register", {**PERSON, "neighbourhood": "001001"}, writes={"own": CENTRE}),
    Probe(
        "residents-merge", {"step": "merge", "identifier": "{neighbour.record_number}", "reason": "同一个人"},
        writes={"own": CENTRE},
    ),
)  # fmt: skip
