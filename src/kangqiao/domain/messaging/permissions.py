"""Whose notice it is, and who looks after what goes out."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat, places_of
from kangqiao.kernel.decision import YES, Decision, no


def visible_to(seat: Seat) -> Q:
    """Notices to the person, and those to the seat's organisation meant for all its staff or for the seat's role."""
    roles = (seat.role,) if seat.role == Role.RESIDENT else ("", seat.role)
    to_seat = Q(user__isnull=True, organization=seat.organization_id, role__in=roles)
    return Q(user=seat.user_id) | to_seat


def kept_by(by: Actor) -> Q:
    """The deliveries a system administrator looks after."""
    return Q(organization__place__in=places_of(by)) if by.role == Role.SYSTEM_ADMIN else Q(pk__in=())


def can_send_again(by: Actor) -> Decision:
    """What did not arrive is sent again by the system administrator."""
    return YES if by.role == Role.SYSTEM_ADMIN else no(_("没送到的提醒由系统管理员再发。"))


def can_choose_for(by: Actor, user_id: int) -> Decision:
    """How somebody is told is chosen by that person."""
    return YES if by.id == f"user:{user_id}" else no(_("只能改自己的设置。"))
