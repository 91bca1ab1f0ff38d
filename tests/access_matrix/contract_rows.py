"""Teams, packages and contracts of a side of the world."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kangqiao.domain.contracting.models import (
    Approval,
    Contract,
    ContractPackage,
    Household,
    KeyPerson,
    PackageItem,
    Service,
    ServicePackage,
    Team,
    TeamDuty,
    TeamMember,
    Zone,
)
from kangqiao.domain.residents.models import Basis
from tests.access_matrix.community_rows import add_communities
from tests.access_matrix.education_rows import add_education
from tests.access_matrix.followup_rows import add_followup
from tests.access_matrix.helper_rows import add_helpers
from tests.access_matrix.one_stop_rows import add_one_stop
from tests.access_matrix.portal_rows import add_portal
from tests.access_matrix.school_rows import add_schools
from tests.access_matrix.station_rows import add_samples, add_stations
from tests.access_matrix.survey_rows import add_surveys

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_contracts(side: Side) -> None:
    """A team of the centre with a member, a zone and a package, the resident's contract, and what rests on it."""
    side.add("team", Team, organization=side.centre, status="open", ceiling=100, taken=1)
    side.add("member", TeamMember, team=side.team, practitioner=side.gp, kind="gp", is_lead=True)
    side.add("team_duty", TeamDuty, team=side.team, kind="gp", duties="演示")
    side.add("zone", Zone, team=side.team, first=1, last=9)
    for name, house in (("package", side.centre), ("package@bureau", side.bureau)):
        code = f"{side.place_code}-{house.pk}"
        package = side.add(name, ServicePackage, organization=house, code=code, group="everyone", reason="演示")
        side.add(f"item_of_{name}", PackageItem, package=package, act="visit", times=4)
    term = {"starts_on": side.today - timedelta(days=350), "ends_on": side.today + timedelta(days=15)}
    status = "active"
    if side.is_over:
        term["ends_on"], status = side.today - timedelta(days=3), "ended"
    side.add("household", Household, head=side.resident, created_at=side.at)
    held = {"resident": side.resident, "team": side.team, "status": status, "applied_at": side.at}
    side.add("contract", Contract, way="paper", where="centre", signature="M1 1L2 2", **held, **term)
    side.add("promised", ContractPackage, contract=side.contract, package=side.package)
    side.add("service", Service, contract=side.contract, item=side.item_of_package, on=side.today)
    side.add("key_person", KeyPerson, resident=side.resident, group="elderly", since=side.today, evidence="age")
    source = f"contract:{side.contract.pk}"
    since, until = side.at - timedelta(days=9), side.at - timedelta(days=3) if side.is_over else None
    about = {"resident": side.resident, "source": source, "since": since, "until": until}
    side.add("contracted", Basis, kind="contract", organization=side.centre, **about)
    add_communities(side)
    side.add("approval", Approval, organization=side.centre, asked_at=side.at, said="演示")
    add_one_stop(side)
    add_stations(side)
    add_samples(side)
    add_schools(side)
    add_helpers(side)
    add_portal(side)
    add_followup(side)
    add_education(side)
    add_surveys(side)
