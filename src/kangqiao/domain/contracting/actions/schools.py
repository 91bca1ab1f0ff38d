"""Whose account reports emergencies for a school (FT18-2.3d)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.contracting import permissions, queries
from kangqiao.domain.contracting.actions.panel import _allow
from kangqiao.domain.contracting.models import Community, SchoolHealthWorker
from kangqiao.kernel.errors import NotVisible, RuleBroken


def add_health_worker(*, community_id: int, user_id: int, by: Actor, at: datetime) -> SchoolHealthWorker:
    """Somebody with a school account reports for a school from today.

    Raises Denied, NotVisible, RuleBroken for a place that is no school, or an account that is no school's of this
    centre or reports for it already.
    """
    with transaction.atomic():
        place = Community.objects.select_for_update().filter(pk=community_id).first()
        if place is None:
            raise NotVisible(_("没有这个单位，或不由您的中心服务。"), next_step=_("请从单位清单打开。"))
        _allow(permissions.can_keep_health_workers(by, place.organization_id))
        if place.kind not in queries.SCHOOLS:
            raise RuleBroken(_("只有学校和校园有报急诊的账号。"), next_step=_("请核对单位的种类。"))
        on = localtime(at).date()
        if user_id not in dict(queries.may_report(place, on)):
            raise RuleBroken(
                _("这个账号不是本中心服务的学校的，或已经在用。"),
                next_step=_("请先请系统管理员在本中心开通“校医或保健老师”账号。"),
            )
        row = SchoolHealthWorker.objects.create(community=place, user_id=user_id, since=on)
        record("contracting.add_health_worker", row, by=by, at=at, community=place.pk, user=user_id)
    return row


def end_health_worker(*, worker_id: int, by: Actor, at: datetime) -> SchoolHealthWorker:
    """Somebody reports for a school no more; what they saw of its cases ends at once. Raises Denied, NotVisible."""
    with transaction.atomic():
        SchoolHealthWorker.objects.select_for_update().filter(pk=worker_id).first()
        row = queries.get_health_worker(worker_id)
        _allow(permissions.can_keep_health_workers(by, row.community.organization_id))
        row.until = max(localtime(at).date(), row.since)
        row.save(update_fields=("until",))
        record("contracting.end_health_worker", row, by=by, at=at, community=row.community_id)
    return row
