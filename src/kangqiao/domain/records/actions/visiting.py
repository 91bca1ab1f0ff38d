"""A visit in the consulting room, written by one act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.records.actions.keeping import record_allergy, record_condition, start_medication
from kangqiao.domain.records.actions.measuring import Measured, record_observations
from kangqiao.domain.records.actions.writing import record_encounter
from kangqiao.domain.records.models import Encounter, Observation
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Told:
    """What a visit found and decided: codes are of the list of diagnoses, `medicines` are (name, dose).

    `allergy` is None where nobody asked, empty where nothing is known.
    """

    reason: str
    outcome: str
    diagnosis: str
    problem: str = ""
    differential: str = ""
    summary: str = ""
    measured: Sequence[Measured] = ()
    medicines: Sequence[tuple[str, str]] = ()
    allergy: str | None = None
    next_visit_on: date | None = None
    is_sure: bool = False


def record_visit(*, resident_id: int, told: Told, by: Actor, at: datetime) -> Encounter:
    """A visit enters the record whole or not at all: encounter, values, problem, medicines, allergy (XH23-4.1a).

    Raises Denied, or RuleBroken without reason, diagnosis or outcome, for a next visit in the past, for somebody dead,
    and whatever the values and medicines are refused for.
    """
    missing = not (told.reason.strip() and told.diagnosis and told.outcome)
    if missing:
        raise RuleBroken(_("就诊还没写完整：要有就诊原因、诊断和处理结果。"), next_step=_("请补上再保存，写好的都在。"))
    if told.next_visit_on is not None and told.next_visit_on <= localtime(at).date():
        raise RuleBroken(_("下次复诊要在今天之后。"), next_step=_("请改复诊日期。"))
    with transaction.atomic():
        _is_alive(resident_id)
        row = _begin(resident_id, told, by, at)
        if told.measured:
            record_observations(
                resident_id=resident_id, found=told.measured, taken_at=at, source=Observation.Source.VISIT,
                encounter_id=row.pk, by=by, at=at,
            )  # fmt: skip
        if told.problem:
            zh = terminology.concept("diagnosis", told.problem).zh
            record_condition(resident_id=resident_id, code=told.problem, zh=zh, by=by, at=at)
        if told.allergy is not None:
            record_allergy(resident_id=resident_id, name=told.allergy, by=by, at=at)
        for name, dose in told.medicines:
            start_medication(
                resident_id=resident_id, name=name, dose=dose, encounter_id=row.pk, is_sure=told.is_sure, by=by, at=at
            )
    return row


def _begin(resident_id: int, told: Told, by: Actor, at: datetime) -> Encounter:
    doctor = Practitioner.objects.filter(user_id=_user(by), organization_id=by.organization_id or 0).first()
    return record_encounter(
        resident_id=resident_id,
        organization_id=by.organization_id or 0,
        practitioner_id=doctor.pk if doctor else None,
        specialty=doctor.specialty.code if doctor and doctor.specialty else "",
        started_at=at,
        diagnosis=terminology.concept("diagnosis", told.diagnosis).code,
        summary=told.summary,
        reason=told.reason.strip(),
        differential=told.differential.strip(),
        outcome=told.outcome,
        next_visit_on=told.next_visit_on,
        by=by,
        at=at,
    )


def _user(by: Actor) -> int:
    kind, _colon, number = by.id.partition(":")
    return int(number) if kind == "user" else 0


def _is_alive(resident_id: int) -> None:
    died_on = Resident.objects.filter(pk=resident_id).values_list("deceased_on", flat=True).first()
    if died_on is not None:
        raise RuleBroken(
            _("档案里写着这位居民已于 %(day)s 去世。") % {"day": died_on}, next_step=_("请核对是不是同一个人。")
        )
