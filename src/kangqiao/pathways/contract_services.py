"""What the record holds of promised services, counted for contracts.

Visits at the team's centre, medicines and education written at them, assessments, answers of the team's pharmacist, and
referrals. Items of packages name what is no visit by the words below, in place of a diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import TruncDate
from django.utils.timezone import localtime

from kangqiao.base.actor import Actor
from kangqiao.domain.contracting import actions
from kangqiao.domain.contracting.actions import Done
from kangqiao.domain.contracting.models import Act, Contract, TeamMember
from kangqiao.domain.contracting.states import TERMED
from kangqiao.domain.followup.models import Assessment
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.records.models import Encounter, Medication, Observation
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.workforce.models import Practitioner

# What an act is that is no visit, or a visit for something else than its diagnosis; items of packages name them.
ASSESSMENT, EDUCATION, MEDICINES, PHARMACIST, ONLINE_PHARMACIST = (
    "assessment", "education", "medicines", "pharmacist", "e_pharmacy",
)  # fmt: skip


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
    assessed = Assessment.objects.filter(on__gte=localtime(since).date()).order_by("pk")
    for pk, resident_id, on in assessed.values_list("pk", "resident_id", "on"):
        yield Done(resident_id, on, Act.CHECK_UP.value, ASSESSMENT, f"assessment:{pk}")
    asked = Enquiry.objects.filter(answered_at__gte=since, holder__kind=TeamMember.Kind.PHARMACIST)
    for pk, resident_id, on in _held_by(asked, "answered_at", "contract__team__organization_id").values_list(
        "pk", "resident_id", "on"
    ):
        yield Done(resident_id, on, Act.CONTACT.value, ONLINE_PHARMACIST, f"enquiry:{pk}")


def _visits(rows: QuerySet[Encounter]) -> Iterator[Done]:
    """Visits by their diagnosis, those to a pharmacist as such, and what was written at them beside it."""
    visits = _held_by(rows, "started_at", "organization_id")
    for pk, resident_id, on, diagnosis, title in visits.values_list(
        "pk", "resident_id", "on", "diagnosis", "practitioner__title_kind"
    ):
        code = PHARMACIST if title == Practitioner.TitleKind.PHARMACIST else diagnosis.partition(".")[0]
        yield Done(resident_id, on, Act.VISIT.value, code, f"encounter:{pk}")
    told = Observation.objects.filter(encounter__in=rows, code=EDUCATION, corrects=None)
    written = (
        (Act.PRESCRIPTION, MEDICINES, Medication.objects.filter(encounter__in=rows)),
        (Act.ACTIVITY, EDUCATION, told.exclude(correction__is_void=True)),
    )
    for act, code, found in written:
        held = _held_by(found, "encounter__started_at", "encounter__organization_id")
        for pk, resident_id, on in held.order_by("encounter").values_list("encounter", "resident_id", "on").distinct():
            yield Done(resident_id, on, act.value, code, f"{code}:{pk}")


def _held_by(rows: QuerySet[Any], moment: str, house: str) -> QuerySet[Any]:
    """Those at the house of the team that held the resident's contract on that day."""
    held = Contract.objects.filter(
        resident=OuterRef("resident_id"), team__organization=OuterRef(house), status__in=TERMED,
        starts_on__lte=OuterRef("on"), ends_on__gt=OuterRef("on"),
    )  # fmt: skip
    found: QuerySet[Any] = rows.annotate(on=TruncDate(moment)).filter(Exists(held)).order_by("pk")
    return found
