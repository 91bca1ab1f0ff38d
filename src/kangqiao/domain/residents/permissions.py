"""Who may see which resident: one ledger answers."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.residents.models import Basis
from kangqiao.kernel.decision import YES, Decision, no

# Roles that treat. All others work with counts: bureau, finance, insurer, dispatcher, director, administrator.
TREATING = frozenset(
    {Role.GP, Role.EXPERT, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.PHARMACIST}
)


def valid_at(moment: datetime) -> QuerySet[Basis]:
    """The bases that hold at a moment."""
    return Basis.objects.filter(Q(until__isnull=True) | Q(until__gt=moment), since__lte=moment)


def bases_of(seat: Seat, at: datetime | None = None) -> QuerySet[Basis]:
    """The bases on which this seat may see someone at a moment (now, unless told).

    A resident has the basis of being that person. Treating staff have those of their organisation and their own; the
    rest have none. A right to see is a right now, so this reads the clock itself.
    """
    valid = valid_at(at or timezone.now())  # reads the clock: a right to see is a right now
    if seat.role == Role.RESIDENT:
        return valid.filter(kind=Basis.Kind.OWN, user=seat.user_id)
    if seat.role not in TREATING:
        return valid.none()
    return valid.filter(Q(organization=seat.organization_id) | (Q(user=seat.user_id) & ~Q(kind=Basis.Kind.OWN)))


def visible_to(seat: Seat, *, field: str = "pk", at: datetime | None = None) -> Q:
    """The scope of a seat: rows of the residents it may see. `field` names the resident's id on another table."""
    return Q(**{f"{field}__in": bases_of(seat, at).values("resident_id")})


def can_register(by: Actor, centre_id: int) -> Decision:
    """A centre registers its own residents."""
    if by.is_system or (by.role in (Role.GP, Role.CENTRE_MANAGER) and by.organization_id == centre_id):
        return YES
    return no(_("居民由登记中心建档。"))


def can_import(by: Actor) -> Decision:
    """Whole registers are read in by the system administrator or a job of the system."""
    return YES if by.is_system or by.role == Role.SYSTEM_ADMIN else no(_("批量导入由系统管理员做。"))
