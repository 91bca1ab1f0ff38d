"""Helpers of a team and the visits they are sent on (FT18-2.2c, XH23-5.2.3b, FT18-2.4d)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, transition
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.panel import _allow, _keep
from kangqiao.domain.contracting.actions.teams import _copy_duty, _locked
from kangqiao.domain.contracting.models import Act, Helper, HomeVisit, TeamDuty
from kangqiao.domain.contracting.states import HOME_VISIT
from kangqiao.domain.messaging.actions import notify
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken


def add_helper(*, team_id: int, user_id: int, kind: str, by: Actor, at: datetime) -> Helper:
    """Somebody with a helper's account helps a team from today; the first of a kind brings its written duties.

    Raises Denied, NotVisible, RuleBroken for a closed team or an account that is no helper's of the house or helps
    already (XH23-5.2.3b).
    """
    with transaction.atomic():
        team, on = _locked(team_id), localtime(at).date()
        _allow(permissions.can_keep_teams(by, team.organization_id))
        if team.state.final:
            raise RuleBroken(_("团队已经撤销。"), next_step=_("请加到别的团队。"))
        if user_id not in dict(queries.may_help(team, on)):
            raise RuleBroken(
                _("这个账号不是本中心的协助人员，或已在团队里。"),
                next_step=_("请先请系统管理员开通“团队协助人员”账号。"),
            )
        row = Helper.objects.create(team=team, user_id=user_id, kind=Helper.Kind(kind).value, since=on)
        _copy_duty(team, row.kind, on)
        record("contracting.add_helper", row, by=by, at=at, team=team.pk, user=user_id, kind=kind)
    return row


def end_helper(*, helper_id: int, by: Actor, at: datetime) -> Helper:
    """Somebody helps a team no more; what they saw ends at once.

    Raises Denied, NotVisible, RuleBroken while visits wait for them.
    """
    with transaction.atomic():
        row = _helper(helper_id)
        _allow(permissions.can_keep_teams(by, row.team.organization_id))
        if waiting := row.visits.filter(status="planned").count():
            raise RuleBroken(
                _("还有 %(count)s 次上门等他去。") % {"count": waiting}, next_step=_("请先取消这些上门，或等他去过。")
            )
        row.until = max(localtime(at).date(), row.since)
        row.save(update_fields=("until",))
        record("contracting.end_helper", row, by=by, at=at, team=row.team_id)
    return row


def plan_visit(*, resident_id: int, helper_id: int, act: str, on: date, by: Actor, at: datetime) -> HomeVisit:
    """A helper is sent to a resident of the team on a day, for something the written scope of their kind holds.

    Raises Denied, NotVisible, RuleBroken for a day gone, no running contract with the team or an act outside the scope,
    Taken where they go there that day already (FT18-2.4d).
    """
    with transaction.atomic():
        helper = _helper(helper_id)
        _allow(permissions.can_send(by, helper, resident_id, at))
        if on < localtime(at).date():
            raise RuleBroken(_("上门的日期已经过去。"), next_step=_("请选今天或以后。"))
        held = queries.running_of([resident_id]).get(resident_id)
        if held is None or held.team_id != helper.team_id:
            raise RuleBroken(_("这位居民没有和这个团队签约。"), next_step=_("请派签约团队的人去，或先签约。"))
        duty = TeamDuty.objects.filter(team=helper.team_id, kind=helper.kind).first()
        kind, said = str(helper.get_kind_display()), str(Act(act).label)
        verdict = rules.scope_holds(act, duty.scope if duty else (), kind=kind, said=said)
        _keep(verdict, _("请换一位，或先由中心负责人改写这类成员的职责。"))
        row = HomeVisit(resident_id=resident_id, helper=helper, act=act, on=on)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as clash:
            raise Taken(_("那天已经派他去这一家。"), next_step=_("请换一天，或改派别人。")) from clash
        begin(row, HOME_VISIT, by=by, at=at)
        record("contracting.plan_visit", row, by=by, at=at, resident_id=resident_id, helper=helper.pk, act=act)
        _tell(row, _("新的上门：%(day)s"), "planned", by=by, at=at)
    return row


def finish_visit(*, visit_id: int, by: Actor, at: datetime) -> HomeVisit:
    """The helper was there. Raises Denied, NotVisible, AlreadyMoved, RuleBroken before the day."""
    with transaction.atomic():
        row = _visit(visit_id)
        _allow(permissions.can_step_visit(by, row, HOME_VISIT.step("finish").parties, at))
        if row.on > localtime(at).date():
            raise RuleBroken(_("还没到上门的日子。"), next_step=_("请去过以后再记。"))
        transition(row, HOME_VISIT, "finish", by=by, at=at)
        record("contracting.finish_visit", row, by=by, at=at, resident_id=row.resident_id)
    return row


def cancel_visit(*, visit_id: int, reason: str, by: Actor, at: datetime) -> HomeVisit:
    """Nobody goes there after all; the helper is told. Raises Denied, NotVisible, AlreadyMoved, RuleBroken."""
    with transaction.atomic():
        row = _visit(visit_id)
        _allow(permissions.can_step_visit(by, row, HOME_VISIT.step("cancel").parties, at))
        transition(row, HOME_VISIT, "cancel", by=by, at=at, reason=reason)
        record("contracting.cancel_visit", row, by=by, at=at, resident_id=row.resident_id)
        _tell(row, _("%(day)s 的上门取消了"), "cancelled", by=by, at=at)
    return row


def _tell(row: HomeVisit, subject: str, step: str, *, by: Actor, at: datetime) -> None:
    """The helper is told the day; who and where stand on the page behind."""
    notify(
        cause=f"home_visit:{row.pk}:{step}", kind="contract", subject=subject % {"day": row.on.isoformat()},
        url=reverse("contracting-helped"), user_id=row.helper.user_id, by=by, at=at,
    )  # fmt: skip


def _helper(helper_id: int) -> Helper:
    """Locked, so that somebody who leaves is sent nowhere meanwhile. Raises NotVisible."""
    Helper.objects.select_for_update().filter(pk=helper_id).first()
    return queries.get_helper(helper_id)


def _visit(visit_id: int) -> HomeVisit:
    rows = HomeVisit.objects.select_for_update(of=("self",)).select_related("helper__team", "helper__user")
    row = rows.filter(pk=visit_id).first()
    if row is None:
        raise NotVisible(_("没有这次上门。"), next_step=_("请从上门清单打开。"))
    return row
