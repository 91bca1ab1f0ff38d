"""The record of a side's resident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.records.models import (
    Allergy,
    Condition,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
)
from kangqiao.domain.residents.models import Merge

if TYPE_CHECKING:
    from tests.access_matrix.world import Side

# Texts that hold no words, or stand only beside something else: constraints keep other ones out.
BOUND = {
    "contracting.Contract": {"signature"}, "records.Allergy": {"refuted_why"}, "records.Medication": {"stop_reason"},
    "records.Observation": {"reason"}, "records.Immunization": {"reason"}, "followup.PlanItem": {"note", "by_name"},
    "followup.TeamTask": {"note", "by_name"}, "referral.SchoolCase": {"answer"},
    "referral.Attachment": {"taken_back_why"},
}  # fmt: skip


def add_record(side: Side) -> None:
    """A visit at the centre with a letter and a value, and what the resident lives with."""
    seen = {"resident": side.resident, "organization": side.centre, "practitioner": side.gp, "outcome": "treated"}
    side.add("encounter", Encounter, **seen)
    side.add("condition", Condition, resident=side.resident)
    side.add("allergy", Allergy, resident=side.resident, refuted_why="")
    side.add("medication", Medication, resident=side.resident, stop_reason="")
    taken = {"taken_at": side.at - timedelta(hours=1), "code": "family_history", "encounter": side.encounter}
    side.add("observation", Observation, resident=side.resident, organization=side.centre, reason="", **taken)
    side.add(
        "immunization", Immunization, resident=side.resident, organization=side.centre, encounter=side.encounter,
        is_here=True, dose=1, expires_on=side.today, reason="", recorded_at=side.at,
    )  # fmt: skip
    side.add("document", Document, resident=side.resident, organization=side.centre, encounter=side.encounter)
    side.add("merge", Merge, kept=side.resident, gone=side.neighbour, merged_at=side.at, undone_at=side.at)
