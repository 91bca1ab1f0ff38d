"""Who sits where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.accounts.models import ADMINISTRATORS, ROLE_DESCRIPTIONS, Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat

NO_PAGE = _("没有这一页，或不在您的服务范围。")


def current_memberships(user: Any, on: date) -> list[Membership]:
    """The user's memberships in force on a day, oldest first."""
    return list(_in_force(on).filter(user=user).select_related("organization__place").order_by("id"))


def _in_force(on: date) -> QuerySet[Membership]:
    return Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=on), since__lte=on)


def seat_of(user: Any, membership_id: int | None) -> Seat | None:
    """The seat the user acts from: the chosen membership if still in force, else the first; none, no seat."""
    if not user.is_active:
        return None
    # reads the clock: a seat is a seat now; it is taken anew with every request
    memberships = current_memberships(user, timezone.localdate())
    if not memberships:
        return None
    chosen = next((found for found in memberships if found.pk == membership_id), memberships[0])
    organization = chosen.organization
    return Seat(
        user_id=user.pk,
        user_name=user.name,
        membership_id=chosen.pk,
        role=chosen.role,
        role_name=str(Role(chosen.role).label),
        organization_id=organization.pk,
        organization_name=organization.zh,
        organization_kind=organization.kind,
        place_code=organization.place.code,
        place_id=organization.place_id,
    )


def membership_of(user: Any, membership_id: int, on: date) -> Membership | None:
    """The user's own membership of that id if it is in force."""
    return next((found for found in current_memberships(user, on) if found.pk == membership_id), None)


def other_administrator(user_id: int, role: str, since: date, until: date | None) -> Membership | None:
    """The user's membership as another of the three administrators in that term, if there is one."""
    if role not in ADMINISTRATORS:
        return None
    rows = Membership.objects.filter(user=user_id, role__in=ADMINISTRATORS).exclude(role=role)
    rows = rows.filter(Q(until__isnull=True) | Q(until__gt=since))
    return (rows.filter(since__lt=until) if until else rows).first()


def demo_person(user_id: int) -> User | None:
    """The invented person of that id who may be stepped into, if there is one."""
    return User.objects.filter(pk=user_id, is_demo=True, is_active=True).first()


@dataclass(frozen=True, slots=True)
class DemoRole:
    """One role of the demonstration with its plain description and the people one can step into."""

    role: str
    name: str
    description: str
    people: tuple[Membership, ...]


def demo_people(on: date) -> list[DemoRole]:
    """The invented people by role, in the order of the roles; a person with two seats is listed under both."""
    rows = _in_force(on).filter(user__is_demo=True, user__is_active=True)
    rows = rows.select_related("user", "organization").order_by("id")
    by_role: dict[str, list[Membership]] = {}
    for row in rows:
        by_role.setdefault(row.role, []).append(row)
    return [
        DemoRole(role.value, str(role.label), str(ROLE_DESCRIPTIONS[role]), tuple(by_role[role.value]))
        for role in Role
        if role.value in by_role
    ]


def demo_seat(membership_id: int, on: date) -> Membership | None:
    """The invented person's membership of that id if it is in force."""
    return _in_force(on).filter(pk=membership_id, user__is_demo=True, user__is_active=True).first()
