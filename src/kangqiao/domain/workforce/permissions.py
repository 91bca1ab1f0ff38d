"""Who keeps staff data: an employer its own, bureau and dispatcher that of their place."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.permissions import keeps_place
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.decision import YES, Decision, no

EMPLOYER_KEEPERS = frozenset({"hospital_director", "guidance_office", "centre_manager"})
REGION_KEEPERS = frozenset({"dispatcher", "bureau_officer", "system_admin"})


def can_register(by: Actor, organization_id: int) -> Decision:
    """An employer registers its own staff; the bureau of its place and a job of the system may do it too."""
    return _keeper(by, organization_id, _("人员由所在机构登记。"))


def can_import(by: Actor, organization_ids: Iterable[int]) -> Decision:
    """A staff list is read in by a job of the system, or by the system administrator of every employer's place."""
    if by.is_system:
        return YES
    places = Organization.objects.filter(pk__in=organization_ids).values_list("place_id", flat=True).distinct()
    if by.role == "system_admin" and all(keeps_place(by, place_id) for place_id in places):
        return YES
    return no(_("批量导入由本地区的系统管理员做。"))


def can_note_absence(by: Actor, practitioner: Practitioner) -> Decision:
    """The person, the employer or the dispatcher of its place notes that someone is away."""
    if practitioner.user_id is not None and by.id == f"user:{practitioner.user_id}":
        return YES
    return _keeper(by, practitioner.organization_id, _("请假由本人、所在机构或本地的排班员登记。"))


def _keeper(by: Actor, organization_id: int, reason: str) -> Decision:
    if by.is_system or (by.role in EMPLOYER_KEEPERS and by.organization_id == organization_id):
        return YES
    employer = Organization.objects.filter(pk=organization_id).first()
    if employer is not None and by.role in REGION_KEEPERS and keeps_place(by, employer.place_id):
        return YES
    return no(reason)
