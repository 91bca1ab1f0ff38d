"""Who keeps the network."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.decision import YES, Decision, no

NETWORK_KEEPERS = frozenset({"bureau_officer", "system_admin"})
HOSPITAL_KEEPERS = frozenset({"hospital_director", "guidance_office"})


def can_keep_network(by: Actor) -> Decision:
    """Places and organisations are entered by the bureau, the system administrator or a job of the system."""
    return YES if by.is_system or by.role in NETWORK_KEEPERS else no(_("机构由卫生局科员或系统管理员登记。"))


def can_register_office(by: Actor, hospital: Organization) -> Decision:
    """A hospital registers its own guidance office; the bureau of the hospital's place may do it too (ZH-4.1a)."""
    if by.is_system or (by.role in HOSPITAL_KEEPERS and by.organization_id == hospital.pk):
        return YES
    own = Organization.objects.filter(pk=by.organization_id or 0).values_list("place_id", flat=True).first()
    place: Place | None = hospital.place
    while place is not None and by.role in NETWORK_KEEPERS:
        if place.pk == own:
            return YES
        place = place.part_of
    return no(_("指导科由本院院长登记。"), "ZH-4.1a")
