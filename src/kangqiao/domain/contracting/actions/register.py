"""Teams and contracts that were there before the site knew them: whole registers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import checked_together, copy_rows, reserve_ids
from kangqiao.base.transition import begin_all, transition_all
from kangqiao.domain.contracting import rules
from kangqiao.domain.contracting.actions.panel import _allow, _first_moment, _keep, _may_contract
from kangqiao.domain.contracting.models import Contract, ContractPackage, Team, TeamDuty, TeamMember, Zone
from kangqiao.domain.contracting.parameters import contracting_at, duties_at
from kangqiao.domain.contracting.permissions import can_import
from kangqiao.domain.contracting.states import TEAM
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.actions import import_bases
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class NewContract:
    """One contract on paper: who with which team, from when until when, with which packages, signed by whom."""

    resident_id: int
    team_id: int
    starts_on: date
    ends_on: date
    package_ids: tuple[int, ...]
    signed_by: str
    where: str


@dataclass(frozen=True, slots=True)
class NewTeam:
    """One team with those who serve in it, the first of them its lead, and the house numbers it answers for."""

    organization: Organization
    zh: str
    members: tuple[tuple[str, Practitioner], ...]
    zones: tuple[tuple[str, str, str, int, int], ...]


def import_teams(
    *, teams: Sequence[NewTeam], since: date, is_demo: bool = False, by: Actor, at: datetime
) -> list[Team]:
    """Complete teams of one place are read in as published, with their duties and zones, in a few statements.

    One audit row stands for all. Raises Denied to anybody but a job, NoPolicyInForce, RuleBroken for an incomplete
    team or a member whose title does not fit (ZH-4.5b).
    """
    _allow(can_import(by))
    if not teams:
        return []
    code = teams[0].organization.place.code
    terms, said = contracting_at(code, since), duties_at(code, since)
    for one in teams:
        for kind, person in one.members:
            _keep(rules.member_fits(kind, person.title_kind, person.field))
        kinds = [kind for kind, _person in one.members]
        has_lead = kinds[:1] == [TeamMember.Kind.GP.value]
        _keep(rules.team_is_whole(kinds, terms.member_kinds.list_(), has_lead=has_lead, clause="ZH-4.5b"))
    with transaction.atomic():
        rows = Team.objects.bulk_create(
            Team(
                organization=one.organization, zh=one.zh, ceiling=terms.panel.integer(), policy_ref=terms.ref,
                is_demo=is_demo,
            )
            for one in teams
        )  # fmt: skip
        pairs = list(zip(rows, teams, strict=True))
        TeamMember.objects.bulk_create(
            TeamMember(team=row, practitioner=person, kind=kind, is_lead=number == 0, since=since)
            for row, one in pairs
            for number, (kind, person) in enumerate(one.members)
        )
        TeamDuty.objects.bulk_create(
            TeamDuty(team=row, kind=kind, duties=said[kind].zh, standard=said[kind].standard, scope=said[kind].scope)
            for row, one in pairs
            for kind in dict.fromkeys(kind for kind, _person in one.members)
            if kind in said
        )
        Zone.objects.bulk_create(
            Zone(team=row, kind=kind, zh=zh, street=street, first=first, last=last)
            for row, one in pairs
            for kind, zh, street, first, last in one.zones
        )
        begin_all(rows, TEAM, by=by, at=at)
        transition_all(rows, TEAM, "open", by=by, at=at)
        record("contracting.import_teams", Team(), by=by, at=at, rows=len(rows))
    return rows


COLUMNS = (
    "id", "number", "resident", "team", "status", "starts_on", "ends_on", "applied_at", "signed_at", "signed_by", "way",
    "where", "filed_as", "why_ended", "wrong_codes", "policy_ref", "is_demo",
)  # fmt: skip


def import_contracts(
    *, contracts: Sequence[NewContract], policy_ref: str, is_demo: bool = False, by: Actor, at: datetime
) -> list[int]:
    """A register of contracts on paper is read in as active, with their places and the right of their centre to see.

    One audit row stands for all. Returns the ids. Raises Denied to anybody but a job, RuleBroken when a panel is too
    small, somebody has two contracts on one day, or a house lacks the approval it needs (XH23-5.2.3c).
    """
    _allow(can_import(by))
    teams = Team.objects.select_related("organization__place").in_bulk({one.team_id for one in contracts})
    for team in teams.values():
        _may_contract(team, at)
    houses = {pk: team.organization_id for pk, team in teams.items()}
    moments = {day: _first_moment(day) for one in contracts for day in (one.starts_on, one.ends_on)}
    try:
        with transaction.atomic():
            ids = reserve_ids(Contract, len(contracts))
            with checked_together(Contract), checked_together(ContractPackage):
                copy_rows(Contract, COLUMNS, _values(ids, contracts, moments, policy_ref, is_demo))
                links = ((pk, package) for pk, one in zip(ids, contracts, strict=True) for package in one.package_ids)
                copy_rows(ContractPackage, ("contract", "package"), links)
            import_bases(
                rows=[
                    (
                        one.resident_id, houses[one.team_id], Basis.Kind.CONTRACT.value, f"contract:{pk}",
                        moments[one.starts_on], moments[one.ends_on],
                    )
                    for pk, one in zip(ids, contracts, strict=True)
                ],
                by=by, at=at,
            )  # fmt: skip
            for team_id, count in Counter(one.team_id for one in contracts).items():
                Team.objects.filter(pk=team_id).update(taken=F("taken") + count)
            record("contracting.import_contracts", Contract(), by=by, at=at, rows=len(ids))
    except IntegrityError as clash:
        raise RuleBroken(
            _("名单里有人同时有两份签约，或团队名额不够。"), next_step=_("请核对名单后再导入。")
        ) from clash
    return ids


def _values(
    ids: Sequence[int], contracts: Sequence[NewContract], moments: Mapping[date, datetime], policy_ref: str,
    is_demo: bool,
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    """The contracts as rows of `COLUMNS`."""
    for pk, one in zip(ids, contracts, strict=True):
        signed = moments[one.starts_on]
        yield (
            pk, f"QY{one.starts_on:%Y%m%d}{pk:07d}", one.resident_id, one.team_id, "active", one.starts_on, one.ends_on,
            signed, signed, one.signed_by, Contract.Way.PAPER.value, one.where, f"{pk:07d}", "", 0, policy_ref, is_demo,
        )  # fmt: skip
