"""Users and seats for tests, made through actions."""

from __future__ import annotations

from datetime import date

from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER

SINCE = date(2024, 1, 1)


def user(username: str = "someone", password: str = "", name: str = "", is_demo: bool = True) -> User:
    """An invented person with an account."""
    return actions.create_user(
        username=username, name=name or username, password=password, is_demo=is_demo, by=TESTER, at=NOW
    )


def seat(role: str, organization: Organization, who: User | None = None) -> Seat:
    """A seat in that role there, of a new user unless one is given."""
    who = who or user(f"{role}-{organization.code}")
    membership = actions.grant_membership(
        user=who, organization=organization, role=role, since=SINCE, by=TESTER, at=NOW
    )
    found = queries.seat_of(who, membership.pk)
    assert found is not None
    return found
