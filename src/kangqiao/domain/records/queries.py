"""Reading the record, always through the scope of a seat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import Condition, Document, Encounter
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import get_resident, not_found
from kangqiao.domain.terminology import queries as terminology


def encounters_of(seat: Seat, resident: Resident) -> QuerySet[Encounter]:
    """The resident's visits, latest first. Raises NotVisible when the seat has no basis."""
    get_resident(seat, resident.pk)
    rows = Encounter.objects.select_related("organization", "practitioner").filter(resident=resident)
    return rows.order_by("-started_at", "-pk")


def conditions_of(seat: Seat, resident: Resident) -> QuerySet[Condition]:
    """What the resident lives with. Raises NotVisible when the seat has no basis."""
    get_resident(seat, resident.pk)
    return Condition.objects.filter(resident=resident).order_by("code")


def documents_of(seat: Seat, resident: Resident) -> QuerySet[Document]:
    """The resident's signed letters, latest first. Raises NotVisible when the seat has no basis."""
    get_resident(seat, resident.pk)
    rows = Document.objects.select_related("organization").filter(resident=resident)
    return rows.order_by("-signed_at", "-pk")


def document(seat: Seat, document_id: int) -> Document:
    """One letter of a resident in scope. Raises NotVisible."""
    found = Document.objects.select_related("organization", "resident").filter(pk=document_id).first()
    if found is None:
        raise not_found()
    get_resident(seat, found.resident_id)
    return found


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with its local day and the names of its codes."""

    encounter: Encounter
    day: date
    specialty: str
    diagnosis: str


def visits_shown(seat: Seat, resident: Resident, limit: int) -> list[Visit]:
    """The latest visits, named for the page. Raises NotVisible when the seat has no basis."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    specialties, diagnoses = (terminology.labels(system, language) for system in ("specialty", "diagnosis"))
    return [
        Visit(
            encounter=row,
            day=timezone.localtime(row.started_at).date(),
            specialty=specialties.get(row.specialty, row.specialty),
            diagnosis=diagnoses.get(row.diagnosis, row.diagnosis),
        )
        for row in encounters_of(seat, resident)[:limit]
    ]
