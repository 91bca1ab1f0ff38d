"""Who reports for a station, and who sees what its centre sums."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.queries import place_ids_under
from kangqiao.kernel.decision import YES, Decision, no

CENTRE = (Role.GP, Role.CENTRE_MANAGER)
KEEPERS = (Role.CENTRE_MANAGER,)
READERS = (*CENTRE, Role.BUREAU_OFFICER)


def stations_visible_to(seat: Seat) -> Q:
    """A centre's stations, a station itself; a bureau's, those of its place."""
    if seat.role in CENTRE:
        return Q(part_of=seat.organization_id) | Q(pk=seat.organization_id)
    if seat.role == Role.BUREAU_OFFICER:
        return Q(place__in=place_ids_under(seat.place_code))
    return Q(pk__in=())


def can_report(by: Actor, station: Organization) -> Decision:
    """Who works at the station, or at the centre it belongs to, writes its numbers."""
    houses = {station.pk, station.part_of_id}
    if by.is_system or (by.role in CENTRE and by.organization_id in houses):
        return YES
    return no(_("月报由服务站，或它所属的中心填写。"), "ZH-4.3d")
