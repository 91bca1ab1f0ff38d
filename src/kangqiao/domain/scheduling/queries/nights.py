"""What the night opens from weekly templates, and what its note says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models import ClinicTemplate, OpeningNote
from kangqiao.domain.scheduling.rules import said_skip


def houses_with_templates() -> list[int]:
    """The hospitals whose week is planned by templates; for the job that opens them."""
    rows = ClinicTemplate.objects.order_by("organization").values_list("organization_id", flat=True)
    return list(rows.distinct())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A clinic the night did not open, and why."""

    template: ClinicTemplate
    day: date
    why: str


def opening_note(house: Organization) -> tuple[OpeningNote, list[LeftOut]] | None:
    """What the last night opened for a hospital, with what it left out of the templates that still stand."""
    note = OpeningNote.objects.filter(organization=house).first()
    if note is None:
        return None
    known = {one.pk: one for one in ClinicTemplate.objects.select_related("practitioner").filter(organization=house)}
    left = [
        LeftOut(known[row["template"]], date.fromisoformat(row["day"]), said_skip(row["skip"], row["why"]))
        for row in note.skipped
        if row["template"] in known
    ]
    return note, left
