"""Writing residents, the ledger of bases, and what residents allow."""

from kangqiao.domain.residents.actions.bases import end_basis, grant_basis, import_visit_bases
from kangqiao.domain.residents.actions.consents import (
    appoint_proxy,
    name_guardian,
    permit_sensitive,
    refuse_organization,
    withdraw_consent,
)
from kangqiao.domain.residents.actions.register import import_residents, link_user, register_resident

__all__ = [
    "appoint_proxy",
    "end_basis",
    "grant_basis",
    "import_residents",
    "import_visit_bases",
    "link_user",
    "name_guardian",
    "permit_sensitive",
    "refuse_organization",
    "register_resident",
    "withdraw_consent",
]
