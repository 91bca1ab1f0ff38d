"""Visits and letters enter the record."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.prepared import insert
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.records.permissions import can_write_for
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.residents.parameters import access_at
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, RuleBroken


def record_encounter(
    *,
    resident_id: int,
    organization_id: int,
    practitioner_id: int | None,
    specialty: str = "",
    started_at: datetime,
    origin: str = Encounter.Origin.WALK_IN,
    is_emergency: bool = False,
    is_posted_expert: bool = False,
    diagnosis: str = "",
    summary: str = "",
    reason: str = "",
    differential: str = "",
    outcome: str = "",
    next_visit_on: date | None = None,
    by: Actor,
    at: datetime,
) -> Encounter:
    """A visit took place and enters the record once; the place of the visit may see the resident from then on.

    Raises Denied, or RuleBroken for a visit that lies ahead.
    """
    with transaction.atomic():
        _allow(can_write_for(by, organization_id, practitioner_id))
        if started_at > at:
            raise RuleBroken(_("就诊时间在现在之后。"), next_step=_("请核对就诊时间。"))
        row = Encounter(
            resident_id=resident_id,
            organization_id=organization_id,
            practitioner_id=practitioner_id,
            specialty=specialty,
            started_at=started_at,
            origin=Encounter.Origin(origin).value,
            is_emergency=is_emergency,
            is_posted_expert=is_posted_expert,
            diagnosis=diagnosis,
            summary=summary,
            reason=reason,
            differential=differential,
            outcome=Encounter.Outcome(outcome).value if outcome else "",
            next_visit_on=next_visit_on,
        )
        insert(row)
        record("records.record_encounter", row, by=by, at=at, resident_id=resident_id, origin=row.origin)
        grant_basis(
            resident_id=resident_id,
            kind=Basis.Kind.ENCOUNTER,
            source=f"encounter:{row.pk}",
            since=started_at,
            until=started_at + _outlasts(organization_id, at),
            organization_id=organization_id,
            by=by,
            at=at,
        )
    return row


def write_document(
    *,
    resident_id: int,
    kind: str,
    organization_id: int,
    text: str,
    encounter_id: int | None = None,
    signed_by: str = "",
    by: Actor,
    at: datetime,
) -> Document:
    """A letter is signed into the record and stands as it is: a correction is a new letter.

    The signature is the actor's name unless `signed_by` names the treating doctor. Raises Denied, or RuleBroken for
    an empty letter.
    """
    with transaction.atomic():
        _allow(can_write_for(by, organization_id))
        if not text.strip():
            raise RuleBroken(_("文书还没有内容。"), next_step=_("请写好内容再签名。"))
        row = Document.objects.create(
            resident_id=resident_id,
            encounter_id=encounter_id,
            kind=Document.Kind(kind).value,
            organization_id=organization_id,
            signed_by=signed_by or by.name,
            signed_at=at,
            text=text,
        )
        record("records.write_document", row, by=by, at=at, resident_id=resident_id, kind=row.kind)
    return row


def _allow(decision: Decision) -> None:
    if not decision:
        raise Denied(decision.reason)


def _outlasts(organization_id: int, at: datetime) -> timedelta:
    """How long the place of a visit may still see the person after it."""
    place = organization_by_id(organization_id).place
    return access_at(place.code, localtime(at).date()).after
