"""The keys that mean the same on every page, for the sheet of keys and the help page.

What a page adds stands in its `data-key` attributes; the sheet reads it from there, so neither can be stale.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Keys as they are printed, and what they do."""

    keys: tuple[str, ...]
    does: str | Promise


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut(("Ctrl K",), _("查找：人、机构、页面、要做的事")),
    Shortcut(("?",), _("这张快捷键表")),
    Shortcut(("J", "K"), _("队列里下一行、上一行")),
    Shortcut(("↑", "↓", "←", "→"), _("在行、格、选项之间移动")),
    Shortcut(("Enter",), _("打开选中的一行；在表单里去下一格")),
    Shortcut(("1", "2", "3"), _("这一页的第一、二、三个下一步")),
    Shortcut(("Alt S",), _("保存（并下一位）")),
    Shortcut(("Alt N",), _("处理下一个")),
    Shortcut(("Esc",), _("收起抽屉、菜单、对话框")),
)
