"""What the calendar does: new terms begin, old ones expire, unsigned acceptances lapse, people are reminded."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import transition
from kangqiao.domain.contracting import queries
from kangqiao.domain.contracting.actions.panel import _allow, _close_bases, _give_places, _open_bases
from kangqiao.domain.contracting.models import Approval, Contract
from kangqiao.domain.contracting.parameters import contracting_at
from kangqiao.domain.contracting.permissions import can_import
from kangqiao.domain.contracting.states import CONTRACT, RUNNING
from kangqiao.domain.messaging.actions import notify


def begin_due(*, on: date, by: Actor, at: datetime) -> list[Contract]:
    """Renewed contracts whose day has come: the one before expires, and its place passes to the new term.

    Raises Denied to anybody but a job.
    """
    _allow(can_import(by))
    rows = Contract.objects.filter(status="signed", starts_on__lte=on).order_by("pk").values_list("pk", flat=True)
    return [_begin(pk, by=by, at=at) for pk in rows]


def expire_due(*, on: date, by: Actor, at: datetime) -> list[Contract]:
    """Contracts whose last day is over and that nobody renewed. Raises Denied to anybody but a job."""
    _allow(can_import(by))
    rows = Contract.objects.filter(status__in=RUNNING, ends_on__lte=on).exclude(following__status="signed")
    return [_over(pk, "expire", by=by, at=at) for pk in rows.order_by("pk").values_list("pk", flat=True)]


def lapse_due(*, on: date, by: Actor, at: datetime) -> list[Contract]:
    """Accepted and not signed in time: the place is free again. Raises Denied to anybody but a job."""
    _allow(can_import(by))
    rows = Contract.objects.filter(status="accepted", sign_by__lt=on).order_by("pk").values_list("pk", flat=True)
    return [_over(pk, "lapse", by=by, at=at) for pk in rows]


def end_deceased(*, by: Actor, at: datetime) -> list[Contract]:
    """Contracts of people who died end. Raises Denied to anybody but a job."""
    _allow(can_import(by))
    rows = Contract.objects.filter(status__in=RUNNING, resident__deceased_on__isnull=False).order_by("pk")
    return [
        _over(pk, "end", by=by, at=at, reason=_("居民去世"), why_ended=Contract.Why.DIED)
        for pk in rows.values_list("pk", flat=True)
    ]


def end_unapproved(*, on: date, by: Actor, at: datetime) -> list[Contract]:
    """Contracts of houses whose approval is over end, where the setting says they do not run on (XH23-5.2.3c).

    The residents are told. Raises Denied to anybody but a job.
    """
    _allow(can_import(by))
    over = Approval.objects.select_related("organization__place").filter(ends_on__lte=on).order_by("organization", "pk")
    houses = {one.organization_id: one.organization for one in over}
    ended = []
    for house in houses.values():
        terms = queries.approval_terms(house, on)
        if terms is None or terms.runs_on or queries.may_contract(house, on):
            continue
        rows = Contract.objects.filter(status__in=RUNNING, team__organization=house).order_by("pk")
        for pk in rows.values_list("pk", flat=True):
            ended.append(_end_without_approval(pk, on, by=by, at=at))
    return ended


def remind_due(*, on: date, by: Actor, at: datetime) -> int:
    """Residents whose contract ends are told at each of the days before its end that the pack names, once each.

    Raises Denied to anybody but a job.
    """
    _allow(can_import(by))
    told, latest = 0, Contract.objects.filter(status="active", resident__user__isnull=False, ends_on__gt=on)
    for one in latest.exclude(following__status="signed").select_related("team__organization__place", "resident"):
        days = contracting_at(one.team.organization.place.code, on).renew_remind_days.list_()
        reached = [n for n in days if one.ends_on is not None and one.ends_on <= on + timedelta(days=n)]
        if not reached:
            continue
        notice = notify(
            cause=f"contract:{one.pk}:due:{min(reached)}", kind="contract", url=reverse("contracting-mine"),
            subject=_("您和%(team)s的签约到 %(day)s，可以续约了") % {"team": one.team.zh, "day": one.last_day},
            user_id=one.resident.user_id, by=by, at=at,
        )  # fmt: skip
        told += notice is not None
    return told


def _begin(contract_id: int, *, by: Actor, at: datetime) -> Contract:
    with transaction.atomic():
        new = _locked(contract_id)
        assert new.previous_id is not None
        old = _locked(new.previous_id)
        transition(old, CONTRACT, "expire", by=by, at=at)
        record("contracting.expire", old, by=by, at=at, resident_id=old.resident_id, number=old.number)
        _close_bases(old, by=by, at=at)
        transition(new, CONTRACT, "begin_term", by=by, at=at)
        record("contracting.begin_term", new, by=by, at=at, resident_id=new.resident_id, number=new.number)
        _open_bases([new], by=by, at=at)
    return new


def _over(contract_id: int, step: str, *, by: Actor, at: datetime, reason: str = "", **fields: str | date) -> Contract:
    with transaction.atomic():
        one = _locked(contract_id)
        transition(one, CONTRACT, step, by=by, at=at, reason=reason, **fields)
        record(f"contracting.{step}", one, by=by, at=at, resident_id=one.resident_id, number=one.number)
        _give_places(one.team_id)
        _close_bases(one, by=by, at=at)
    return one


def _end_without_approval(contract_id: int, on: date, *, by: Actor, at: datetime) -> Contract:
    reason = _("机构的签约服务批准已结束")
    with transaction.atomic():
        one = _over(
            contract_id, "end", by=by, at=at, reason=reason, why_ended=Contract.Why.UNAPPROVED.value, ends_on=on
        )
        if one.resident.user_id is not None:
            notify(
                cause=f"contract:{one.pk}:unapproved", kind="contract", user_id=one.resident.user_id, body=reason,
                subject=_("您和%(team)s的签约已结束") % {"team": one.team.zh}, url=reverse("contracting-mine"), by=by,
                at=at,
            )  # fmt: skip
    return one


def _locked(contract_id: int) -> Contract:
    rows = Contract.objects.select_for_update(of=("self",)).select_related("team__organization__place", "resident")
    return rows.get(pk=contract_id)
