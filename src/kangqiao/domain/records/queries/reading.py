"""Reading the record, always through the scope of a seat."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar

from django.db.models import BigIntegerField, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import get_language

from kangqiao.base import reads
from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import (
    Allergy,
    Condition,
    Document,
    Encounter,
    Immunization,
    Medication,
    Observation,
)
from kangqiao.domain.records.permissions import is_allowed_sensitive, sees_sensitive
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.residents.parameters import sensitive_groups
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.residents.queries import get_resident, not_found
from kangqiao.domain.terminology import queries as terminology


@dataclass(frozen=True, slots=True)
class Protection:
    """What of a record stays closed to a reader: patterns of the specially protected groups, empty for nothing.

    `pattern` is for codes and words, `medicines` for the medicines given for nothing else.
    """

    pattern: str
    medicines: str = ""

    @property
    def hides(self) -> bool:
        """Whether something is withheld; what it is, and how much, is not told."""
        return bool(self.pattern)


# The number of a resident, or where it stands in a question that is written once.
Id = int | Told
OPEN = Protection("")
Row = TypeVar("Row", bound=Model)
# One list of a record, as far as a protection leaves it open.
Open = Callable[[Id, Protection], QuerySet[Row]]
# A reader who is no house and wrote nothing of the record; 0 stands for rows that belong to none.
NO_HOUSE = -1
# In place of a house: the line is a medicine that tells of a protected group by itself.
TAKEN = -2
# The words of a visit, in which a protected condition may be told beside its diagnosis.
VISIT_WORDS = ("reason", "differential", "summary")


def protection_of(seat: Seat, resident: Resident) -> Protection:
    """Which specially protected groups stay closed to the seat: those its organisation did not treat itself.

    The resident, the guardian of a child, and organisations the resident allowed see them all. Raises NotVisible when
    the seat has no basis.
    """
    get_resident(seat, resident.pk)
    return protection_for(seat, resident)


def protection_for(seat: Seat, resident: Resident) -> Protection:
    """The same for a resident the seat has just been given by `get_resident`."""
    # reads the clock: a right to see is a right now
    return _closed_to(seat.organization_id, resident, lambda: sees_sensitive(seat, resident.pk, timezone.now()))


def protection_of_file(seat: Seat, resident: Resident) -> Protection:
    """What stays out of a file that is taken along: from a guardian too, for files are handed on; not from oneself."""
    moment = timezone.now()  # reads the clock: a right to see is a right now
    own = valid_at(moment).filter(resident=resident, user=seat.user_id, kind=Basis.Kind.OWN)
    return _closed_to(NO_HOUSE, resident, own.exists)


def protection_of_house(organization_id: int, resident: Resident) -> Protection:
    """What stays closed to a house to which something of a record is handed on."""
    # reads the clock: a right to see is a right now
    is_allowed = partial(is_allowed_sensitive, organization_id, resident.pk, timezone.now())
    return _closed_to(organization_id, resident, is_allowed)


def protection_towards(seat: Seat, resident: Resident, receiver_id: int) -> Protection:
    """What stays closed when the seat hands something of a record on: what either of the two may not see.

    Raises NotVisible when the seat has no basis.
    """
    both = protection_of(seat, resident), protection_of_house(receiver_id, resident)
    return Protection(
        "|".join(one.pattern for one in both if one.pattern), "|".join(one.medicines for one in both if one.medicines)
    )


def _closed_to(organization_id: int, resident: Resident, is_allowed: Callable[[], bool]) -> Protection:
    groups = sensitive_groups()
    every = "|".join(group.pattern for group in groups), "|".join(group.medicines for group in groups)
    rows = _told.ask(*every, resident=resident.pk)
    told = [(writer_id, text) for writer_id, text in rows if writer_id != TAKEN]
    medicines = {code for writer_id, code in rows if writer_id == TAKEN}
    if not (told or medicines) or is_allowed():
        return OPEN
    own = [text for writer_id, text in told if writer_id == organization_id]
    closed = [
        group
        for group in groups
        if any(group.holds(text) for _organization, text in told) or any(group.is_drug(code) for code in medicines)
        if not any(group.holds(text) for text in own)
    ]
    return Protection("|".join(one.pattern for one in closed), "|".join(one.medicines for one in closed))


@Prepared
def _told(every: str, taken: str) -> QuerySet[Encounter, Any]:
    """What the record tells of protected groups, with the house that wrote it: 0 where it belongs to none.

    The codes of medicines given for nothing else stand under TAKEN.
    """
    resident = Told("resident", BigIntegerField())
    visits = Encounter.objects.filter(resident=resident).annotate(
        words=Concat(
            "diagnosis", *(part for word in VISIT_WORDS for part in (Value(" "), word)), output_field=TextField()
        )
    )
    letters = Document.objects.filter(resident=resident, text__iregex=every).order_by()
    known = Condition.objects.filter(resident=resident, code__iregex=every).order_by()
    said = Observation.objects.filter(resident=resident, text__iregex=every).order_by()
    jabs = Immunization.objects.filter(resident=resident, reaction__iregex=every).order_by()
    medicines = Medication.objects.filter(resident=resident, code__iregex=taken).order_by()
    nobody, under = (Value(one, output_field=BigIntegerField()) for one in (0, TAKEN))
    return visits.filter(words__iregex=every).order_by().values_list("organization_id", "words").union(
        letters.values_list("organization_id", "text"), known.values_list(nobody, "code"),
        said.values_list(nobody, "text"), jabs.values_list("organization_id", "reaction"),
        medicines.values_list(under, "code"), all=True,
    )  # fmt: skip


def _hidden_visit(closed: str, prefix: str = "") -> Q:
    """Visits that tell of what is closed."""
    found = Q(**{f"{prefix}diagnosis__iregex": closed})
    for word in VISIT_WORDS:
        found |= Q(**{f"{prefix}{word}__iregex": closed})
    return found


def encounters_of(seat: Seat, resident: Resident, protection: Protection | None = None) -> QuerySet[Encounter]:
    """The resident's visits open to the seat, latest first. Raises NotVisible when the seat has no basis."""
    return open_encounters(resident.pk, protection or protection_of(seat, resident))


