"""Whose notice it is."""

from __future__ import annotations

from django.db.models import Q

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat


def visible_to(seat: Seat) -> Q:
    """Notices to the person, and those to the seat's organisation meant for all its staff or for the seat's role."""
    roles = (seat.role,) if seat.role == Role.RESIDENT else ("", seat.role)
    to_seat = Q(user__isnull=True, organization=seat.organization_id, role__in=roles)
    return Q(user=seat.user_id) | to_seat
