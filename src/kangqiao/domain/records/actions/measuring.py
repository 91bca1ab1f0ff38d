"""Measured values enter the record once; a correction keeps the former one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.records.actions.writing import _allow
from kangqiao.domain.records.models import Observation
from kangqiao.domain.records.parameters import measures, topics
from kangqiao.domain.records.permissions import can_correct, can_measure_at_home, can_write_about
from kangqiao.domain.records.rules import fits_together
from kangqiao.kernel.bounds import Verdict
from kangqiao.kernel.errors import RuleBroken, Taken


@dataclass(frozen=True, slots=True)
class Measured:
    """One value or answer to be written; `is_sure` says that somebody was asked about an uncommon value."""

    code: str
    value: Decimal | None = None
    text: str = ""
    is_sure: bool = False


def record_observations(
    *,
    resident_id: int,
    found: Sequence[Measured],
    taken_at: datetime,
    source: str,
    encounter_id: int | None = None,
    by: Actor,
    at: datetime,
) -> list[Observation]:
    """Values measured together enter the record; the same ones sent again change nothing. Returns what is new.

    At home residents and guardians measure, in a house its staff. Raises Denied, RuleBroken for an impossible value,
    an uncommon one nobody said to be right, and half a blood pressure, Taken for another value of the same moment.
    """
    is_home = source == Observation.Source.HOME
    with transaction.atomic():
        _allow(can_measure_at_home(by, resident_id, at) if is_home else can_write_about(by, resident_id, at))
        if taken_at > at:
            raise RuleBroken(_("测量时间在现在之后。"), next_step=_("请核对测量时间。"))
        if not fits_together({one.code: one.value for one in found if one.value is not None}):
            raise RuleBroken(
                _("血压要有收缩压和舒张压，收缩压在前、较高。"), next_step=_("请核对两个数是不是写反或漏了。")
            )
        same = {"resident": resident_id, "taken_at": taken_at, "source": source, "corrects__isnull": True}
        known = {row.code: row for row in Observation.objects.filter(**same)}
        rows = [
            Observation(
                resident_id=resident_id,
                encounter_id=encounter_id,
                organization_id=None if is_home else by.organization_id,
                taken_at=taken_at,
                source=Observation.Source(source).value,
                recorded_by=by.name,
                recorded_at=at,
                **_checked(one),
            )
            for one in found
        ]
        for row in rows:
            former = known.get(row.code)
            if former is not None and (former.value, former.text) != (row.value, row.text):
                raise _two_values()
        fresh = [row for row in rows if row.code not in known]
        try:
            with transaction.atomic():
                Observation.objects.bulk_create(fresh)
        except IntegrityError as error:
            raise _two_values() from error
        if fresh:
            codes = [row.code for row in fresh]
            record("records.record_observations", fresh[0], by=by, at=at, resident_id=resident_id, codes=codes)
    return fresh


def correct_observation(
    *, observation_id: int, value: Decimal | None, reason: str, is_sure: bool = False, by: Actor, at: datetime
) -> Observation:
    """A value was written wrongly: the right one, or none, stands in its place, and the former one is kept.

    Raises Denied to other houses, RuleBroken without a reason or for an impossible value, Taken when somebody else
    has corrected it.
    """
    with transaction.atomic():
        former = Observation.objects.select_for_update().get(pk=observation_id)
        _allow(can_correct(by, former, at))
        if not reason.strip():
            raise RuleBroken(_("没有写更正的原因。"), next_step=_("请写一句原因，原来的值会一起留着。"))
        told = {"code": former.code, "is_void": True} if value is None else _checked(
            Measured(former.code, value, is_sure=is_sure)
        )  # fmt: skip
        later = Observation.objects.filter(corrects=former).first()
        if later is not None:
            raise Taken(_("%(who)s已经更正了这个值。") % {"who": later.recorded_by}, next_step=_("请刷新后再看。"))
        row = Observation.objects.create(
            resident_id=former.resident_id,
            encounter_id=former.encounter_id,
            organization_id=former.organization_id,
            taken_at=former.taken_at,
            source=former.source,
            recorded_by=by.name,
            recorded_at=at,
            corrects=former,
            reason=reason.strip(),
            **told,
        )
        record("records.correct_observation", row, by=by, at=at, resident_id=row.resident_id, former=former.pk)
    return row


def _checked(one: Measured) -> dict[str, object]:
    """The columns of a value, its limits held."""
    topic = topics().get(one.code)
    if topic is not None:
        answers = [code for code, _zh, _en in topic.answers]
        if answers and one.text not in answers:
            raise RuleBroken(_("这一项只能从给出的答案里选。"))
        return {"code": one.code, "text": one.text}
    measure = measures().get(one.code)
    if measure is None or one.value is None:
        raise RuleBroken(_("没有这个测量项目。"), next_step=_("请从页面上的项目里选。"))
    verdict = measure.bounds.judge(one.value)
    if verdict is Verdict.IMPOSSIBLE or (verdict is Verdict.UNUSUAL and not one.is_sure):
        raise RuleBroken(
            _("%(name)s %(value)s %(unit)s 不在 %(least)s—%(most)s 之间。")
            % {
                "name": measure.zh, "value": one.value, "unit": measure.unit,
                "least": measure.bounds.usual_least, "most": measure.bounds.usual_most,
            },
            next_step=_("请核对后再写；确实如此，请确认。"),
        )  # fmt: skip
    is_confirmed = verdict is Verdict.UNUSUAL
    return {"code": one.code, "value": one.value, "text": "", "unit": measure.unit, "is_confirmed": is_confirmed}


def _two_values() -> Taken:
    return Taken(_("这一时刻已经记过另一个值。"), next_step=_("测了两次请写各自的时间；写错了请在原来的值上更正。"))
