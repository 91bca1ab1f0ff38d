"""Who may read figures: bureaus and finance of the place, dispatchers, and each organisation its own."""

from __future__ import annotations

from django.db.models import Q

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization

KINDS = (Organization.Kind.HOSPITAL, Organization.Kind.CENTRE)
REGIONAL = (Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER)
OWN = (Role.HOSPITAL_DIRECTOR, Role.GUIDANCE_OFFICE, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)

READERS = tuple(role.value for role in (*REGIONAL, *OWN))


def organizations_visible_to(seat: Seat | None) -> Q:
    """Hospitals and centres of the seat's place for the regional roles; the own organisation for its leaders."""
    if seat is None:
        return Q(pk__in=())
    if seat.role in REGIONAL:
        return within(seat, "") & Q(kind__in=KINDS)
    if seat.role in OWN:
        return (Q(pk=seat.organization_id) | Q(parts__id=seat.organization_id)) & Q(kind__in=KINDS)
    return Q(pk__in=())


def visible_to(seat: Seat | None) -> Q:
    """Reports of the seat's place and the hospitals serving it for the regional roles, else of the own organisation."""
    if seat is None:
        return Q(pk__in=())
    if seat.role in REGIONAL:
        return within(seat, "organization") | serving(seat, "organization")
    if seat.role in OWN:
        return Q(organization_id=seat.organization_id) | Q(organization__parts__id=seat.organization_id)
    return Q(pk__in=())


def serving(seat: Seat, path: str = "") -> Q:
    """Hospitals from elsewhere that serve centres of a regional role's place under an agreement in force.

    A district with centres and no hospital of its own answers for what they do; it sees their figures, not the facts.
    """
    if seat.role not in REGIONAL:
        return Q(pk__in=())
    held = Agreement.objects.filter(within(seat, "centre"), status="in_force")
    organization = f"{path}__pk__in" if path else "pk__in"
    return Q(**{organization: held.order_by().values("hospital_id")}) & ~within(seat, path)


def within(seat: Seat, path: str) -> Q:
    """Organisations at `path` that lie in the seat's place or under it (three levels: city, district, zone)."""
    place = f"{path}__place" if path else "place"
    return (
        Q(**{f"{place}_id": seat.place_id})
        | Q(**{f"{place}__part_of_id": seat.place_id})
        | Q(**{f"{place}__part_of__part_of_id": seat.place_id})
    )
