"""Who sits where."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q
from django.utils import timezone

from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.permissions import Seat


def current_memberships(user: Any, on: date) -> list[Membership]:
    """The user's memberships in force on a day, oldest first."""
    return list(
        Membership.objects.filter(Q(until__isnull=True) | Q(until__gt=on), user=user, since__lte=on)
        .select_related("organization__place")
        .order_by("id")
    )


def seat_of(user: Any, membership_id: int | None) -> Seat | None:
    """The seat the user acts from: the chosen membership if still in force, else the first; none, no seat."""
    if not user.is_active:
        return None
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
