"""Who keeps accounts, agrees to roles and takes people out, role by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts import permissions
from kangqiao.domain.accounts.models import Role, RoleChange
from kangqiao.kernel.decision import Decision

JOB = Actor.system("test")


@pytest.mark.parametrize(
    ("may", "roles"),
    [
        (permissions.can_manage_accounts, {"system_admin"}),
        (permissions.can_grant_at_once, set()),
        (permissions.can_end_sign_ins, {"security_admin"}),
        (permissions.can_unlock, {"security_admin"}),
        (permissions.can_reset_factors, {"security_admin"}),
    ],
)
def test_administrators_share_the_keeping_of_accounts(may: Callable[[Actor], Decision], roles: set[str]) -> None:
    assert {role.value for role in Role if may(Actor("user:1", "演示", role=role.value))} == roles
    assert may(JOB)


def test_the_security_administrator_agrees_to_what_others_propose_for_others() -> None:
    change = RoleChange(user_id=1, proposed_by="user:2")

    def may(role: str, who: int) -> bool:
        return bool(permissions.can_approve_roles(Actor(f"user:{who}", "演示", role=role), change))

    assert {role.value for role in Role if may(role.value, 3)} == {"security_admin"}
    assert not may("security_admin", 1)
    assert not may("security_admin", 2)
