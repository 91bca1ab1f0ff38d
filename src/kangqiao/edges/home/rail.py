"""What stands in the rail of each role: at most eight places, in the order of the day's work."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kangqiao.base.pages import RailItem
from kangqiao.domain.accounts.models import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One place: URL name, icon, label of two to four characters."""

    url_name: str
    icon: str
    label: str | Promise


HOME = Entry("home", "checklist", _("工作台"))
CHAIN = Entry("chain", "route", _("一张图"))
AUDIT = Entry("audit", "history", _("审计"))
CLAUSES = Entry("clauses-list", "book-2", _("条款"))
AGREEMENTS = Entry("agreements-list", "signature", _("协议"))
ROSTER = Entry("roster-board", "calendar-week", _("排班"))
POSTINGS = Entry("roster-postings", "users", _("派驻"))
ATTENDANCE = Entry("roster-attendance", "user-check", _("出诊"))
SITTINGS = Entry("roster-mine", "calendar-event", _("坐诊"))
POOLS = Entry("slots-pools", "chart-bar", _("号源"))
TEMPLATES = Entry("slots-templates", "calendar-event", _("开号"))
DAY = Entry("slots-day", "calendar", _("今日"))
REFERRALS = Entry("referral-list", "transfer", _("转诊"))
DESK = Entry("referral-desk", "inbox", _("接收台"))
CONTRACTS = Entry("contracting-desk", "heart-handshake", _("签约"))
TEAMS = Entry("contracting-teams", "users", _("团队"))
SCHOOL = Entry("referral-school", "school", _("急诊"))
HELPED = Entry("contracting-helped", "heart-handshake", _("协助"))
PEOPLE = Entry("residents-search", "users-group", _("居民"))
INDICATORS = Entry("indicators-list", "chart-bar", _("指标"))
APPRAISALS = Entry("appraisal-list", "clipboard-check", _("考核"))
MONEY = Entry("finance-list", "coin-yuan", _("经费"))
ACCOUNTS = Entry("people-list", "users", _("账号"))
ROLE_CHANGES = Entry("people-role-changes", "user-check", _("岗位变动"))
OVERSIGHT = Entry("residents-oversight", "eye", _("核查"))
IMPORTS = Entry("imports-index", "table-import", _("导入"))
PAPERS = Entry("papers-templates", "file-text", _("模板"))
MESSAGES = Entry("messaging-deliveries", "send", _("站外提醒"))
PUBLICATIONS = Entry("publication-list", "world", _("公示"))

RAILS: dict[str, tuple[Entry, ...]] = {
    Role.RESIDENT: (
        Entry("home", "home", _("首页")),
        Entry("slots-find", "calendar", _("预约")),
        Entry("slots-mine", "ticket", _("我的号")),
        Entry("referral-mine", "transfer", _("转诊")),
        Entry("records-mine", "clipboard-list", _("档案")),
    ),
    Role.GP: (HOME, PEOPLE, CONTRACTS, REFERRALS, DAY, TEAMS, CHAIN, CLAUSES),
    Role.EXPERT: (HOME, SITTINGS, REFERRALS, CHAIN, CLAUSES),
    Role.CENTRE_MANAGER: (HOME, DAY, ATTENDANCE, REFERRALS, PEOPLE, CONTRACTS, AGREEMENTS, CHAIN),
    Role.REFERRAL_DESK: (HOME, DESK, REFERRALS, DAY, TEMPLATES, POOLS, CHAIN, CLAUSES),
    Role.GUIDANCE_OFFICE: (HOME, AGREEMENTS, POSTINGS, ROSTER, APPRAISALS, MONEY, PUBLICATIONS, CHAIN),
    Role.DISPATCHER: (HOME, ROSTER, TEMPLATES, POOLS, AGREEMENTS, INDICATORS, CHAIN, CLAUSES),
    Role.HOSPITAL_DIRECTOR: (HOME, AGREEMENTS, POOLS, INDICATORS, APPRAISALS, MONEY, PUBLICATIONS, CHAIN),
    Role.PHARMACIST: (HOME, CHAIN, CLAUSES),
    Role.HELPER: (HOME, HELPED, CHAIN, CLAUSES),
    Role.SCHOOL_HEALTH: (HOME, SCHOOL, CHAIN, CLAUSES),
    Role.BUREAU_OFFICER: (HOME, CHAIN, AGREEMENTS, INDICATORS, APPRAISALS, MONEY, PUBLICATIONS, CLAUSES),
    Role.FINANCE_OFFICER: (HOME, MONEY, APPRAISALS, INDICATORS, CHAIN, CLAUSES),
    Role.INSURER: (HOME, CHAIN, CLAUSES),
    Role.SYSTEM_ADMIN: (HOME, ACCOUNTS, ROLE_CHANGES, IMPORTS, PAPERS, MESSAGES, CHAIN, CLAUSES),
    Role.SECURITY_ADMIN: (HOME, ROLE_CHANGES, ACCOUNTS, OVERSIGHT, CHAIN, CLAUSES),
    Role.AUDIT_ADMIN: (HOME, AUDIT, CHAIN, CLAUSES),
}


def rail(role: str, path: str) -> list[RailItem]:
    """The rail of a role; the entry whose address is the longest start of the path is the current one."""
    entries = [(entry, reverse(entry.url_name)) for entry in RAILS[role]]
    here = max((url for _entry, url in entries if path.startswith(url)), key=len, default="")
    if here == "/" and path != "/":
        here = ""
    return [RailItem(url, entry.icon, str(entry.label), current=url == here) for entry, url in entries]
