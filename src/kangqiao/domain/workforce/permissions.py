"""Who keeps staff data."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.decision import YES, Decision, no

EMPLOYER_KEEPERS = frozenset({"hospital_director", "guidance_office", "centre_manager"})
REGION_KEEPERS = frozenset({"dispatcher", "bureau_officer", "system_admin"})


def can_register(by: Actor, organization_id: int) -> Decision:
    """An employer registers its own staff; the bureau and a job of the system may do it for all."""
    return _keeper(by, organization_id, _("人员由所在机构登记。"))


def can_import(by: Actor) -> Decision:
    """Whole staff lists are read in by the system administrator or a job of the system."""
    return YES if by.is_system or by.role == "system_admin" else no(_("批量导入由系统管理员做。"))


def can_note_absence(by: Actor, practitioner: Practitioner) -> Decision:
    """The person, the employer or the dispatcher notes that someone is away."""
    if practitioner.user_id is not None and by.id == f"user:{practitioner.user_id}":
        return YES
    return _keeper(by, practitioner.organization_id, _("请假由本人、所在机构或排班员登记。"))


def _keeper(by: Actor, organization_id: int, reason: str) -> Decision:
    if by.is_system or by.role in REGION_KEEPERS:
        return YES
    return YES if by.role in EMPLOYER_KEEPERS and by.organization_id == organization_id else no(reason)
