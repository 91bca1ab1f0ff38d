"""Who keeps the network."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.decision import YES, Decision, no

NETWORK_KEEPERS = frozenset({"bureau_officer", "system_admin"})
HOSPITAL_KEEPERS = frozenset({"hospital_director", "guidance_office"})


def keeps_place(by: Actor, place_id: int | None) -> bool:
    """Whether a place is the one the actor's organisation stands for, or lies in it; none is above all of them."""
    own = Organization.objects.filter(pk=by.organization_id or 0).values_list("place_id", flat=True).first()
    place = Place.objects.filter(pk=place_id or 0).first()
    while place is not None:
        if place.pk == own:
            return True
        place = place.part_of
    return False


def can_keep_network(by: Actor, place_id: int | None) -> Decision:
    """Bureau and system administrator keep the places and organisations of their own place and those under it.

    A place that lies in no other is entered by a job of the system, as a site is set up.
    """
    if by.is_system or (by.role in NETWORK_KEEPERS and keeps_place(by, place_id)):
        return YES
    return no(_("机构由本地区的卫生局科员或系统管理员登记。"))


def can_register_station(by: Actor, centre: Organization) -> Decision:
    """A centre's manager registers its own stations; the bureau of its place may do it too."""
    if by.role == "centre_manager" and by.organization_id == centre.pk:
        return YES
    if can_keep_network(by, centre.place_id):
        return YES
    return no(_("服务站由它所属中心的负责人登记。"))


def can_register_office(by: Actor, hospital: Organization) -> Decision:
    """A hospital registers its own guidance office; the bureau of the hospital's place may do it too (ZH-4.1a)."""
    if by.role in HOSPITAL_KEEPERS and by.organization_id == hospital.pk:
        return YES
    if can_keep_network(by, hospital.place_id):
        return YES
    return no(_("指导科由本院院长登记。"), "ZH-4.1a")