def open_encounters(resident_id: Id, protection: Protection) -> QuerySet[Encounter]:
    """The visits of a resident that a protection leaves open, latest first."""
    closed = protection.pattern
    rows = Encounter.objects.select_related("organization", "practitioner").filter(resident=resident_id)
    rows = rows.exclude(_hidden_visit(closed)) if closed else rows
    return rows.order_by("-started_at", "-pk")


def conditions_of(
    seat: Seat, resident: Resident, protection: Protection | None = None, *, past: bool = False
) -> QuerySet[Condition]:
    """What the resident lives with now, or did in the `past` too, open to the seat.

    Raises NotVisible when the seat has no basis.
    """
    return open_conditions(resident.pk, protection or protection_of(seat, resident), past=past)


def open_conditions(resident_id: Id, protection: Protection, *, past: bool = False) -> QuerySet[Condition]:
    """What a resident lives with, or did, as far as a protection leaves it open."""
    closed = protection.pattern
    rows = Condition.objects.filter(resident=resident_id)
    rows = rows if past else rows.filter(abated_on__isnull=True)
    return (rows.exclude(code__iregex=closed) if closed else rows).order_by("code")


def documents_of(seat: Seat, resident: Resident, protection: Protection | None = None) -> QuerySet[Document]:
    """The resident's letters open to the seat, latest first. Raises NotVisible when the seat has no basis."""
    return open_documents(resident.pk, protection or protection_of(seat, resident))


def open_documents(resident_id: Id, protection: Protection) -> QuerySet[Document]:
    """The letters of a resident that a protection leaves open, latest first."""
    closed = protection.pattern
    rows = Document.objects.select_related("organization").filter(resident=resident_id)
    if closed:
        rows = rows.exclude(text__iregex=closed)
        rows = rows.filter(Q(encounter__isnull=True) | ~_hidden_visit(closed, "encounter__"))
    return rows.order_by("-signed_at", "-pk")


