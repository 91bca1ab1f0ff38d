"""Valid forms of the record; see `probes`."""

from __future__ import annotations

from tests.access_matrix.probes import CENTRE, Probe

KEEPERS = (*CENTRE, "expert")
VISIT = {"reason": "复诊", "diagnosis": "I10", "outcome": "treated", "next_visit": "auto", "systolic": "138"}
PROBES: tuple[Probe, ...] = (
    Probe("records-visit", {**VISIT, "diastolic": "86"}, writes={"own": CENTRE, "partner": CENTRE}),
    Probe("records-keep", {"step": "problem", "name": "E78"}, writes={"own": KEEPERS, "partner": KEEPERS}),
    Probe("records-value", {"reason": "记错了人"}, writes={"own": CENTRE}),
    Probe(
        "records-mine", {"systolic": "138", "diastolic": "86", "taken_at": "{today}T07:30"},
        writes={"own": ("resident",)},
    ),
)  # fmt: skip
