"""Forming, publishing and closing teams; who serves in them, what each does, and for which streets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.transition import begin, transition
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.panel import _allow, _first_moment, _keep, _source_of
from kangqiao.domain.contracting.models import Act, Contract, Helper, Team, TeamDuty, TeamMember, Zone
from kangqiao.domain.contracting.parameters import contracting_at, duties_at
from kangqiao.domain.contracting.states import RUNNING, TEAM
from kangqiao.domain.institutions.queries import organization_by_id
from kangqiao.domain.residents.actions import Grant, end_basis, grant_bases
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.workforce.queries import practitioner
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken


def form_team(
    *, organization_id: int, zh: str, ceiling: int | None = None, en: str = "", phone: str = "", is_demo: bool = False,
    by: Actor, at: datetime,
) -> Team:  # fmt: skip
    """A centre forms a team; its panel is as large as the pack allows, or smaller where the centre says so.

    Raises Denied, NoPolicyInForce, RuleBroken for a house that is no centre, a name in use or too large a panel.
    """
    with transaction.atomic():
        _allow(permissions.can_keep_teams(by, organization_id))
        house = organization_by_id(organization_id)
        if house.kind not in queries.REGISTERING:
            raise RuleBroken(_("团队属于社区卫生服务中心、站，或经批准的诊所、医务室。"))
        terms = contracting_at(house.place.code, localtime(at).date())
        most = terms.panel.integer()
        if ceiling is not None and not 0 < ceiling <= most:
            raise RuleBroken(
                _("团队名额要在 1 到 %(most)s 之间。") % {"most": most}, next_step=_("请改小名额，或再组建一个团队。"),
                clause=terms.panel.clause,
            )  # fmt: skip
        if Team.objects.filter(organization=house, zh=zh.strip()).exclude(status="closed").exists():
            raise RuleBroken(_("本中心已有叫“%(name)s”的团队。") % {"name": zh.strip()}, next_step=_("请换个名字。"))
        team = Team.objects.create(
            organization=house, zh=zh.strip(), en=en.strip(), phone=phone.strip(), ceiling=ceiling or most,
            policy_ref=terms.ref, is_demo=is_demo,
        )  # fmt: skip
        begin(team, TEAM, by=by, at=at)
        record("contracting.form_team", team, by=by, at=at, policy_ref=terms.ref, name=team.zh)
    return team


def add_member(
    *, team_id: int, practitioner_id: int, kind: str, is_lead: bool = False, since: date | None = None, by: Actor,
    at: datetime,
) -> TeamMember:  # fmt: skip
    """Somebody joins a team, also from another house; the first of a kind brings the kind's written duties.

    A member of another house with an account sees the team's residents from now on. Raises Denied, NotVisible,
    RuleBroken when the title does not fit, or the person is in the team already (FT18-2.4c, SZ16-2.1d).
    """
    with transaction.atomic():
        team = _locked(team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        who, on = practitioner(practitioner_id), since or localtime(at).date()
        _keep(rules.member_fits(kind, who.title_kind, who.field), _("请选别的类别，或先更正人员的职称。"))
        if TeamMember.objects.filter(team=team, practitioner=who, until__isnull=True).exists():
            raise RuleBroken(_("%(name)s已在团队里。") % {"name": who.name})
        if is_lead:
            if kind != TeamMember.Kind.GP:
                raise RuleBroken(_("团队由家庭医生牵头。"), next_step=_("请选类别“家庭医生”。"))
            TeamMember.objects.filter(team=team, is_lead=True, until__isnull=True).update(is_lead=False)
        member = TeamMember.objects.create(team=team, practitioner=who, kind=kind, is_lead=is_lead, since=on)
        _copy_duty(team, kind, on)
        record("contracting.add_member", member, by=by, at=at, team=team.pk, practitioner=who.pk, kind=kind)
        if who.organization_id != team.organization_id and who.user_id is not None:
            _let_see(team, who.user_id, by=by, at=at)
    return member


def end_member(*, member_id: int, by: Actor, at: datetime) -> TeamMember:
    """Somebody leaves a team today; what they saw in their own name because of it ends with it.

    Raises Denied, NotVisible, RuleBroken for who has left already.
    """
    with transaction.atomic():
        member = TeamMember.objects.select_for_update().filter(pk=member_id).first()
        if member is None:
            raise NotVisible(_("没有这位成员。"))
        team = _locked(member.team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        if member.until is not None:
            raise RuleBroken(_("这位成员已经离开团队。"))
        member.until = max(localtime(at).date(), member.since)
        member.save(update_fields=("until",))
        record("contracting.end_member", member, by=by, at=at, team=team.pk)
        user = member.practitioner.user_id
        if user is not None and member.practitioner.organization_id != team.organization_id:
            for one in Contract.objects.filter(team=team, status__in=RUNNING):
                end_basis(source=_source_of(one), user_id=user, kind=Basis.Kind.CONTRACT, by=by, at=at)
    return member


def word_duty(
    *, team_id: int, kind: str, duties: str, standard: str, scope: Sequence[str], by: Actor, at: datetime
) -> TeamDuty:
    """The centre words what a kind of member does (FT18-2.4d). Raises Denied, NotVisible, RuleBroken without words."""
    with transaction.atomic():
        team = _locked(team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        if not duties.strip():
            raise RuleBroken(_("请写明这类成员做什么。"))
        acts = [Act(one).value for one in scope]
        row, _made = TeamDuty.objects.update_or_create(
            team=team, kind=(Helper if kind in Helper.Kind else TeamMember).Kind(kind).value,
            defaults={"duties": duties.strip(), "standard": standard.strip(), "scope": acts},
        )  # fmt: skip
        record("contracting.word_duty", row, by=by, at=at, team=team.pk, kind=kind)
    return row


def open_team(*, team_id: int, by: Actor, at: datetime) -> Team:
    """A complete team is published and takes contracts (ZH-4.5b).

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken while a kind of professional or the lead is missing.
    """
    with transaction.atomic():
        team = _locked(team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        _keep(queries.team_verdict(team, localtime(at).date()), _("请先把成员配齐。"))
        transition(team, TEAM, "open", by=by, at=at)
        record("contracting.open_team", team, by=by, at=at, policy_ref=team.policy_ref)
    return team


def close_team(*, team_id: int, reason: str, by: Actor, at: datetime) -> Team:
    """A team is given up; its residents have to be with another one by then.

    Raises Denied, NotVisible, AlreadyMoved, RuleBroken while it has residents or applications.
    """
    with transaction.atomic():
        team = _locked(team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        if team.taken or Contract.objects.filter(team=team, status__in=("applied", "signed")).exists():
            raise RuleBroken(
                _("团队还有 %(count)s 位签约居民或未答复的申请。") % {"count": team.taken},
                next_step=_("请先把他们转到别的团队。"),
            )
        transition(team, TEAM, "close", by=by, at=at, reason=reason)
        team.zones.all().delete()
        record("contracting.close_team", team, by=by, at=at)
    return team


def add_zone(*, team_id: int, kind: str, zh: str, street: str, first: int, last: int, by: Actor, at: datetime) -> Zone:
    """A team answers for house numbers of a street; no number has a second team (ZH-4.5c).

    Raises Denied, NotVisible, RuleBroken for numbers that run backwards, Taken naming the team that has them.
    """
    with transaction.atomic():
        team = _locked(team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        if last < first:
            raise RuleBroken(_("门牌号要从小到大。"))
        zone = Zone(team=team, kind=Zone.Kind(kind), zh=zh.strip(), street=street.strip(), first=first, last=last)
        try:
            with transaction.atomic():
                zone.save(force_insert=True)
        except IntegrityError as clash:
            other = Zone.objects.select_related("team").filter(street=zone.street, first__lte=last, last__gte=first)
            named = other.first()
            raise Taken(
                _("%(street)s的这些门牌号已由%(team)s负责。")
                % {"street": zone.street, "team": named.team.zh if named else _("别的团队")},
                next_step=_("请先从那个团队移出，一个地址只有一个责任团队。"), clause="ZH-4.5c",
            ) from clash  # fmt: skip
        record("contracting.add_zone", zone, by=by, at=at, team=team.pk, street=zone.street, first=first, last=last)
    return zone


def drop_zone(*, zone_id: int, by: Actor, at: datetime) -> None:
    """A team no longer answers for these numbers. Raises Denied, NotVisible."""
    with transaction.atomic():
        zone = Zone.objects.select_for_update().filter(pk=zone_id).first()
        if zone is None:
            raise NotVisible(_("没有这个片区。"))
        team = _locked(zone.team_id)
        _allow(permissions.can_keep_teams(by, team.organization_id))
        record("contracting.drop_zone", zone, by=by, at=at, team=team.pk, street=zone.street)
        zone.delete()


def _let_see(team: Team, user_id: int, *, by: Actor, at: datetime) -> None:
    rows = Contract.objects.filter(team=team, status__in=RUNNING).order_by("pk")
    grants = [
        Grant(
            resident_id=one.resident_id, source=_source_of(one), user_id=user_id,
            until=_first_moment(one.ends_on) if one.ends_on else None,
        )
        for one in rows
    ]  # fmt: skip
    grant_bases(kind=Basis.Kind.CONTRACT, grants=grants, by=by, at=at)


def _copy_duty(team: Team, kind: str, on: date) -> None:
    """The written duty of a kind, as the pack words it, where the team has none yet."""
    said = duties_at(team.organization.place.code, on).get(kind)
    if said is not None:
        TeamDuty.objects.get_or_create(
            team=team, kind=kind, defaults={"duties": said.zh, "standard": said.standard, "scope": list(said.scope)}
        )


def _locked(team_id: int) -> Team:
    team = Team.objects.select_for_update(of=("self",)).select_related("organization__place").filter(pk=team_id).first()
    if team is None:
        raise NotVisible(_("没有这个团队。"), next_step=_("请从团队清单打开。"))
    return team
