"""What the statement on accessibility says: figures that tests measure, and what does not hold yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MEASURED_ON = date(2026, 11, 29)


@dataclass(frozen=True, slots=True)
class Figure:
    """One demand, the figure it asks for, and what was measured."""

    what: str | Promise
    asked: str | Promise
    found: str | Promise


FIGURES: tuple[Figure, ...] = (
    Figure(_("每一页、每个岗位、三种显示、两种语言的自动检查（axe）"), _("严重问题 0"), _("严重问题 0")),
)
EXCEPTIONS: tuple[str | Promise, ...] = (_("没有请 65 岁以上的居民和在岗医生试用；试用办法还没有写。"),)
