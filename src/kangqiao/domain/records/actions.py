"""Writing the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import checked_together, copy_rows
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.records.models import Condition, Document, Encounter
from kangqiao.domain.records.permissions import can_import, can_write_about, can_write_for
from kangqiao.domain.residents.actions import grant_basis, import_visit_bases
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
    is_posted_expert: bool = False,
    diagnosis: str = "",
    summary: str = "",
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
        row = Encounter.objects.create(
            resident_id=resident_id,
            organization_id=organization_id,
            practitioner_id=practitioner_id,
            specialty=specialty,
            started_at=started_at,
            origin=Encounter.Origin(origin).value,
            is_posted_expert=is_posted_expert,
            diagnosis=diagnosis,
            summary=summary,
        )
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


def record_condition(
    *, resident_id: int, code: str, zh: str, since: date | None = None, by: Actor, at: datetime
) -> Condition:
    """A problem the resident lives with enters the list; the same code a second time changes nothing."""
    with transaction.atomic():
        _allow(can_write_about(by, resident_id, at))
        row, is_new = Condition.objects.get_or_create(
            resident_id=resident_id, code=code, defaults={"zh": zh, "since": since}
        )
        if is_new:
            record("records.record_condition", row, by=by, at=at, resident_id=resident_id)
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


class PastVisit(NamedTuple):
    """One visit of a history that is read in."""

    resident_id: int
    organization_id: int
    practitioner_id: int | None
    specialty: str
    started_at: datetime
    diagnosis: str


class KnownCondition(NamedTuple):
    """One long-term problem of a history that is read in."""

    resident_id: int
    code: str
    zh: str
    since: date | None


def import_history(
    *, visits: Sequence[PastVisit], conditions: Sequence[KnownCondition], by: Actor, at: datetime
) -> None:
    """Past visits and known problems are read in, and the places visited may see the people they saw.

    Such visits count as direct ones: no booking or letter came with them. One audit row stands for all. Raises Denied.
    """
    with transaction.atomic():
        _allow(can_import(by))
        walk_in = Encounter.Origin.WALK_IN.value
        spans: dict[tuple[int, int], tuple[datetime, datetime]] = {}
        for visit in visits:
            pair, when = (visit.resident_id, visit.organization_id), visit.started_at
            first, last = spans.get(pair, (when, when))
            spans[pair] = min(first, when), max(last, when)
        with checked_together(Encounter):
            copy_rows(
                Encounter,
                (
                    "resident", "organization", "practitioner", "specialty", "started_at", "diagnosis", "origin",
                    "is_posted_expert", "summary",
                ),
                ((*visit, walk_in, False, "") for visit in visits),
            )  # fmt: skip
        copy_rows(Condition, ("resident", "code", "zh", "since"), conditions)
        import_visit_bases(visits=spans, by=by, at=at)
        record("records.import_history", Encounter(), by=by, at=at, rows=len(visits), conditions=len(conditions))


def import_expert_visits(*, half_days: Sequence[tuple[int, int, date, str]], most: int, by: Actor, at: datetime) -> int:
    """Past visits at centres turn out to have been with the posted expert who sat there that half-day.

    `half_days` are (practitioner, centre, day, `am` or `pm`); of each half-day's visits the first `most` are the
    expert's. Returns how many visits that are. One audit row stands for all. Raises Denied.
    """
    with transaction.atomic():
        _allow(can_import(by))
        with connection.cursor() as cursor:
            cursor.execute(EXPERT_VISITS, [*(list(column) for column in zip(*half_days, strict=True)), most])
            count: int = cursor.rowcount
        record("records.import_expert_visits", Encounter(), by=by, at=at, rows=count)
    return count


EXPERT_VISITS = """
    WITH sat AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::text[]) AS s(practitioner, centre, day, half)
    ), visit AS (
        SELECT e.id, sat.practitioner,
               row_number() OVER (PARTITION BY sat.centre, sat.day, sat.half ORDER BY e.started_at, e.id) AS turn
          FROM records_encounter e
          JOIN sat ON sat.centre = e.organization_id
               AND sat.day = (e.started_at AT TIME ZONE 'Asia/Shanghai')::date
               AND sat.half = CASE WHEN (e.started_at AT TIME ZONE 'Asia/Shanghai')::time < '12:00'
                                   THEN 'am' ELSE 'pm' END
    )
    UPDATE records_encounter e SET practitioner_id = visit.practitioner, is_posted_expert = true
      FROM visit WHERE visit.id = e.id AND visit.turn <= %s
"""
