"""Every write of contracting: teams, packages, contracts, terms, services done, key groups, whole registers."""

from kangqiao.domain.contracting.actions.apply import apply_for_contract
from kangqiao.domain.contracting.actions.contracts import (
    accept_contract,
    end_contract,
    refuse_contract,
    renew_contract,
    resume_contract,
    sign_contract,
    suspend_contract,
    withdraw_contract,
)
from kangqiao.domain.contracting.actions.helping import add_helper, cancel_visit, end_helper, finish_visit, plan_visit
from kangqiao.domain.contracting.actions.packages import add_package, adopt_packages, end_package
from kangqiao.domain.contracting.actions.register import NewContract, NewTeam, import_contracts, import_teams
from kangqiao.domain.contracting.actions.services import Done, count_services, flag_key_groups
from kangqiao.domain.contracting.actions.teams import (
    add_member,
    add_zone,
    close_team,
    drop_zone,
    end_member,
    form_team,
    open_team,
    word_duty,
)
from kangqiao.domain.contracting.actions.terms import begin_due, end_deceased, expire_due, lapse_due, remind_due

__all__ = [
    "Done",
    "NewContract",
    "NewTeam",
    "accept_contract",
    "add_helper",
    "add_member",
    "add_package",
    "add_zone",
    "adopt_packages",
    "apply_for_contract",
    "begin_due",
    "cancel_visit",
    "close_team",
    "count_services",
    "drop_zone",
    "end_contract",
    "end_deceased",
    "end_helper",
    "end_member",
    "end_package",
    "expire_due",
    "finish_visit",
    "flag_key_groups",
    "form_team",
    "import_contracts",
    "import_teams",
    "lapse_due",
    "open_team",
    "plan_visit",
    "refuse_contract",
    "remind_due",
    "renew_contract",
    "resume_contract",
    "sign_contract",
    "suspend_contract",
    "withdraw_contract",
    "word_duty",
]
