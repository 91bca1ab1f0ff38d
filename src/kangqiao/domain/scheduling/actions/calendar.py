"""A hospital or its bureau says what a day counts as; clinics people are booked in are answered for, never dropped."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base import audit
from kangqiao.base.actor import Actor
from kangqiao.domain.scheduling import permissions, queries
from kangqiao.domain.scheduling.actions.parts import _allow
from kangqiao.domain.scheduling.actions.weekly import _follow
from kangqiao.domain.scheduling.models import CalendarDay
from kangqiao.kernel.errors import RuleBroken

# The longest holiday and a margin: more at once is a slip of the pen.
MOST_DAYS = 31


@transaction.atomic
def name_days(
    *, first: date, last: date, works_as: int | None, reason: str, by: Actor, at: datetime
) -> list[CalendarDay]:  # fmt: skip
    """Days count as closed, or as a weekday, in the calendar of the actor's hospital or region, with the reason.

    Clinics that stand on them are not touched. Raises Denied, RuleBroken for days past or too many.
    """
    scope = queries.calendar_scope(by)
    _allow(permissions.can_name_day(by, organization=scope.house, place=scope.place))
    if first < localtime(at).date():
        raise RuleBroken(_("过去的日子不能改。"), next_step=_("请选今天或以后的日子。"))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise RuleBroken(
            _("一次可以定1到%(most)s天，最后一天不早于第一天。") % {"most": MOST_DAYS},
            next_step=_("请改日子，再保存。"),
        )
    values = {"works_as": works_as, "reason": reason, "set_by": by.name, "set_at": at}
    found = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        row, _is_new = CalendarDay.objects.update_or_create(**scope.owner, day=day, defaults=values)
        found.append(row)
        audit.record(
            "name_day", row, by=by, at=at, organization_id=row.organization_id or by.organization_id,
            day=day.isoformat(), works_as=works_as,
        )  # fmt: skip
    return found


@transaction.atomic
def clear_day(*, day: date, by: Actor, at: datetime) -> None:
    """A day counts again as everybody else says. Raises Denied, RuleBroken when it was not named, or is past."""
    scope = queries.calendar_scope(by)
    _allow(permissions.can_name_day(by, organization=scope.house, place=scope.place))
    row = CalendarDay.objects.select_for_update().filter(**scope.owner, day=day).first()
    if row is None or day < localtime(at).date():
        raise RuleBroken(_("这一天没有单独定过，或已经过去。"), next_step=_("请刷新页面再看。"))
    audit.record(
        "clear_day", row, by=by, at=at, organization_id=row.organization_id or by.organization_id, day=day.isoformat()
    )
    row.delete()


@transaction.atomic
def call_off_empty(*, day: date, reason: str, by: Actor, at: datetime) -> int:
    """The clinics of a closed day that nobody is booked in are called off together; how many. Those with people stay.

    Raises RuleBroken when there is none: a hospital that works on that day keeps its own.
    """
    scope = queries.calendar_scope(by)
    sheet = queries.day_sheet_of(by, scope, day, at)
    own = [one.session for one in sheet.clinics if one.may_withdraw and one.is_closed]
    standing = _follow(own, reason, by, at)
    if len(standing) == len(own):
        raise RuleBroken(_("这一天没有空着的门诊可停。"), next_step=_("有人约的，请一场一场停诊，并安置每一位。"))
    return len(own) - len(standing)
