"""What the record holds of promised services: visits at the team's centre and referrals, counted for contracts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F
from django.utils import timezone

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


def _acts(since: datetime) -> Iterator[Done]:
    contracts = Contract.objects.filter(status__in=TERMED)
    teams: dict[int, set[int]] = {}
    for resident_id, house in contracts.values_list("resident_id", "team__organization_id").order_by():
        teams.setdefault(resident_id, set()).add(house)
    visits = Encounter.objects.filter(started_at__gte=since, resident__in=contracts.values("resident_id"))
    for pk, resident_id, house, moment, diagnosis in visits.order_by("pk").values_list(
        "pk", "resident_id", "organization_id", "started_at", "diagnosis"
    ):
        if house in teams[resident_id]:
            on = timezone.localdate(moment)
            yield Done(resident_id, on, Act.VISIT, diagnosis.split(".")[0], f"encounter:{pk}")
    sent = Referral.objects.filter(sent_at__gte=since, direction="up", resident__in=contracts.values("resident_id"))
    for pk, resident_id, house, moment in sent.order_by("pk").values_list(
        "pk", "resident_id", F("from_organization_id"), "sent_at"
    ):
        if house in teams.get(resident_id, ()):
            yield Done(resident_id, timezone.localdate(moment), Act.REFERRAL, "", f"referral:{pk}")
