"""What a resident lives with: problems, allergies, medicines. What ended or was refuted stays, with who and why."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.records.actions.writing import _allow
from kangqiao.domain.records.models import Allergy, Condition, Medication
from kangqiao.domain.records.parameters import allergens, drugs, substance
from kangqiao.domain.records.permissions import can_write_about
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import RuleBroken, Taken


def record_condition(
    *, resident_id: int, code: str, zh: str, since: date | None = None, by: Actor, at: datetime
) -> Condition:
    """A problem the resident lives with enters the list, or is there again; what is listed already stays as it is.

    Raises Denied, or RuleBroken for an onset that lies ahead.
    """
    with transaction.atomic():
        _allow(can_write_about(by, resident_id, at))
        _not_ahead(since, at)
        row, is_new = Condition.objects.get_or_create(
            resident_id=resident_id, code=code, defaults={"zh": zh, "since": since}
        )
        if is_new:
            record("records.record_condition", row, by=by, at=at, resident_id=resident_id)
        elif row.abated_on is not None:
            former, row.abated_on = row.abated_on, None
            row.save(update_fields=("abated_on",))
            record("records.record_condition", row, by=by, at=at, resident_id=resident_id, abated_on=str(former))
    return row


def end_condition(*, condition_id: int, on: date, why: str, by: Actor, at: datetime) -> Condition:
    """A problem is over, or never was: it leaves the list, and the record keeps that it stood there.

    Raises Denied, or RuleBroken without a reason, for a day ahead or before the onset.
    """
    with transaction.atomic():
        row = Condition.objects.select_for_update().get(pk=condition_id)
        _allow(can_write_about(by, row.resident_id, at))
        _has_reason(why)
        _not_ahead(on, at)
        if row.since is not None and on < row.since:
            raise RuleBroken(_("结束的日子早于开始的日子。"), next_step=_("请核对日期。"))
        row.abated_on = on
        row.save(update_fields=("abated_on",))
        record("records.end_condition", row, by=by, at=at, resident_id=row.resident_id, why=why)
    return row


def record_allergy(
    *,
    resident_id: int,
    name: str,
    reaction: str = "",
    severity: str = Allergy.Severity.UNKNOWN,
    by: Actor,
    at: datetime,
) -> Allergy:
    """What a resident must not get is noted once; it takes the place of “no known allergies”. Raises Denied.

    An empty name says that nothing is known, which RuleBroken refuses beside something that is.
    """
    with transaction.atomic():
        _allow(can_write_about(by, resident_id, at))
        Resident.objects.select_for_update().get(pk=resident_id)
        known = substance(allergens(), name)
        held = Allergy.objects.filter(resident=resident_id, refuted_at__isnull=True)
        if not known.zh and held.exclude(zh="").exists():
            raise RuleBroken(
                _("档案里有过敏，不能再写“无已知过敏”。"), next_step=_("若已排除，请先在过敏名单里写明原因。")
            )
        found = held.filter(zh=known.zh).first()
        if found is not None:
            return found
        if known.zh:
            held.filter(zh="").update(refuted_at=at, refuted_by=by.name, refuted_why=known.zh)
        row = Allergy.objects.create(
            resident_id=resident_id,
            code=known.code,
            zh=known.zh,
            reaction=reaction,
            severity=Allergy.Severity(severity).value,
            recorded_by=by.name,
            recorded_at=at,
        )
        record("records.record_allergy", row, by=by, at=at, resident_id=resident_id)
    return row


def refute_allergy(*, allergy_id: int, why: str, by: Actor, at: datetime) -> Allergy:
    """An allergy turns out to be none; it stays readable, with who and why. Raises Denied, RuleBroken, Taken."""
    with transaction.atomic():
        row = Allergy.objects.select_for_update().get(pk=allergy_id)
        _allow(can_write_about(by, row.resident_id, at))
        _has_reason(why)
        if row.refuted_at is not None:
            raise Taken(_("%(who)s已经排除了这条过敏。") % {"who": row.refuted_by}, next_step=_("请刷新后再看。"))
        row.refuted_at, row.refuted_by, row.refuted_why = at, by.name, why.strip()
        row.save(update_fields=("refuted_at", "refuted_by", "refuted_why"))
        record("records.refute_allergy", row, by=by, at=at, resident_id=row.resident_id)
    return row


def start_medication(
    *,
    resident_id: int,
    name: str,
    dose: str = "",
    encounter_id: int | None = None,
    is_sure: bool = False,
    by: Actor,
    at: datetime,
) -> Medication:
    """A medicine is in use from today; the same one in use already takes the new dose, and its former line ends.

    Raises Denied, or RuleBroken without a name, and for what the resident is allergic to unless `is_sure`.
    """
    today = localtime(at).date()
    with transaction.atomic():
        _allow(can_write_about(by, resident_id, at))
        known = substance(drugs(), name)
        if not known.zh:
            raise RuleBroken(_("没有写药名。"), next_step=_("请写药名，再写用法。"))
        allergy = _allergy_to(resident_id, known.code, known.zh)
        if allergy is not None and not is_sure:
            raise RuleBroken(
                _("居民对%(what)s过敏，%(drug)s属于这一类。") % {"what": allergy.zh, "drug": known.zh},
                next_step=_("请换药；确需使用，请勾选“已核对”。"),
            )
        held = Medication.objects.select_for_update().filter(resident=resident_id, zh=known.zh, until__isnull=True)
        former = held.first()
        if former is not None and former.dose == dose:
            return former
        held.update(until=today, stopped_by=by.name, stop_reason=_("改为 %(dose)s") % {"dose": dose or "—"})
        row = Medication.objects.create(
            resident_id=resident_id,
            encounter_id=encounter_id,
            code=known.code,
            zh=known.zh,
            dose=dose,
            since=today,
            recorded_by=by.name,
        )
        record("records.start_medication", row, by=by, at=at, resident_id=resident_id, is_sure=is_sure)
    return row


def stop_medication(*, medication_id: int, why: str, by: Actor, at: datetime) -> Medication:
    """A medicine is not in use any more. Raises Denied, RuleBroken without a reason, Taken where it ended before."""
    with transaction.atomic():
        row = Medication.objects.select_for_update().get(pk=medication_id)
        _allow(can_write_about(by, row.resident_id, at))
        _has_reason(why)
        if row.until is not None:
            raise Taken(_("%(who)s已经停了这种药。") % {"who": row.stopped_by}, next_step=_("请刷新后再看。"))
        row.until, row.stopped_by, row.stop_reason = localtime(at).date(), by.name, why.strip()
        row.save(update_fields=("until", "stopped_by", "stop_reason"))
        record("records.stop_medication", row, by=by, at=at, resident_id=row.resident_id)
    return row


def _allergy_to(resident_id: int, code: str, zh: str) -> Allergy | None:
    rows = Allergy.objects.filter(resident=resident_id, refuted_at__isnull=True).exclude(zh="")
    return next((row for row in rows if row.zh == zh or (row.code and code.startswith(row.code))), None)


def _has_reason(why: str) -> None:
    if not why.strip():
        raise RuleBroken(_("没有写原因。"), next_step=_("请写一句原因，它会留在档案里。"))


def _not_ahead(day: date | None, at: datetime) -> None:
    if day is not None and day > localtime(at).date():
        raise RuleBroken(_("日期在今天之后。"), next_step=_("请核对日期。"))
