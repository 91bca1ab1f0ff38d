"""Who sees a question, who asks, who answers, and who says what a centre offers."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.permissions import CENTRE
from kangqiao.domain.portal.models import Enquiry
from kangqiao.domain.residents import permissions as residents
from kangqiao.kernel.decision import YES, Decision, no


def visible_to(seat: Seat) -> Q:
    """Questions of one's own record, and those one asked for somebody; a centre's, those to its teams.

    Always as far as the ledger lets one see the resident: the conversation belongs to the record.
    """
    seen = residents.visible_to(seat, field="resident_id")
    if seat.role == Role.RESIDENT:
        own = residents.bases_of(seat).filter(kind__in=residents.DECIDING).values("resident_id")
        return seen & (Q(asked_by=seat.user_id) | Q(resident__in=own))
    return seen & Q(contract__team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def ratings_visible_to(seat: Seat) -> Q:
    """Ratings of the teams of one's centre, of residents it may see."""
    seen = residents.visible_to(seat, field="resident_id")
    return seen & Q(service__contract__team__organization=seat.organization_id) if seat.role in CENTRE else Q(pk__in=())


def can_ask(by: Actor, resident_id: int, at: datetime) -> Decision:
    """Residents ask for themselves, their children, and whom they run errands for."""
    mine = residents.may_act_for(residents.user_id_of(by), resident_id, at)
    return YES if by.role == Role.RESIDENT and mine else no(_("只能替自己、孩子或托您代办的人问团队。"))


def parties(by: Actor, enquiry: Enquiry, at: datetime) -> set[str]:
    """Which parties of the table the actor is."""
    if by.is_system:
        return {"system"}
    if by.role == Role.RESIDENT:
        return {"resident"} if can_ask(by, enquiry.resident_id, at) else set()
    ours = by.role in CENTRE and by.organization_id == enquiry.contract.team.organization_id
    return {"team"} if ours and residents.sees(by, enquiry.resident_id, at) else set()


def can_step(by: Actor, enquiry: Enquiry, wanted: tuple[str, ...], at: datetime) -> Decision:
    """Whether the actor is one of the parties of a step."""
    return YES if parties(by, enquiry, at) & set(wanted) else no(_("这一步不由您办理。"))


def can_rate(by: Actor, resident_id: int, at: datetime) -> Decision:
    """The person who was served says how it was; for a child the guardian does."""
    user_id = residents.user_id_of(by) or 0
    held = residents.valid_at(at).filter(resident=resident_id, user=user_id, kind__in=residents.DECIDING)
    return YES if by.role == Role.RESIDENT and held.exists() else no(_("服务由本人或监护人评价。"))


def can_offer(by: Actor, organization_id: int) -> Decision:
    """The manager of a centre says what it offers."""
    mine = by.role == Role.CENTRE_MANAGER and by.organization_id == organization_id
    return YES if by.is_system or mine else no(_("中心的服务由中心负责人登记。"))
