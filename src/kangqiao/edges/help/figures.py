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
    Figure(_("自动检查（axe）：每一页一次，岗位、三种显示、两种语言轮换"), _("严重问题 0"), _("82 页，严重问题 0")),
    Figure(_("长辈版的字"), _("不小于 18"), _("正文 22，最小 18，可放大到 44")),
    Figure(_("行距"), _("字的 1.3 倍以上"), _("1.3 到 1.7 倍")),
    Figure(_("长辈版和高对比度的文字对比度"), _("7 比 1"), _("每种文字颜色都在 7 比 1 以上")),
    Figure(_("居民页面的按钮"), _("44 见方；长辈版主要按钮 60 高"), _("全部符合")),
    Figure(_("三种屏幕，和长辈版放大一倍"), _("不左右移动，不切字"), _("82 页里 80 页符合，最后改的两页待复查")),
    Figure(_("第一次打开的大小"), _("居民 150 KB，工作人员 250 KB"), _("居民 143 KB，工作人员 149 到 213 KB")),
)
EXCEPTIONS: tuple[str | Promise, ...] = (
    _("没有请 65 岁以上的居民和在岗医生试用；试用办法还没有写。"),
    _("工作人员的页面放大一倍时按电脑屏幕检查，没有要求手机。"),
    _("政策条款一页是整份文件，局部更新约 48 KB，超过 30 KB。"),
    _("右下角的帮助按钮会盖住它下面的内容，往上滚动就能露出来。"),
)
# What the portal keeps on a resident's phone, and when it goes.
ON_THE_PHONE: tuple[str | Promise, ...] = (
    _("没有网络时，可以再看您打开过的首页、档案、我的号、转诊、签约和计划，每页写明是什么时候的；只能看。"),
    _("没有网络时记的自测先留在手机上，连上网后自动送出，只记一次。"),
    _("退出登录、换人登录，或登录结束（30 分钟没有用），手机上存的就清掉；工作人员的页面从不存。"),
    _("手机上存的内容没有加密，请给手机设锁屏密码；借用别人的手机，用完请退出登录。"),
)
