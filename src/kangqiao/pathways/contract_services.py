"""What the record holds of promised services: visits at the team's centre and referrals, counted for contracts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import TruncDate

from kangqiao.base.actor import Actor
from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.actions import Done
from kangqiao.domain.contracting.models import Act, Contract
from kangqiao.domain.contracting.states import TERMED
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.models import Referral


def count_since(*, since: datetime, by: Actor, at: datetime) -> int:
    """Counts what happened from `since` on; again and again is the same. Returns how many services are new.

    Visits count at the house of the team, referrals when its house sent them. Raises Denied to anybody but a job.
    """
    return actions.count_services(acts=_acts(since), by=by, at=at)


def count_visit(*, encounter_id: int, by: Actor, at: datetime) -> int:
    """Counts one visit that has just been written; returns how many services are new. Raises Denied as above."""
    return actions.count_services(acts=_visits(Encounter.objects.filter(pk=encounter_id)), by=by, at=at)


def _acts(since: datetime) -> Iterator[Done]:
    yield from _visits(Encounter.objects.filter(started_at__gte=since))
    sent = _held_by(Referral.objects.filter(sent_at__gte=since, direction="up"), "sent_at", "from_organization_id")
    for pk, resident_id, on in sent.values_list("pk", "resident_id", "on"):
        yield Done(resident_id, on, Act.REFERRAL.value, "", f"referral:{pk}")


def _visits(rows: QuerySet[Encounter]) -> Iterator[Done]:
    visits = _held_by(rows, "started_at", "organization_id")
    for pk, resident_id, on, diagnosis in visits.values_list("pk", "resident_id", "on", "diagnosis"):
        yield Done(resident_id, on, Act.VISIT.value, diagnosis.partition(".")[0], f"encounter:{pk}")


def _held_by(rows: QuerySet[Any], moment: str, house: str) -> QuerySet[Any]:
    """Those at the house of the team that held the resident's contract on that day."""
    held = Contract.objects.filter(
        resident=OuterRef("resident_id"), team__organization=OuterRef(house), status__in=TERMED,
        starts_on__lte=OuterRef("on"), ends_on__gt=OuterRef("on"),
    )  # fmt: skip
    found: QuerySet[Any] = rows.annotate(on=TruncDate(moment)).filter(Exists(held)).order_by("pk")
    return found
