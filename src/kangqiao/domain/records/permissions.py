"""Who writes the record."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.kernel.decision import YES, Decision, no

WRITERS = frozenset({Role.GP, Role.EXPERT, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE})


def can_write(by: Actor) -> Decision:
    """Treating staff write the record; a job of the system may carry over what another system recorded."""
    return YES if by.is_system or by.role in WRITERS else no(_("健康档案由接诊机构的医务人员书写。"))
