"""A vaccination is written once and counts everywhere: in the record, for the contract, and in the work of the team."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.domain.contracting.actions import note_visit_at_one_stop
from kangqiao.domain.records import actions
from kangqiao.domain.records.models import Immunization
from kangqiao.domain.records.queries import Jab
from kangqiao.pathways.contract_services import count_visit


def vaccinate(
    *, resident_id: int, told: Jab, sure: Collection[str] = (), by: Actor, at: datetime
) -> tuple[Immunization, int]:
    """Writes the vaccination and counts what the contract promised of it, where it was given here.

    Returns the row and how many services were counted. Raises what the record refuses.
    """
    with transaction.atomic():
        row = actions.record_immunization(resident_id=resident_id, told=told, sure=sure, by=by, at=at)
        services = 0
        if row.encounter_id is not None:
            with as_system("contract-services") as job:
                services = count_visit(encounter_id=row.encounter_id, by=job, at=at)
                note_visit_at_one_stop(encounter_id=row.encounter_id, by=job, at=at)
    return row, services
