"""Who sees a team or a contract, and for which side one may act."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract, Team
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_chain, place_ids_under
from kangqiao.domain.residents import permissions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.decision import YES, Decision, no

CENTRE = (Role.GP, Role.CENTRE_MANAGER)
READERS = (*CENTRE, Role.BUREAU_OFFICER)
KEEPERS = (Role.CENTRE_MANAGER,)
PACKERS = (Role.CENTRE_MANAGER, Role.BUREAU_OFFICER)


def teams_visible_to(seat: Seat) -> Q:
    """A centre's own teams; a bureau's, those of its place; residents choose among the published ones."""
    if seat.role in CENTRE:
        return Q(organization_id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(organization__place__in=place_ids_under(seat.place_code))
    return Q(status="open") if seat.role == Role.RESIDENT else Q(pk__in=())


def visible_to(seat: Seat) -> Q:
    """Contracts of one's own and of whom one acts for; a centre's, those of its teams as long as it may see the person.

    A bureau sees counts alone.
    """
    if seat.role == Role.RESIDENT:
        return residents.visible_to(seat, field="resident_id")
    if seat.role in CENTRE:
        return Q(team__organization_id=seat.organization_id) & residents.visible_to(seat, field="resident_id")
    return Q(pk__in=())


def packages_offered_at(centre: Organization) -> Q:
    """The packages a centre offers: its own, and those of the bureaus of its place and the places above."""
    places = [place.pk for place in place_chain(centre.place_id)]
    bureaus = Q(organization__kind=Organization.Kind.HEALTH_BUREAU, organization__place__in=places)
    return Q(organization_id=centre.pk) | bureaus


def can_keep_teams(by: Actor, organization_id: int) -> Decision:
    """A centre's manager forms, publishes and closes its teams."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization_id):
        return YES
    return no(_("团队由本中心负责人管理。"))


def can_keep_packages(by: Actor, organization: Organization) -> Decision:
    """A centre's manager keeps its own packages, an officer those for all centres of the place."""
    if by.is_system or (by.role in KEEPERS and by.organization_id == organization.pk):
        return YES
    is_bureau = organization.kind == Organization.Kind.HEALTH_BUREAU
    if by.role == Role.BUREAU_OFFICER and is_bureau and by.organization_id == organization.pk:
        return YES
    return no(_("服务包由中心负责人或卫生局科员维护各自的。"))


def can_import(by: Actor) -> Decision:
    """Contracts of the past are read in by a job of the system."""
    return YES if by.is_system else no(_("批量导入由系统任务做。"))


def parties(by: Actor, contract: Contract) -> set[str]:
    """Which parties of the table the actor is: the team's house, the resident's side, the system."""
    if by.is_system:
        return {"system", "team"}
    if by.role in CENTRE and contract.team.organization_id == by.organization_id:
        return {"team"}
    return {"resident"} if by.role == Role.RESIDENT else set()


def can_step(by: Actor, contract: Contract, parties_of_step: tuple[str, ...], at: datetime) -> Decision:
    """Whether the actor is one of the parties of a step; a resident's side means the person who decides."""
    mine = parties(by, contract) & set(parties_of_step)
    if mine - {"resident"}:
        return YES
    if "resident" in mine:
        return decides(by, contract.resident, at)
    return no(_("这一步不由您办理。"))


def decides(by: Actor, resident: Resident, at: datetime) -> Decision:
    """Who signs and ends for a resident: that person, for a child the guardian."""
    return residents.can_decide(residents.user_id_of(by), resident, at)


def can_apply(by: Actor, team: Team, resident: Resident, at: datetime) -> Decision:
    """Residents apply for themselves and whom they act for; a team's house for people it may see."""
    if by.is_system:
        return YES
    if by.role == Role.RESIDENT:
        mine = residents.may_act_for(residents.user_id_of(by), resident.pk, at)
        return YES if mine else no(_("只能替自己、孩子或托您代办的人申请。"))
    if by.role in CENTRE and by.organization_id == team.organization_id:
        seen = residents.sees(by, resident.pk, at)
        return YES if seen else no(_("这位居民不在您的服务范围。"))
    return no(_("签约由居民本人或团队所在的中心办理。"))
