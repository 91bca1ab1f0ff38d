"""A visit is written once and counts everywhere: in the record, for the contract, and in the work of the team."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.domain.contracting.actions import note_visit_at_one_stop
from kangqiao.domain.followup.actions import split_visit
from kangqiao.domain.records import actions
from kangqiao.domain.records.actions import Told
from kangqiao.domain.records.models import Encounter
from kangqiao.pathways.contract_services import count_visit


def record_visit(*, resident_id: int, told: Told, by: Actor, at: datetime) -> tuple[Encounter, int]:
    """Writes the visit, counts what the contract promised of it, and gives members of the team their tasks.

    A step of a visit with all of the team is done by it (FT18-3.1a).
    Returns the visit and how many services were counted. Raises what the record refuses (SZ17-B9.b, XH23-5.2.3a).
    """
    with transaction.atomic():
        row = actions.record_visit(resident_id=resident_id, told=told, by=by, at=at)
        with as_system("contract-services") as job:
            services = count_visit(encounter_id=row.pk, by=job, at=at)
            note_visit_at_one_stop(encounter_id=row.pk, by=job, at=at)
            split_visit(encounter_id=row.pk, by=job, at=at)
    return row, services
