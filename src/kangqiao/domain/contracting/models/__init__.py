"""Teams, packages, contracts, and what was done under them."""

from kangqiao.domain.contracting.models.contracts import Contract, ContractPackage, Household, KeyPerson, Service
from kangqiao.domain.contracting.models.packages import Act, Group, PackageItem, ServicePackage
from kangqiao.domain.contracting.models.teams import Team, TeamDuty, TeamMember, Zone

__all__ = [
    "Act",
    "Contract",
    "ContractPackage",
    "Group",
    "Household",
    "KeyPerson",
    "PackageItem",
    "Service",
    "ServicePackage",
    "Team",
    "TeamDuty",
    "TeamMember",
    "Zone",
]
