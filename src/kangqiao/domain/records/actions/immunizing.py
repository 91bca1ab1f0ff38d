"""A vaccination enters the record once; a correction keeps the former row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.records.actions.writing import _allow, record_encounter
from kangqiao.domain.records.models import Encounter, Immunization
from kangqiao.domain.records.parameters import programme
from kangqiao.domain.records.permissions import can_correct_immunization, can_write_about
from kangqiao.domain.records.queries.immunizations import Jab, as_told, judged
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken, Taken

# The diagnosis of a visit for a vaccine, in ICD-10.
VACCINATION = "Z24"
# What has to be known of a vaccination that was given here (疫苗管理法 46).
HERE = ("manufacturer", "lot", "expires_on", "performer", "site", "route")


def record_immunization(
    *, resident_id: int, told: Jab, sure: Collection[str] = (), by: Actor, at: datetime
) -> Immunization:
    """A vaccination is written by the house that gave it or saw its certificate; which dose is found where not told.

    One given here is a visit too, the same for all vaccines of a day, so that nobody types it twice.

    `sure` names what somebody was asked about and said to be right. Raises Denied, RuleBroken for what cannot be, for
    what is odd and not named in `sure`, and for somebody who has died.
    """
    with transaction.atomic():
        _allow(can_write_about(by, resident_id, at))
        resident = Resident.objects.select_for_update().get(pk=resident_id)
        if resident.deceased_on is not None:
            raise RuleBroken(
                _("居民已于 %(day)s 去世，不能再记接种。") % {"day": resident.deceased_on},
                next_step=_("请核对是不是选错了人。"),
            )
        row = _written(resident, told, sure, by, at, None, organization_id=by.organization_id)
        if row.is_here:
            row.encounter_id = _visit(row, by, at).pk
            row.save(update_fields=("encounter",))
        record("records.record_immunization", row, by=by, at=at, resident_id=resident_id, is_here=row.is_here)
    return row


def correct_immunization(
    *, immunization_id: int, told: Jab | None, reason: str, sure: Collection[str] = (), by: Actor, at: datetime
) -> Immunization:
    """A vaccination was written wrongly: the right one, or none, stands in its place, and the former one is kept.

    Raises Denied to other houses, RuleBroken as above, without a reason or where nothing changes, Taken when somebody
    else has corrected it.
    """
    with transaction.atomic():
        former = Immunization.objects.select_for_update().get(pk=immunization_id)
        _allow(can_correct_immunization(by, former, at))
        resident = Resident.objects.select_for_update().get(pk=former.resident_id)
        if not reason.strip():
            raise RuleBroken(_("没有写更正的原因。"), next_step=_("请写一句原因，原来的记录会一起留着。"))
        if not former.is_current:
            later = Immunization.objects.get(corrects=former)
            raise Taken(_("%(who)s已经更正了这一条。") % {"who": later.recorded_by}, next_step=_("请刷新后再看。"))
        if former.is_void or told == as_told(former):
            raise RuleBroken(_("和原来的一样，没有改动。"), next_step=_("要改的请改好再提交，记错了人请作废。"))
        Immunization.objects.filter(pk=former.pk).update(is_current=False)
        kept = {"encounter_id": former.encounter_id, "organization_id": former.organization_id}
        why = {"corrects": former, "reason": reason.strip()}
        if told is None:
            row = Immunization.objects.create(
                resident=resident, recorded_by=by.name, recorded_at=at, is_void=True, **why, **kept, **_same(former)
            )
        else:
            row = _written(resident, told, sure, by, at, former, **why, **kept)
        record("records.correct_immunization", row, by=by, at=at, resident_id=resident.pk, former=former.pk)
    return row


def _written(
    resident: Resident, told: Jab, sure: Collection[str], by: Actor, at: datetime, former: Immunization | None,
    **more: Any,
) -> Immunization:  # fmt: skip
    _whole(told)
    given, odd = judged(resident, told, localtime(at).date(), former)
    wrong = [one.words for one in odd if not one.is_asked]
    if wrong:
        raise RuleBroken(" ".join(wrong))
    open_ = [one.words for one in odd if one.code not in sure]
    if open_:
        raise RuleBroken(" ".join(open_), next_step=_("核对无误请勾选，再保存。"))
    row = Immunization(
        resident=resident, vaccine=given.vaccine, series=given.series, dose=given.dose or None, given_on=given.on,
        is_here=told.is_here, place="" if told.is_here else told.place.strip(), performer=told.performer.strip(),
        manufacturer=told.manufacturer.strip(), lot=told.lot.strip(), expires_on=told.expires_on, site=told.site,
        route=told.route, reaction=told.reaction.strip(), is_confirmed=bool(odd), recorded_by=by.name, recorded_at=at,
        **more,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as clash:
        raise Taken(_("这一剂刚刚已经记下。"), next_step=_("请刷新后再看。")) from clash
    return row


def _visit(row: Immunization, by: Actor, at: datetime) -> Encounter:
    """The visit of that day at which vaccines were given; the first of them makes it."""
    house, on = by.organization_id or 0, row.given_on
    held = Encounter.objects.filter(resident=row.resident_id, organization=house, diagnosis=VACCINATION)
    found = held.filter(started_at__date=on).first()
    if found is not None:
        return found
    doctor = Practitioner.objects.filter(user_id=user_id_of(by) or 0, organization_id=house).first()
    noon = make_aware(datetime.combine(on, time(12)))
    return record_encounter(
        resident_id=row.resident_id, organization_id=house, practitioner_id=doctor.pk if doctor else None,
        specialty=doctor.specialty.code if doctor and doctor.specialty else "", started_at=min(noon, at),
        diagnosis=VACCINATION, reason=_("预防接种"), outcome=Encounter.Outcome.TREATED, by=by, at=at,
    )  # fmt: skip


def _same(former: Immunization) -> dict[str, Any]:
    """The columns of a row that is void now: what was written stays readable in it."""
    names = (*(name for name in Jab.__dataclass_fields__ if name != "dose"), "dose", "series", "is_confirmed")
    return {name: getattr(former, name) for name in names}


def _whole(told: Jab) -> None:
    """A known vaccine, a known route and site, and everything the law asks for where it was given here."""
    rules = programme()
    routes, sites = {one[0] for one in rules.routes}, {one[0] for one in rules.sites}
    if told.vaccine not in rules.vaccines or told.route not in (*routes, "") or told.site not in (*sites, ""):
        raise RuleBroken(_("没有这种疫苗、途径或部位。"), next_step=_("请从名单里选。"))
    lacks = [name for name in HERE if told.is_here and not getattr(told, name)]
    if lacks:
        names = {
            "manufacturer": _("上市许可持有人"), "lot": _("批号"), "expires_on": _("有效期至"),
            "performer": _("谁接种的"), "site": _("部位"), "route": _("途径"),
        }  # fmt: skip
        raise RuleBroken(
            _("本机构接种的，还缺%(what)s。") % {"what": "、".join(names[one] for one in lacks)},
            next_step=_("请照疫苗盒补上；在别处种的请选“别处接种”。"),
        )  # fmt: skip
