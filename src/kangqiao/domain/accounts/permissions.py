"""The seat a person acts from: user, role and organisation."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.base.actor import Actor


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
