"""The seat a person acts from: user, role and organisation."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.kernel.decision import YES, Decision, no


@dataclass(frozen=True, slots=True)
class Seat:
    """One user in one role at one organisation, now.

    `place_code` is the organisation's administrative division; `others` the user's other memberships.
    """

    user_id: int
    user_name: str
    membership_id: int
    role: str
    role_name: str
    organization_id: int
    organization_name: str
    organization_kind: str
    place_code: str
    place_id: int

    @property
    def actor(self) -> Actor:
        """The actor written into every action done from this seat."""
        return Actor(
            id=f"user:{self.user_id}",
            name=self.user_name,
            organization_id=self.organization_id,
            organization=self.organization_name,
            role=self.role,
        )


def can_manage_accounts(by: Actor) -> Decision:
    """Accounts and memberships are kept by the system administrator or a job of the system."""
    return YES if by.is_system or by.role == "system_admin" else no(_("账号由系统管理员管理。"))


class SeatedRequest(HttpRequest):
    """A request of a person who is signed in: what a view behind `@access` may rely on."""

    seat: Seat
    actor: Actor
