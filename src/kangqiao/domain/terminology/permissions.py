"""Who keeps the code lists."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.kernel.decision import YES, Decision, no

EDITORS = frozenset({"bureau_officer", "system_admin"})


def can_edit(by: Actor) -> Decision:
    """The bureau and the system administrator keep the lists; so do the system's own jobs."""
    return YES if by.is_system or by.role in EDITORS else no(_("术语表由卫生局科员或系统管理员维护。"))
