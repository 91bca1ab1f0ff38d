"""Every page and every thing to do that can be called by name, for those whom the page admits.

The rail of a role comes first, in its order. What a view declares (`@access`) decides who is offered it: there is no
second list of rights here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from django.http.response import HttpResponseBase
from django.urls import resolve, reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kangqiao.base.access import Access
from kangqiao.base.search import search_keys
from kangqiao.edges.home.rail import RAILS, Entry

# Things to do: verbs a person at work says.
DEEDS: tuple[Entry, ...] = (
    Entry("slots-find", "ticket", _("预约专家号")),
    Entry("referral-new", "transfer", _("开转诊单")),
    Entry("referral-down", "home-heart", _("下转到社区")),
    Entry("contracting-new", "heart-handshake", _("登记签约申请")),
    Entry("contracting-apply", "heart-handshake", _("申请家庭医生签约")),
    Entry("contracting-form-team", "users", _("组建家庭医生团队")),
    Entry("residents-emergency", "alert-triangle", _("紧急查阅档案")),
    Entry("agreements-draft", "signature", _("起草协议")),
    Entry("people-new", "user-plus", _("开通账号")),
    Entry("finance-inputs", "coin-yuan", _("登记经费数据")),
    Entry("residents-consents", "lock", _("管理我的授权")),
    Entry("own-password", "lock", _("修改密码")),
    Entry("accounts-mode", "eye", _("调整字号和对比度")),
)
# Pages that stand in no rail, or not in everybody's.
PAGES: tuple[Entry, ...] = (
    Entry("institutions-network", "building-hospital", _("医院与中心")),
    Entry("agreements-network", "route", _("联建关系图")),
    Entry("residents-search", "users-group", _("找居民")),
    Entry("contracting-mine", "stethoscope", _("我的家庭医生")),
    Entry("followup-mine", "clipboard-check", _("我的健康方案")),
    Entry("followup-desk", "clipboard-check", _("健康方案和随访")),
    Entry("followup-surveys", "clipboard-check", _("诊后问卷")),
    Entry("followup-channels", "users-group", _("服务群")),
    Entry("education-mine", "book-2", _("给我的健康科普")),
    Entry("education-desk", "book-2", _("健康科普")),
    Entry("portal-mine", "inbox", _("问家庭医生团队")),
    Entry("portal-centre", "building-hospital", _("我的社区中心")),
    Entry("portal-services", "clipboard-check", _("中心服务")),
    Entry("portal-desk", "inbox", _("居民问团队")),
    Entry("portal-ratings", "chart-bar", _("满意度")),
    Entry("contracting-teams", "users", _("家庭医生团队")),
    Entry("contracting-coverage", "chart-bar", _("签约覆盖")),
    Entry("contracting-approvals", "signature", _("签约服务批准")),
    Entry("contracting-pilots", "checklist", _("一站式试点")),
    Entry("contracting-one-stop-day", "checklist", _("今天的一站式")),
    Entry("quality-list", "gauge", _("质控抽查")),
    Entry("stations-list", "chart-bar", _("服务站月报")),
    Entry("contracting-visits", "home-heart", _("上门")),
    Entry("referral-school", "school", _("校园急诊")),
    Entry("referral-school-new", "school", _("报学生急诊")),
    Entry("contracting-communities", "users-group", _("单位")),
    Entry("contracting-packages", "clipboard-check", _("签约服务包")),
    Entry("roster-board", "calendar-week", _("专家排班")),
    Entry("slots-day", "calendar", _("今日就诊")),
    Entry("slots-pools", "chart-bar", _("号源分配")),
    Entry("slots-templates", "calendar-event", _("出诊模板")),
    Entry("slots-calendar", "calendar", _("出诊日历")),
    Entry("slots-rights", "user-check", _("加号权")),
    Entry("mydata", "download", _("带走我的数据")),
    Entry("residents-reads", "eye", _("谁看过我的档案")),
    Entry("messaging-inbox", "bell", _("消息")),
    Entry("own-notices", "phone", _("短信和微信提醒")),
    Entry("own-sign-ins", "fingerprint", _("我的登录")),
    Entry("clauses-list", "book-2", _("政策条款")),
    Entry("public-index", "world", _("信息公开")),
    Entry("help", "help", _("帮助和快捷键")),
    Entry("accessibility", "user-check", _("无障碍声明")),
)


@cache
def deeds(role: str) -> list[Entry]:
    """What this role may do from here."""
    return [entry for entry in DEEDS if _admits(entry.url_name, role)]


@cache
def pages(role: str) -> list[Entry]:
    """Where this role may go: the rail, then the rest; each address once."""
    found = {entry.url_name: entry for entry in (*RAILS[role], *(one for one in PAGES if _admits(one.url_name, role)))}
    return list(found.values())


def is_called(entry: Entry, wanted: str) -> bool:
    """Whether a page is called so: characters, pinyin or initials of its name, or words of its English one."""
    return any(wanted in key for key in _keys(entry.label)) if wanted else True


def _admits(url_name: str, role: str) -> bool:
    declared: Access = _view(url_name).access  # type: ignore[attr-defined]
    return declared.admits(role)


@cache
def _view(url_name: str) -> Callable[..., HttpResponseBase]:
    return resolve(reverse(url_name)).func


@lru_cache(maxsize=512)
def _keys(label: str | Promise) -> tuple[str, ...]:
    found: set[str] = set()
    for language in ("zh-hans", "en"):
        with translation.override(language):
            found.update(search_keys(str(label)))
    return tuple(found)
