"""Who keeps the code lists."""

from __future__ import annotations

from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.kernel.decision import YES, Decision, no


def can_edit(by: Actor) -> Decision:
    """Jobs of the system: the lists hold for every organisation of a site, and no seat stands for all of them."""
    return YES if by.is_system else no(_("术语表全站共用，随版本更新。"))
