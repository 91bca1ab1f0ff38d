"""Reading the record, always through the scope of a seat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import BigIntegerField, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import get_language

from kangqiao.base import reads
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import Condition, Document, Encounter
from kangqiao.domain.records.permissions import sees_sensitive
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.parameters import sensitive_groups
from kangqiao.domain.residents.queries import get_resident, not_found
from kangqiao.domain.terminology import queries as terminology


@dataclass(frozen=True, slots=True)
class Protection:
    """What of a record stays closed to a reader: one pattern of the specially protected groups, empty for nothing."""

    pattern: str

    @property
    def hides(self) -> bool:
        """Whether something is withheld; what it is, and how much, is not told."""
        return bool(self.pattern)


def protection_of(seat: Seat, resident: Resident) -> Protection:
    """Which specially protected groups stay closed to the seat: those its organisation did not treat itself.

    The resident, the guardian of a child, and organisations the resident allowed see them all. Raises NotVisible when
    the seat has no basis.
    """
    get_resident(seat, resident.pk)
    groups = sensitive_groups()
    every = "|".join(group.pattern for group in groups)
    visits = Encounter.objects.filter(resident=resident, diagnosis__iregex=every).order_by()
    letters = Document.objects.filter(resident=resident, text__iregex=every).order_by()
    known = Condition.objects.filter(resident=resident, code__iregex=every).order_by()
    told = visits.values_list("organization_id", "diagnosis").union(
        letters.values_list("organization_id", "text"),
        known.values_list(Value(0, output_field=BigIntegerField()), "code"),
        all=True,
    )
    rows = list(told)
    if not rows or sees_sensitive(seat, resident.pk, timezone.now()):  # reads the clock: a right to see is a right now
        return Protection("")
    own = [text for organization_id, text in rows if organization_id == seat.organization_id]
    closed = [
        group.pattern
        for group in groups
        if any(group.holds(text) for _organization, text in rows) and not any(group.holds(text) for text in own)
    ]
    return Protection("|".join(closed))


def encounters_of(seat: Seat, resident: Resident, protection: Protection | None = None) -> QuerySet[Encounter]:
    """The resident's visits open to the seat, latest first. Raises NotVisible when the seat has no basis."""
    closed = (protection or protection_of(seat, resident)).pattern
    rows = Encounter.objects.select_related("organization", "practitioner").filter(resident=resident)
    rows = rows.exclude(diagnosis__iregex=closed) if closed else rows
    return rows.order_by("-started_at", "-pk")


def conditions_of(seat: Seat, resident: Resident, protection: Protection | None = None) -> QuerySet[Condition]:
    """What the resident lives with, open to the seat. Raises NotVisible when the seat has no basis."""
    closed = (protection or protection_of(seat, resident)).pattern
    rows = Condition.objects.filter(resident=resident)
    return (rows.exclude(code__iregex=closed) if closed else rows).order_by("code")


def documents_of(seat: Seat, resident: Resident, protection: Protection | None = None) -> QuerySet[Document]:
    """The resident's letters open to the seat, latest first. Raises NotVisible when the seat has no basis."""
    closed = (protection or protection_of(seat, resident)).pattern
    rows = Document.objects.select_related("organization").filter(resident=resident)
    if closed:
        rows = rows.exclude(text__iregex=closed)
        rows = rows.filter(Q(encounter__isnull=True) | ~Q(encounter__diagnosis__iregex=closed))
    return rows.order_by("-signed_at", "-pk")


def document(seat: Seat, document_id: int) -> Document:
    """One letter of a resident in scope. Raises NotVisible."""
    found = Document.objects.select_related("organization", "resident").filter(pk=document_id).first()
    if found is None:
        reads.missed("records.document", document_id)
        raise not_found()
    if not documents_of(seat, found.resident).filter(pk=found.pk).exists():
        raise not_found()
    return found


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with its local day and the names of its codes."""

    encounter: Encounter
    day: date
    specialty: str
    diagnosis: str


def visits_shown(seat: Seat, resident: Resident, limit: int, protection: Protection | None = None) -> list[Visit]:
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
        for row in encounters_of(seat, resident, protection)[:limit]
    ]
