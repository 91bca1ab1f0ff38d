"""Writing staff and absences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.search import search_keys
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.domain.workforce.permissions import can_import, can_note_absence, can_register
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken


def register_practitioner(
    *,
    name: str,
    sex: str,
    licence_number: str,
    title_kind: str,
    title_grade: str,
    organization_id: int,
    field: str = Practitioner.Field.CLINICAL,
    specialty: str = "",
    user_id: int | None = None,
    is_licensed: bool = True,
    profile: str = "",
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> Practitioner:
    """A member of staff enters with licence, title and specialty (FHIR Practitioner with qualification).

    Raises Denied, ValueError for an unknown title, or RuleBroken for a licence number that is taken or a specialty
    the list does not hold.
    """
    with transaction.atomic():
        _require(can_register(by, organization_id))
        if Practitioner.objects.filter(licence_number=licence_number).exists():
            raise RuleBroken(_("执业证号已经登记。"), next_step=_("请核对证号，或查找已登记的人员。"))
        row = Practitioner.objects.create(
            name=name,
            sex=sex,
            licence_number=licence_number,
            title_kind=Practitioner.TitleKind(title_kind).value,
            title_grade=Practitioner.TitleGrade(title_grade).value,
            field=Practitioner.Field(field).value,
            specialty=terminology.concept("specialty", specialty) if specialty else None,
            organization_id=organization_id,
            user_id=user_id,
            is_licensed=is_licensed,
            profile=profile,
            is_demo=is_demo,
            keys=search_keys(name),
        )
        record("workforce.register_practitioner", row, by=by, at=at, title_grade=row.title_grade, specialty=specialty)
    return row


def import_practitioners(*, practitioners: Sequence[Practitioner], by: Actor, at: datetime) -> None:
    """Many members of staff enter at once, as a region's staff list brings them. Raises Denied."""
    with transaction.atomic():
        _require(can_import(by, {row.organization_id for row in practitioners}))
        for row in practitioners:
            row.keys = search_keys(row.name)
        Practitioner.objects.bulk_create(practitioners)
        record("workforce.import_practitioners", Practitioner(), by=by, at=at, rows=len(practitioners))


def record_absence(
    *, practitioner_id: int, starts_on: date, ends_on: date, half: str = "", reason: str = "", by: Actor, at: datetime
) -> Absence:
    """Someone is away on these days (both included) or on one half of each; the roster leaves them out.

    Raises Denied, NotVisible, or RuleBroken when the days run backwards.
    """
    with transaction.atomic():
        practitioner = _locked(practitioner_id)
        _require(can_note_absence(by, practitioner))
        if ends_on < starts_on:
            raise RuleBroken(_("请假的结束不能早于开始。"), next_step=_("请核对日期。"))
        if half not in ("", "am", "pm"):
            raise RuleBroken(_("半天只能是上午或下午。"), next_step=_("请选上午、下午，或留空表示全天。"))
        row = Absence.objects.create(
            practitioner=practitioner, starts_on=starts_on, ends_on=ends_on, half=half, reason=reason
        )
        record("workforce.record_absence", row, by=by, at=at, starts_on=str(starts_on), ends_on=str(ends_on), half=half)
    return row


def cancel_absence(*, absence_id: int, by: Actor, at: datetime) -> None:
    """An absence falls away; the person may be rostered again. Raises Denied, NotVisible."""
    with transaction.atomic():
        row = Absence.objects.select_for_update().select_related("practitioner").filter(pk=absence_id).first()
        if row is None:
            raise NotVisible(_("没有这条请假。"))
        _require(can_note_absence(by, row.practitioner))
        record("workforce.cancel_absence", row, by=by, at=at, starts_on=str(row.starts_on), ends_on=str(row.ends_on))
        row.delete()


def _locked(practitioner_id: int) -> Practitioner:
    row = Practitioner.objects.select_for_update().filter(pk=practitioner_id).first()
    if row is None:
        raise NotVisible(_("没有这位人员。"))
    return row


def _require(allowed: Decision) -> None:
    if not allowed:
        raise Denied(allowed.reason, clause=allowed.clause)
