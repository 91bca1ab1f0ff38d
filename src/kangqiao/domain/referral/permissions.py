"""Who sees a referral and for which side one may act: the two ends of it, and the patient."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.referral.models import Referral
from kangqiao.kernel.decision import YES, Decision, no

CENTRE_ROLES = (Role.GP, Role.CENTRE_MANAGER)
DESK_ROLES = (Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE)
HOSPITAL_ROLES = (*DESK_ROLES, Role.EXPERT)


def visible_to(seat: Seat | None) -> Q:
    """Referrals from or to the seat's organisation (or the hospital it is part of) for those who treat; one's own."""
    if seat is None:
        return Q(pk__in=())
    if seat.role == Role.RESIDENT:
        return Q(resident__user_id=seat.user_id)
    if seat.role in CENTRE_ROLES or seat.role in HOSPITAL_ROLES:
        return ends_at("from_organization", seat.organization_id) | ends_at("to_organization", seat.organization_id)
    return Q(pk__in=())


def ends_at(field: str, organization_id: int) -> Q:
    """Rows whose `field` is the organisation or the body the organisation is a part of."""
    return Q(**{f"{field}_id": organization_id}) | Q(**{f"{field}__parts__id": organization_id})


def hospital_of(referral: Referral) -> int:
    """The id of the hospital end."""
    return referral.to_organization_id if referral.direction == "up" else referral.from_organization_id


def centre_of(referral: Referral) -> int:
    """The id of the centre end."""
    return referral.from_organization_id if referral.direction == "up" else referral.to_organization_id


def parties(by: Actor, referral: Referral, own_bodies: frozenset[int]) -> set[str]:
    """Which parties of the table the actor is; `own_bodies` are the actor's organisation and its parent."""
    if by.is_system:
        return {"system"}
    found: set[str] = set()
    if by.role in CENTRE_ROLES and centre_of(referral) in own_bodies:
        found.add("gp")
    if hospital_of(referral) in own_bodies:
        found |= {"desk"} if by.role in DESK_ROLES else set()
        found |= {"specialist"} if by.role == Role.EXPERT else set()
    return found


def can_send_up(by: Actor) -> Decision:
    """Doctors of a centre send patients up."""
    return YES if by.is_system or by.role in CENTRE_ROLES else no(_("上转由社区卫生服务中心的医生发出。"))


def can_send_down(by: Actor) -> Decision:
    """The hospital's desk and specialists hand patients back."""
    return YES if by.is_system or by.role in HOSPITAL_ROLES else no(_("下转由医院的转诊专员或接诊专家发出。"))
