"""Who prepares, approves and reads a list before it is public."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.publication.models import Publication
from kangqiao.kernel.decision import YES, Decision, no

HOSPITAL = (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
STAFF = tuple(role.value for role in (*HOSPITAL, Role.BUREAU_OFFICER))


def visible_to(seat: Seat | None) -> Q:
    """Published lists are everybody's; drafts those of the hospital and of the bureau of its place."""
    public = Q(status="published")
    if seat is None:
        return public
    if seat.role in HOSPITAL:
        return public | Q(organization_id=seat.organization_id) | Q(organization__parts__id=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        place = "organization__place"
        return (
            public
            | Q(**{f"{place}_id": seat.place_id})
            | Q(**{f"{place}__part_of_id": seat.place_id})
            | Q(**{f"{place}__part_of__part_of_id": seat.place_id})
        )
    return public


def of_seat(seat: Seat) -> Q:
    """Of all one may read, the lists one works with: the own hospital's, or those of the bureau's place."""
    if seat.role in HOSPITAL:
        return Q(organization_id=seat.organization_id) | Q(organization__parts__id=seat.organization_id)
    place = "organization__place"
    return (
        Q(**{f"{place}_id": seat.place_id})
        | Q(**{f"{place}__part_of_id": seat.place_id})
        | Q(**{f"{place}__part_of__part_of_id": seat.place_id})
    )


def parties(by: Actor, publication: Publication, own_bodies: frozenset[int], approver_id: int | None) -> set[str]:
    """`hospital` for its guidance office and director, `bureau` for the approving authority."""
    if by.is_system:
        return {"hospital", "bureau", "system"}
    found: set[str] = set()
    if by.role in HOSPITAL and publication.organization_id in own_bodies:
        found.add("hospital")
    if by.role == Role.BUREAU_OFFICER and by.organization_id == approver_id:
        found.add("bureau")
    return found


def can_draft(by: Actor, organization_id: int, own_bodies: frozenset[int]) -> Decision:
    """A hospital's guidance office or director prepares the hospital's list."""
    if by.is_system or (by.role in HOSPITAL and organization_id in own_bodies):
        return YES
    return no(_("公示名单由医院自己的社区指导科准备。"), "SZ16-4.3b")
