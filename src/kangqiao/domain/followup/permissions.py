"""Who sees assessments, plans and channels, and who writes them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Team
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.residents import permissions as residents
from kangqiao.kernel.decision import YES, Decision, no


def visible_to(seat: Seat) -> Q:
    """Plans of one's own and of one's children; a centre's, those of its teams as long as it may see the person."""
    seen = residents.visible_to(seat, field="resident_id")
    if seat.role == Role.RESIDENT:
        own = residents.bases_of(seat).filter(kind__in=residents.DECIDING)
        return Q(resident__in=own.values("resident_id"))
    return seen & Q(contract__team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def invited_visible_to(seat: Seat) -> Q:
    """Invitations by the teams of one's centre, of residents it may see."""
    seen = residents.visible_to(seat, field="resident_id")
    return seen & Q(team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def can_plan(by: Actor, team: Team, resident_id: int, at: datetime) -> Decision:
    """The team's house assesses, plans and invites whom it may see."""
    if by.is_system:
        return YES
    if by.role in CENTRE and by.organization_id == team.organization_id and residents.sees(by, resident_id, at):
        return YES
    return no(_("健康评估和方案由签约团队所在的中心做。"))


def can_keep_channels(by: Actor, team: Team) -> Decision:
    """The team's house keeps the register of its groups."""
    mine = by.role in CENTRE and by.organization_id == team.organization_id
    return YES if mine else no(_("服务群由团队所在的中心登记。"))
