"""Appraisals as pages and money read them."""

from __future__ import annotations

from django.db.models import QuerySet

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.appraisal.permissions import parties, visible_to
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.states import Step


def appraisals(seat: Seat | None, year: int | None = None) -> QuerySet[Appraisal]:
    """The appraisals the seat may see, newest year first."""
    found = Appraisal.objects.filter(visible_to(seat)).select_related("subject__place", "authority").distinct()
    return found.filter(year=year) if year else found


def get_appraisal(seat: Seat | None, appraisal_id: int) -> Appraisal:
    """One appraisal with its items. Raises NotVisible."""
    found = appraisals(seat).filter(pk=appraisal_id).prefetch_related("items__report").first()
    if found is None:
        raise NotVisible("")
    return found


def available_steps(seat: Seat | None, appraisal: Appraisal) -> list[Step]:
    """The buttons of the page."""
    return APPRAISAL.steps_from(appraisal.status, parties(seat, appraisal))


def closed_of(year: int, subject_ids: list[int]) -> dict[int, Appraisal]:
    """Closed appraisals of a year by the organisation judged: what money may rest on."""
    found = Appraisal.objects.filter(year=year, subject_id__in=subject_ids, status="closed")
    return {appraisal.subject_id: appraisal for appraisal in found}
