"""Every write of accounts: people and their roles, coming in, the second factor, sign-ins, and one's own settings."""

from kangqiao.domain.accounts.actions.braking import unlock
from kangqiao.domain.accounts.actions.coming_in import prove_password, sign_in, sign_in_as_demo, sign_in_by_subject
from kangqiao.domain.accounts.actions.factors import (
    add_app,
    add_key,
    prove_code,
    prove_key,
    remove_factor,
    renew_recovery_codes,
    reset_factors,
)
from kangqiao.domain.accounts.actions.first import Newcomer, open_first_administrators
from kangqiao.domain.accounts.actions.own import (
    bind_identity,
    change_password,
    set_display,
    set_language,
    unbind_identity,
)
from kangqiao.domain.accounts.actions.people import (
    approve_role,
    create_user,
    end_membership,
    grant_membership,
    import_demo_people,
    import_memberships,
    open_account,
    propose_role,
    refuse_role,
    reset_password,
    set_active,
    withdraw_role,
)
from kangqiao.domain.accounts.actions.sign_ins import begin_sign_in, end_own_sign_ins, end_sign_in, end_sign_ins_of

__all__ = [
    "Newcomer",
    "add_app",
    "add_key",
    "approve_role",
    "begin_sign_in",
    "bind_identity",
    "change_password",
    "create_user",
    "end_membership",
    "end_own_sign_ins",
    "end_sign_in",
    "end_sign_ins_of",
    "grant_membership",
    "import_demo_people",
    "import_memberships",
    "open_account",
    "open_first_administrators",
    "propose_role",
    "prove_code",
    "prove_key",
    "prove_password",
    "refuse_role",
    "remove_factor",
    "renew_recovery_codes",
    "reset_factors",
    "reset_password",
    "set_active",
    "set_display",
    "set_language",
    "sign_in",
    "sign_in_as_demo",
    "sign_in_by_subject",
    "unbind_identity",
    "unlock",
    "withdraw_role",
]
