"""Every list that can be read in."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import ListKind
from kangqiao.edges.excel.institutions import INSTITUTIONS
from kangqiao.edges.excel.residents import RESIDENTS
from kangqiao.edges.excel.roll import ROLL
from kangqiao.edges.excel.stations import STATION_REPORTS
from kangqiao.edges.excel.weekly import WEEKLY_TEMPLATES
from kangqiao.kernel.errors import Denied, NotVisible

KINDS = {kind.key: kind for kind in (RESIDENTS, INSTITUTIONS, ROLL, STATION_REPORTS, WEEKLY_TEMPLATES)}
ROLES = tuple(sorted({role for kind in KINDS.values() for role in kind.roles}))


def kind_for(key: str, by: Actor) -> ListKind:
    """The list of that name as somebody has it who may read it in. Raises NotVisible, Denied."""
    kind = KINDS.get(key)
    if kind is None:
        raise NotVisible(_("没有这种清单。"))
    if by.role not in kind.roles:
        raise Denied(_("您现在的岗位不能导入这份清单。"))
    return kind.seen_by(by, timezone.now())
