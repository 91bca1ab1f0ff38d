"""Checking in by the code on the resident's phone."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.actor import Actor
from kangqiao.base.codes import number_of
from kangqiao.domain.scheduling import queries
from kangqiao.domain.scheduling.actions.parts import _when
from kangqiao.domain.scheduling.actions.steps import check_in
from kangqiao.domain.scheduling.models import CHECK_IN, Booking
from kangqiao.domain.scheduling.states import BOOKING
from kangqiao.kernel.errors import RuleBroken

# What a code says that nobody can be checked in by any more: what became of the place, and what to do.
OVER = {
    "arrived": (gettext_lazy("%(when)s的号已经签到。"), gettext_lazy("不用再扫，请候诊。")),
    "fulfilled": (gettext_lazy("%(when)s的号已经看完。"), gettext_lazy("要再看，请另约。")),
    "cancelled": (gettext_lazy("%(when)s的号已经取消。"), gettext_lazy("要看，请当场另约。")),
    "no_show": (
        gettext_lazy("%(when)s的号已记为未到。"),
        gettext_lazy("要看，请当场另约；有原因可以申诉。"),
    ),
}


@transaction.atomic
def check_in_scanned(*, code: str, by: Actor, at: datetime) -> Booking:
    """The resident is here and shows the code: checked in as by hand.

    Raises RuleBroken, each with its sentence: for a code that is none of ours or not whole, a place of another house,
    one that is over or taken already, and another day; Denied, and AlreadyMoved when somebody does it in that moment.
    """
    number = number_of(CHECK_IN, code)
    if number is None:
        raise RuleBroken(_("这不是康桥的预约码，或没有扫完整。"), next_step=_("请再扫一次，或在下面按姓名签到。"))
    booking = queries.booking_at(by.organization_id, number)
    if booking is None:
        raise RuleBroken(_("这个号不是约在本机构的。"), next_step=_("请看手机上写的机构和时间。"))
    if booking.status != BOOKING.initial:
        said, onward = OVER[booking.status]
        raise RuleBroken(str(said) % {"when": _when(booking.slot.starts_at)}, next_step=str(onward))
    return check_in(booking_id=booking.pk, by=by, at=at)
