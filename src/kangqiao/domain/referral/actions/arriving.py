"""The window of the outpatient desk: who has come is received, and each place is done."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import queries
from kangqiao.domain.referral.actions.parts import _held, _tell
from kangqiao.domain.referral.actions.reserving import _lock_places
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import at_the_desk
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.kernel.errors import Denied, RuleBroken


@transaction.atomic
def receive_patient(*, referral_id: int, by: Actor, at: datetime) -> Referral:
    """A patient stands at the window: every place of today is checked in, and the custody is the hospital's.

    The centre is told. An emergency may come without a place. Raises RuleBroken when the letter is not accepted yet,
    when nothing is kept for today, or when they are received already; Denied, NotVisible (XH23-5.1.2d).
    """
    referral, sides = _held(referral_id, by)
    if "desk" not in sides:
        raise Denied(_("到院由医院的转诊专窗登记。"), next_step=_("请让居民到门诊总服务台的转诊专窗。"))
    if referral.status not in queries.EXPECTED:
        raise RuleBroken(_("这张转诊单还没有接收。"), next_step=_("请先接收，再登记到院。"))
    today = [stay for stay in queries.stays_of(referral, at) if stay.is_today]
    waiting = [stay for stay in today if stay.booking.status == "booked"]
    comes_at_once = referral.urgency == Referral.Urgency.EMERGENCY and referral.arrived_at is None
    if not waiting and not comes_at_once:
        raise RuleBroken(
            _("已经登记过到院。") if today else _("今天没有给这位居民留的号、检查或床位。"),
            next_step=_("请核对转诊单上的日期。"),
        )
    _lock_places(referral)
    for stay in waiting:
        desk = at_the_desk(by, referral.to_organization)
        scheduling.check_in(booking_id=stay.booking.pk, by=desk, at=at)
    _arrive(referral, by, at)
    audit.record(
        "referral.receive", referral, by=by, at=at, resident_id=referral.resident_id,
        places=[stay.booking.pk for stay in waiting],
    )  # fmt: skip
    return referral


@transaction.atomic
def complete_part(*, referral_id: int, kind: str, by: Actor, at: datetime) -> Encounter:
    """An examination is done, or the patient lies in the bed; it stands in the record.

    Whoever came past the window has arrived with it. Raises RuleBroken when the letter is not accepted, or no such
    place is open today; Denied, NotVisible.
    """
    referral, sides = _held(referral_id, by)
    if not sides & {"desk", "specialist"}:
        raise Denied(_("检查和住院由医院登记。"), next_step=_("请等医院处理，或打电话联系。"))
    if referral.status not in queries.EXPECTED:
        raise RuleBroken(_("这张转诊单没有在办。"), next_step=_("请先接收；已退回、撤回或未到诊的，请重新上转。"))
    stay = next((one for one in queries.stays_of(referral, at) if one.kind == kind and one.is_open), None)
    if not kind or stay is None:
        raise RuleBroken(_("今天没有待做的这一项。"), next_step=_("请刷新后核对。"))
    desk = at_the_desk(by, referral.to_organization)
    encounter = scheduling.fulfil_booking(booking_id=stay.booking.pk, by=desk, at=at)
    if referral.arrived_at is None:
        _arrive(referral, by, at)
    audit.record(
        "referral.complete_part", referral, by=by, at=at, resident_id=referral.resident_id, part=kind,
        encounter_id=encounter.pk,
    )  # fmt: skip
    return encounter


def _arrive(referral: Referral, by: Actor, at: datetime) -> None:
    """The custody is the hospital's from the first arrival on; the centre is told of each."""
    if referral.arrived_at is None:
        referral.arrived_at = at
        referral.save(update_fields=("arrived_at",))
    _tell(referral, "arrived", referral.from_organization, Role.GP, _("上转患者已到%(hospital)s"), by, at)
