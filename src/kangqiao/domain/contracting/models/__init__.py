"""Teams, packages, contracts, and what was done under them."""

from kangqiao.domain.contracting.models.approvals import Approval
from kangqiao.domain.contracting.models.communities import Affiliation, Community, CommunityVisit, SchoolHealthWorker
from kangqiao.domain.contracting.models.contracts import Contract, ContractPackage, Household, KeyPerson, Service
from kangqiao.domain.contracting.models.one_stop import OneStop, OneStopStep, Pilot
from kangqiao.domain.contracting.models.packages import UNPROMISED, Act, Group, PackageItem, ServicePackage
from kangqiao.domain.contracting.models.teams import Helper, Team, TeamDuty, TeamMember, Zone
from kangqiao.domain.contracting.models.visits import HomeVisit

__all__ = [
    "UNPROMISED",
    "Act",
    "Affiliation",
    "Approval",
    "Community",
    "CommunityVisit",
    "Contract",
    "ContractPackage",
    "Group",
    "Helper",
    "HomeVisit",
    "Household",
    "KeyPerson",
    "OneStop",
    "OneStopStep",
    "PackageItem",
    "Pilot",
    "SchoolHealthWorker",
    "Service",
    "ServicePackage",
    "Team",
    "TeamDuty",
    "TeamMember",
    "Zone",
]
