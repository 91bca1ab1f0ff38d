"""A history that is read in whole: visits, problems, values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import checked_together, copy_rows
from kangqiao.domain.records.actions.writing import _allow
from kangqiao.domain.records.models import Allergy, Condition, Encounter, Immunization, Medication, Observation
from kangqiao.domain.records.parameters import allergens, drugs, substance
from kangqiao.domain.records.permissions import can_import
from kangqiao.domain.residents.actions import import_visit_bases


class PastVisit(NamedTuple):
    """One visit of a history that is read in."""

    resident_id: int
    organization_id: int
    practitioner_id: int | None
    specialty: str
    started_at: datetime
    diagnosis: str
    origin: Encounter.Origin = Encounter.Origin.WALK_IN
    is_emergency: bool = False


class KnownCondition(NamedTuple):
    """One long-term problem of a history that is read in."""

    resident_id: int
    code: str
    zh: str
    since: date | None


class PastValue(NamedTuple):
    """One value of a history that is read in."""

    resident_id: int
    organization_id: int | None
    code: str
    value: Decimal
    unit: str
    taken_at: datetime


def import_history(
    *, visits: Sequence[PastVisit], conditions: Sequence[KnownCondition], by: Actor, at: datetime
) -> None:
    """Past visits and known problems are read in, and the places visited may see the people they saw.

    A visit counts as a direct one unless its row says how the resident came. One audit row stands for all. Raises
    Denied.
    """
    with transaction.atomic():
        _allow(can_import(by))
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
                    "is_emergency", "is_posted_expert", "summary",
                ),
                ((*visit[:6], visit.origin.value, visit.is_emergency, False, "") for visit in visits),
            )  # fmt: skip
        copy_rows(Condition, ("resident", "code", "zh", "since"), conditions)
        import_visit_bases(visits=spans, by=by, at=at)
        record("records.import_history", Encounter(), by=by, at=at, rows=len(visits), conditions=len(conditions))


def import_values(*, values: Iterable[PastValue], by: Actor, at: datetime) -> int:
    """Past values are read in, each with its own moment. One audit row stands for all. Raises Denied."""
    source = Observation.Source.HISTORY.value
    with transaction.atomic():
        _allow(can_import(by))
        with checked_together(Observation):
            count = copy_rows(
                Observation,
                (
                    "resident", "organization", "code", "value", "unit", "taken_at", "source", "recorded_by",
                    "recorded_at",
                ),
                ((*one, source, by.name, at) for one in values),
            )  # fmt: skip
        record("records.import_values", Observation(), by=by, at=at, rows=count)
    return count


class PastDose(NamedTuple):
    """One vaccination of a history that is read in, as the house that gave it wrote it."""

    resident_id: int
    organization_id: int
    vaccine: str
    series: str
    dose: int
    given_on: date
    performer: str
    manufacturer: str
    lot: str
    expires_on: date
    site: str
    route: str


def import_doses(*, doses: Iterable[PastDose], by: Actor, at: datetime) -> int:
    """Past vaccinations are read in, each given by its house. One audit row stands for all. Raises Denied."""
    with transaction.atomic():
        _allow(can_import(by))
        columns = (*PastDose._fields, "is_here", "recorded_by", "recorded_at")
        names = tuple(name.removesuffix("_id") for name in columns)
        count = copy_rows(Immunization, names, ((*one, True, by.name, at) for one in doses))
        record("records.import_doses", Immunization(), by=by, at=at, rows=count)
    return count


class KnownMedicine(NamedTuple):
    """One medicine in use, of a history that is read in."""

    resident_id: int
    name: str
    dose: str
    since: date


def import_lived_with(
    *, medicines: Iterable[KnownMedicine], allergies: Iterable[tuple[int, str]], by: Actor, at: datetime
) -> None:
    """Medicines in use and allergies are read in; (resident, "") says that none is known. Raises Denied."""
    taken = list(medicines)
    known = {name: substance(drugs(), name) for name in {one.name for one in taken}}
    noted = [(pk, substance(allergens(), name)) for pk, name in allergies]
    with transaction.atomic():
        _allow(can_import(by))
        copy_rows(
            Medication,
            ("resident", "code", "zh", "dose", "since", "recorded_by"),
            (
                (one.resident_id, known[one.name].code, known[one.name].zh, one.dose, one.since, by.name)
                for one in taken
            ),
        )
        copy_rows(
            Allergy,
            ("resident", "code", "zh", "severity", "recorded_by", "recorded_at"),
            ((pk, one.code, one.zh, Allergy.Severity.UNKNOWN.value, by.name, at) for pk, one in noted),
        )
        record("records.import_lived_with", Medication(), by=by, at=at, rows=len(taken), allergies=len(noted))


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
