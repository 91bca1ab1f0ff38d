"""Some days after a visit somebody is asked how it goes: at a centre, at a hospital, or coming back from one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, TruncDate

from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.followup.actions import PIECE, Visit
from kangqiao.domain.followup.models import Survey
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.models import Referral

CENTRE = Organization.Kind.CENTRE
NAMES = ("resident_id", "kind", "on", "source", "house", "desk", "doctor")


def visits_since(first: date, last: date) -> Iterator[tuple[Visit, ...]]:
    """What happened on these days and nobody is asked about yet, in pieces (XH23-5.4.4c).

    A visit at a centre, one at a hospital, and a patient a centre took over from a hospital; the first contact after
    that is no visit of its own. The centre visited looks after the resident, else the team's, else the registered one.
    """
    for rows in (_encounters(first, last), _handed_back(first, last)):
        found = (Visit(*row) for row in rows.values_list(*NAMES).iterator(chunk_size=PIECE))
        while piece := tuple(islice(found, PIECE)):
            yield piece


def _encounters(first: date, last: date) -> QuerySet[Any]:
    contact = Referral.objects.filter(encounter=OuterRef("pk"), direction="down")
    at_centre = Q(organization__kind=CENTRE)
    rows = Encounter.objects.annotate(
        kind=Case(When(at_centre, then=Value("visit")), default=Value("specialist")), on=TruncDate("started_at"),
        house=F("organization_id"), doctor=F("practitioner_id"),
        desk=Case(When(at_centre, then=F("organization_id")), default=_home(), output_field=BigIntegerField()),
    )  # fmt: skip
    return _new(rows.filter(~Exists(contact)), "encounter", first, last)


def _handed_back(first: date, last: date) -> QuerySet[Any]:
    rows = Referral.objects.filter(direction="down", status__in=("taken_over", "followed_up")).annotate(
        kind=Value("discharge"), on=TruncDate("answered_at"), house=F("from_organization_id"),
        doctor=F("from_practitioner_id"), desk=F("to_organization_id"),
    )  # fmt: skip
    return _new(rows, "referral", first, last)


def _home() -> Coalesce:
    held = Contract.objects.filter(resident=OuterRef("resident_id"), status__in=RUNNING)
    team = Subquery(held.values("team__organization_id")[:1], output_field=BigIntegerField())
    return Coalesce(team, F("resident__centre_id"), output_field=BigIntegerField())


def _new(rows: QuerySet[Any], kind: str, first: date, last: date) -> QuerySet[Any]:
    """Those of living people on these days without a survey yet."""
    named = rows.annotate(source=Concat(Value(f"{kind}:"), Cast("pk", CharField())))
    asked = Survey.objects.filter(source=OuterRef("source"))
    alive = named.filter(resident__deceased_on__isnull=True, on__gte=first, on__lte=last)
    found: QuerySet[Any] = alive.filter(~Exists(asked)).order_by("pk")
    return found
