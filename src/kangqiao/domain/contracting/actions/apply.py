"""Applying: a person or a household asks a team to look after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.bulk import reserve_ids
from kangqiao.base.transition import begin
from kangqiao.domain.contracting import permissions, queries, rules
from kangqiao.domain.contracting.actions.panel import (
    _allow,
    _insert,
    _may_contract,
    _open_bases,
    _pending,
    _promise,
    _team,
    _tell_team,
    _terms,
    _trace,
)
from kangqiao.domain.contracting.models import Contract, Household, KeyPerson, ServicePackage, Team
from kangqiao.domain.contracting.states import CONTRACT, PENDING
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import NotVisible, RuleBroken

MOST_IN_HOUSEHOLD = 20


def apply_for_contract(
    *, team_id: int, resident_ids: Sequence[int], package_ids: Sequence[int] = (), has_consent: bool = False,
    is_demo: bool = False, by: Actor, at: datetime,
) -> list[Contract]:  # fmt: skip
    """A person, or a household whose first member is its head, asks a team to look after them.

    Who is with another team asks for a change: that contract goes on until the new one is signed. Each person gets
    those of the chosen packages that suit. The team's house may see them from now on, since they ask it to. Raises
    Denied, NotVisible, RuleBroken: team closed, already with it or pending, a package that suits nobody, no consent of
    the others of the household (XH23-5.2.1a).
    """
    with transaction.atomic():
        team = _team(team_id)
        people = _people(resident_ids)
        for one in people:
            _allow(permissions.can_apply(by, team, one, at))
        _may_apply(team, people, has_consent=has_consent, by=by, at=at)
        packages = _chosen(team, people, package_ids, at)
        household = _household(people, at) if len(people) > 1 else None
        running = queries.running_of([one.pk for one in people])
        made = []
        for number, one in zip(reserve_ids(Contract, len(people)), people, strict=True):
            contract = Contract(
                pk=number, number=f"QY{localtime(at):%Y%m%d}{number:07d}", resident=one, team=team,
                household=household, previous=running.get(one.pk), applied_at=at,
                policy_ref=_terms(team, at).ref, is_demo=is_demo or one.is_demo,
            )  # fmt: skip
            _insert(contract)
            _promise(contract, packages[one.pk])
            begin(contract, CONTRACT, by=by, at=at)
            _trace("apply", contract, by=by, at=at, team=team.pk)
            made.append(contract)
        _open_bases(made, by=by, at=at)
        _tell_team(made[0], by=by, at=at)
    return made


def _people(resident_ids: Sequence[int]) -> list[Resident]:
    ids = list(dict.fromkeys(resident_ids))
    if not 0 < len(ids) <= MOST_IN_HOUSEHOLD:
        raise RuleBroken(_("请选出 1 到 %(most)s 位家人。") % {"most": MOST_IN_HOUSEHOLD})
    # Locked in one order, so that two applications for the same family wait for each other.
    rows = Resident.objects.select_for_update(of=("self",)).select_related("centre__place").filter(pk__in=ids)
    found = {one.pk: one for one in rows.order_by("pk")}
    if len(found) < len(ids):
        raise NotVisible(_("有的家人未找到，或不在您的服务范围。"), next_step=_("请核对后重新选择。"))
    return [found[pk] for pk in ids]


def _may_apply(team: Team, people: Sequence[Resident], *, has_consent: bool, by: Actor, at: datetime) -> None:
    if team.status != "open":
        raise RuleBroken(_("%(team)s现在不接受签约。") % {"team": team.zh}, next_step=_("请换一个团队。"))
    _may_contract(team, at)
    others = [one for one in people[1:] if not permissions.decides(by, one, at)]
    if others and not has_consent:
        names = "、".join(one.name for one in others)
        raise RuleBroken(_("还要%(names)s本人同意。") % {"names": names}, next_step=_("征得同意后勾选。"))
    running = queries.running_of([one.pk for one in people])
    for one in people:
        if one.deceased_on is not None:
            raise RuleBroken(_("%(name)s的档案已关闭，不能签约。") % {"name": one.name})
        present = running.get(one.pk)
        if present is not None and present.team_id == team.pk:
            raise RuleBroken(
                _("%(name)s已和这个团队签约到 %(day)s。") % {"name": one.name, "day": present.last_day},
                next_step=_("到期前请续约，不用重新申请。"),
            )
        if Contract.objects.filter(resident=one, status__in=PENDING).exists():
            raise _pending(one)


def _chosen(
    team: Team, people: Sequence[Resident], package_ids: Sequence[int], at: datetime
) -> dict[int, list[ServicePackage]]:
    """The packages of each person, of those chosen; whoever declares a group by choosing is entered in it."""
    offered = {one.pk: one for one in queries.offered(team.organization, localtime(at).date())}
    unknown = [pk for pk in package_ids if pk not in offered]
    if unknown:
        raise RuleBroken(_("有的服务包已经不再提供。"), next_step=_("请重新选择服务包。"))
    wanted = [offered[pk] for pk in dict.fromkeys(package_ids)] or [
        one for one in offered.values() if one.group == rules.EVERYONE and not one.year_fen
    ]
    groups = queries.groups_held([one.pk for one in people])
    found = {one.pk: queries.packages_for(wanted, groups[one.pk]) for one in people}
    nobody = [one for one in wanted if not any(one in held for held in found.values())]
    if nobody:
        raise RuleBroken(
            _("%(name)s不适合所选的居民。") % {"name": "、".join(one.zh for one in nobody)},
            next_step=_("请改选服务包，或先在健康档案里记下情况。"),
        )
    if len(people) == 1:
        _declare(people[0], found[people[0].pk], groups[people[0].pk], at)
    else:  # what somebody has to declare is never presumed of the others
        for one in people[1:]:
            known = groups[one.pk]
            found[one.pk] = [p for p in found[one.pk] if p.group not in rules.DECLARED or p.group in known]
        _declare(people[0], found[people[0].pk], groups[people[0].pk], at)
    return found


def _declare(resident: Resident, packages: Sequence[ServicePackage], known: set[str], at: datetime) -> None:
    for group in {one.group for one in packages if one.group in rules.DECLARED} - known:
        KeyPerson.objects.create(
            resident=resident, group=group, since=localtime(at).date(), evidence=KeyPerson.Evidence.DECLARED
        )


def _household(people: Sequence[Resident], at: datetime) -> Household:
    number = reserve_ids(Household, 1)[0]
    return Household.objects.create(
        pk=number, number=f"JT{localtime(at):%Y%m%d}{number:07d}", head=people[0], created_at=at
    )