def observations_of(
    seat: Seat, resident: Resident, protection: Protection | None = None, *, past: bool = False
) -> QuerySet[Observation]:
    """The values that hold, or with those corrected in the `past`, open to the seat, latest first.

    Raises NotVisible when the seat has no basis.
    """
    return open_observations(resident.pk, protection or protection_of(seat, resident), past=past)


def open_observations(resident_id: Id, protection: Protection, *, past: bool = False) -> QuerySet[Observation]:
    """The values of a resident that a protection leaves open, latest first."""
    closed = protection.pattern
    rows = Observation.objects.filter(resident=resident_id)
    rows = rows if past else rows.filter(correction__isnull=True, is_void=False)
    if closed:
        rows = rows.exclude(text__iregex=closed)
        rows = rows.filter(Q(encounter__isnull=True) | ~_hidden_visit(closed, "encounter__"))
    return rows.select_related("organization").order_by("-taken_at", "-pk")


def allergies_of(
    seat: Seat, resident: Resident, protection: Protection | None = None, *, past: bool = False
) -> list[Allergy]:
    """What the resident must not get; one line without a name says that nothing is known, no line that nobody asked.

    With the `past` those that were refuted too.
    """
    if protection is None:  # whose protection was judged has a basis
        get_resident(seat, resident.pk)
    return list(open_allergies(resident.pk, OPEN, past=past))


def open_allergies(resident_id: Id, _protection: Protection, *, past: bool = False) -> QuerySet[Allergy]:
    """What a resident must not get; no protection closes what would harm."""
    rows = Allergy.objects.filter(resident=resident_id)
    return rows if past else rows.filter(refuted_at__isnull=True)


def medications_of(
    seat: Seat, resident: Resident, protection: Protection | None = None, *, past: bool = False
) -> QuerySet[Medication]:
    """The medicines in use, or in the `past` too, open to the seat. Raises NotVisible when the seat has no basis."""
    return open_medications(resident.pk, protection or protection_of(seat, resident), past=past)


def open_medications(resident_id: Id, protection: Protection, *, past: bool = False) -> QuerySet[Medication]:
    """The medicines of a resident that a protection leaves open."""
    rows = Medication.objects.filter(resident=resident_id)
    rows = rows if past else rows.filter(until__isnull=True)
    if protection.medicines:
        rows = rows.exclude(code__iregex=protection.medicines)
        rows = rows.filter(Q(encounter__isnull=True) | ~_hidden_visit(protection.pattern, "encounter__"))
    return rows


def observation(seat: Seat, observation_id: int) -> Observation:
    """One value of a resident in scope, corrected or not, with its former ones. Raises NotVisible."""
    found = Observation.objects.select_related("resident", "encounter").filter(pk=observation_id).first()
    if found is None:
        reads.missed("records.observation", observation_id)
        raise not_found()
    closed = protection_of(seat, found.resident).pattern
    visit = found.encounter
    words = [found.text, *((visit.diagnosis, *(getattr(visit, one) for one in VISIT_WORDS)) if visit else ())]
    if closed and any(re.search(closed, text, re.IGNORECASE) for text in words):
        raise not_found()
    return found


def former_values(row: Observation) -> list[Observation]:
    """What stood there before a value was corrected, the latest first; each was read with the value itself."""
    found: list[Observation] = []
    while row.corrects is not None:
        row = row.corrects
        found.append(row)
    return found


def first_open(of: Open[Row], resident: Resident, protection: Protection, most: int | None = None) -> list[Row]:
    """The first rows of one list of the record, for a reader whose protection was judged; its question written once."""
    return _first.models(of, protection, most, resident=resident.pk)


@Prepared
def _first(of: Open[Any], protection: Protection, most: int | None) -> QuerySet[Any]:
    return of(Told("resident", BigIntegerField()), protection)[:most]


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
    specialties, diagnoses = terminology.labels_of(("specialty", "diagnosis"), language)
    return [
        Visit(
            encounter=row,
            day=timezone.localtime(row.started_at).date(),
            specialty=specialties.get(row.specialty, row.specialty),
            diagnosis=diagnoses.get(row.diagnosis, row.diagnosis),
        )
        for row in first_open(open_encounters, resident, protection or protection_of(seat, resident), limit)
    ]
