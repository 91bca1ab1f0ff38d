"""Who writes health education, and who sees what was sent."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.residents import permissions as residents
from kangqiao.kernel.decision import YES, Decision, no

READERS = (*CENTRE, Role.BUREAU_OFFICER)


def visible_to(seat: Seat) -> Q:
    """What was sent to oneself and to one's children; at work nobody needs to know what one person read."""
    if seat.role != Role.RESIDENT:
        return Q(pk__in=())
    return Q(resident__in=residents.bases_of(seat).filter(kind__in=residents.DECIDING).values("resident_id"))


def can_write(by: Actor, organization_id: int) -> Decision:
    """The centre's doctors and manager write for the library, and take back what their centre wrote."""
    mine = by.role in CENTRE and by.organization_id == organization_id
    return YES if by.is_system or mine else no(_("健康科普由中心的医生和负责人写，由写的中心停止推送。"))
