"""What every step of a contract does on the side: places in a panel, the right to see, traces and notices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import queries, rules
from kangqiao.domain.contracting.models import Contract, ContractPackage, ServicePackage, Team
from kangqiao.domain.contracting.parameters import ContractingParameters, contracting_at
from kangqiao.domain.messaging.actions import notify
from kangqiao.domain.residents.actions import Grant, end_basis, grant_bases
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import Denied, NotVisible, RuleBroken, Taken


def _allow(decision: Decision) -> None:
    """Raises Denied with the reason where the decision is no."""
    if not decision:
        raise Denied(decision.reason, clause=decision.clause)


def _keep(decision: Decision, next_step: str = "") -> None:
    """Raises RuleBroken with the reason where the decision is no."""
    if not decision:
        raise RuleBroken(decision.reason, next_step=next_step, clause=decision.clause)


def _take_places(team: Team, count: int) -> None:
    """One conditional statement takes the places, so of two who want the last one a single one gets it.

    Raises Taken with the numbers when the panel is full, RuleBroken when the team takes no contracts.
    """
    rows = Team.objects.filter(pk=team.pk, status="open", taken__lte=F("ceiling") - count)
    if rows.update(taken=F("taken") + count):
        return
    now = Team.objects.get(pk=team.pk)
    if now.status != "open":
        raise RuleBroken(_("%(team)s现在不接受签约。") % {"team": now.zh}, next_step=_("请换一个团队。"))
    verdict = rules.panel_has_room(now.taken, now.ceiling, count)
    raise Taken(verdict.reason or _("团队名额刚刚被占满。"), next_step=_("请换一个团队，或等名额放出来再接受。"))


def _give_places(team_id: int, count: int = 1) -> None:
    """Places are free again."""
    Team.objects.filter(pk=team_id).update(taken=F("taken") - count)


def _source_of(contract: Contract) -> str:
    """What the bases of a contract rest on."""
    return f"contract:{contract.pk}"


def _first_moment(day: date) -> datetime:
    """Midnight at which a day begins."""
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())


def _open_bases(contracts: Iterable[Contract], *, by: Actor, at: datetime) -> None:
    """The team may see the resident: its house, and members of other houses in their own name, to the end of the term.

    Before there is a term, while the team thinks about an application, its house alone.
    """
    grants = []
    for one in contracts:
        until = _first_moment(one.ends_on) if one.ends_on else None
        people = queries.outside_users(one.team, timezone.localdate(at)) if one.ends_on else []
        who, source = one.resident_id, _source_of(one)
        grants.append(Grant(who, source, until, organization_id=one.team.organization_id))
        grants += [Grant(who, source, until, user_id=user) for user in people]
    grant_bases(kind=Basis.Kind.CONTRACT, grants=grants, by=by, at=at)


def _close_bases(contract: Contract, *, by: Actor, at: datetime) -> None:
    """Nobody sees the resident because of this contract any more."""
    end_basis(source=_source_of(contract), kind=Basis.Kind.CONTRACT, by=by, at=at)


def _locked(contract_id: int) -> list[Contract]:
    """The contract with those of its household that stand where it stands, all locked in one order.

    Raises NotVisible.
    """
    found = Contract.objects.filter(pk=contract_id).first()
    if found is None:
        raise NotVisible(_("没有这份签约，或不在您的服务范围。"), next_step=_("请从签约台打开。"))
    ids = [one.pk for one in queries.household_of(found)]
    rows = Contract.objects.select_for_update(of=("self",)).select_related(
        "resident__centre__place", "team__organization__place", "household__head"
    )
    return list(rows.filter(pk__in=ids, status=found.status).order_by("pk")) or [found]


def _team(team_id: int) -> Team:
    team = Team.objects.select_related("organization__place").filter(pk=team_id).first()
    if team is None:
        raise NotVisible(_("没有这个团队。"), next_step=_("请从清单中选择。"))
    return team


def _may_contract(team: Team, at: datetime) -> None:
    """Raises RuleBroken where the team's house needs an approval to contract and has none today (XH23-5.2.3c)."""
    _keep(
        queries.may_contract(team.organization, localtime(at).date()),
        _("请机构负责人在“签约服务批准”里申请，批准以后再签约。"),
    )


def _terms(team: Team, at: datetime) -> ContractingParameters:
    return contracting_at(team.organization.place.code, localtime(at).date())


def _pending(resident: Resident) -> RuleBroken:
    return RuleBroken(
        _("%(name)s已有一份申请在办。") % {"name": resident.name}, next_step=_("请等团队答复，或先撤回那一份。")
    )


def _insert(contract: Contract) -> None:
    """Writes a new contract; a second pending one of the same person meets the table's constraint."""
    try:
        with transaction.atomic():
            contract.save(force_insert=True)
    except IntegrityError as clash:
        raise _pending(contract.resident) from clash


def _promise(contract: Contract, packages: Sequence[ServicePackage]) -> None:
    ContractPackage.objects.bulk_create(ContractPackage(contract=contract, package=one) for one in packages)


def _trace(step: str, one: Contract, *, by: Actor, at: datetime, **detail: Any) -> None:
    record(
        f"contracting.{step}", one, by=by, at=at, resident_id=one.resident_id, policy_ref=one.policy_ref,
        number=one.number, **detail,
    )  # fmt: skip


def _tell(one: Contract, step: str, subject: str, *, body: str = "", by: Actor, at: datetime) -> None:
    """The resident is told, where they have an account."""
    if one.resident.user_id is None:
        return
    notify(
        cause=f"contract:{one.pk}:{step}:{at.isoformat()}", kind="contract", subject=subject % {"team": one.team.zh},
        body=body, url=reverse("contracting-mine"), user_id=one.resident.user_id, by=by, at=at,
    )  # fmt: skip


def _tell_team(one: Contract, *, by: Actor, at: datetime) -> None:
    """The house of the team is told what comes in or leaves."""
    said = {
        "applied": _("新的签约申请：%(number)s"), "transferred": _("居民转到别的团队：%(number)s"),
        "ended": _("居民解约：%(number)s"),
    }  # fmt: skip
    notify(
        cause=f"contract:{one.pk}:{one.status}", kind="contract", subject=said[one.status] % {"number": one.number},
        url=reverse("contracting-detail", args=(one.pk,)), organization_id=one.team.organization_id, role=Role.GP,
        by=by, at=at,
    )  # fmt: skip
