"""What waits for each role, most urgent first: a number, how old the oldest is, one verb, and the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from kangqiao.base.waits import Waiting, Waits
from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.appraisal import queries as appraisals
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.finance import queries as finance
from kangqiao.domain.followup import queries as followup
from kangqiao.domain.messaging import queries as messaging
from kangqiao.domain.portal import queries as portal
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.quality import queries as quality
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.roster import queries as roster
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.stations import queries as stations
from kangqiao.edges.audit import queries as audit
from kangqiao.edges.home import rows, team_rows
from kangqiao.edges.home.rows import Row, Words
from kangqiao.edges.work import queries as work

Counts = Callable[[Seat, datetime], Waiting]
OLDEST = _("最早")
Found = TypeVar("Found")


def _nothing(seat: Seat, now: datetime) -> Waiting:
    return 0, None


def _of_seat(count: Callable[[Seat], Found]) -> Callable[[Seat, Any], Found]:
    return lambda seat, _when: count(seat)


def _chains(seat: Seat, now: datetime) -> Waiting:
    """How many chains need a look; and when any was checked last, also when all are sound."""
    checked = [one.check.at for one in audit.last_checks(seat) if one.check is not None]
    return len(audit.unsound(seat, now)), max(checked, default=None)


def _no_rows(seat: Seat, now: datetime) -> list[Row]:
    return []


@dataclass(frozen=True, slots=True)
class Day:
    """Today as a list is counted: the date, its first instant and that of the next, and the list's own last date."""

    on: date
    begins: datetime
    ends: datetime
    until: date


@dataclass(frozen=True, slots=True)
class Worklist:
    """One kind of waiting thing: what is counted, the rows, the verb, the page of all of them, and words for none.

    `waits` says what is counted where that depends on seat and day alone, so that one prepared question counts all of
    these; `until` is its own last date. `count` says it where more must be known. `referrals` says which referrals wait
    there, instead of both and of `rows`; `has_mine` where the person's own differ from those of the house. What is
    `is_rare` has a tile while something waits: few houses have a school, a pilot or stations.
    """

    key: str
    label: Words
    verb: Words
    url_name: str
    none: Words
    count: Counts = _nothing
    rows: Callable[[Seat, datetime], list[Row]] = _no_rows
    waits: Callable[[Seat, Day], Waits] | None = None
    until: Callable[[Seat, date], date] | None = None
    referrals: referrals.Where | None = None
    tab: str = ""
    has_mine: bool = False
    is_rare: bool = False
    age: Words = OLDEST

    @property
    def url(self) -> str:
        """The page where all of them stand."""
        return reverse(self.url_name) + (f"?tab={self.tab}" if self.tab else "")


DESK = Worklist(
    "desk", _("待接收的转诊"), _("接收或退回"), "referral-desk", _("中心发来新的转诊会排在这里，最急的在最上面。"),
    referrals=("to_organization", "up", "sent"),
)  # fmt: skip
UNPLACED = Worklist(
    "unplaced", _("没有找到号的上转"), _("找号"), "referral-list", _("收下了还没有号的患者会排在这里，一个都不能漏。"),
    referrals=("to_organization", "up", "unplaced"), tab="unplaced",
)  # fmt: skip
SENT_UNPLACED = Worklist(
    "waiting", _("上转了还没有号"), _("看进展"), "referral-list", _("医院收下了、还在找号的居民会列在这里。"),
    referrals=("from_organization", "up", "unplaced"), tab="unplaced", has_mine=True,
)  # fmt: skip
ADVICE = Worklist(
    "advice", _("医院给的建议"), _("阅读结案"), "referral-list", _("医院看过信、觉得不用转的，会写建议到这里。"),
    referrals=("from_organization", "up", "advised"), tab="reply", has_mine=True,
)  # fmt: skip
RETURNED = Worklist(
    "returned", _("被退回的转诊"), _("补充再送"), "referral-list", _("医院退回的转诊会写明缺什么，补一句就能再送。"),
    referrals=("from_organization", "up", "returned"), tab="returned", has_mine=True,
)  # fmt: skip
REPLIES = Worklist(
    "reply", _("医院已回信"), _("阅读结案"), "referral-list", _("医院写完小结会到这里，读过就结案。"),
    referrals=("from_organization", "up", "summarised"), tab="reply", has_mine=True,
)  # fmt: skip
DECLINED = Worklist(
    "declined", _("中心退回的下转"), _("补充再送"), "referral-list", _("中心没接收的下转会写明原因，补充再送或撤回。"),
    referrals=("from_organization", "down", "declined"), tab="down_declined", is_rare=True,
)  # fmt: skip
HANDED_BACK = Worklist(
    "down", _("待接收的下转"), _("接收"), "referral-list", _("医院把稳定的居民转回来时，会附上用药和随访计划。"),
    referrals=("to_organization", "down", "proposed"), tab="down",
)  # fmt: skip
CONTACTS = Worklist(
    "contact", _("待首次随访的下转"), _("随访"), "referral-list", _("接收下转以后，首次随访在时限内记到这里。"),
    referrals=("to_organization", "down", "taken_over"), tab="down_contact",
)  # fmt: skip
REPORTS = Worklist(
    "report", _("待写的小结"), _("写小结"), "referral-list", _("看完上转来的居民后，在这里写小结回给家庭医生。"),
    referrals=("to_organization", "up", "seen"), tab="seen", has_mine=True,
)  # fmt: skip
TODAY = Worklist(
    "today", _("今日预约未到诊"), _("签到"), "slots-day", _("今天预约的居民都到了，或今天没有预约。"),
    rows=partial(rows.of_bookings, mine=False),
    waits=lambda seat, day: scheduling.waiting_today(seat, day.begins, day.ends),
)  # fmt: skip
MY_PATIENTS = Worklist(
    "patients", _("今天约我的居民"), _("接诊"), "slots-day", _("今天没有约您的居民，或都已到诊。"),
    rows=partial(rows.of_bookings, mine=True),
)  # fmt: skip
ATTENDANCE = Worklist(
    "attendance", _("待确认的坐诊"), _("确认出诊"), "roster-attendance",
    _("专家坐诊过去以后，在这里确认来了没有；考核和经费都看它。"), roster.to_complete, rows.to_attest,
)  # fmt: skip
ENQUIRIES = Worklist(
    "enquiries", _("居民的问题"), _("回复"), "portal-desk", _("签约居民在手机上问的会到这里，急的在最上面。"),
    rows=team_rows.of_enquiries, waits=_of_seat(portal.waiting),
)  # fmt: skip
FOLLOW_UPS = Worklist(
    "follow_ups", _("到期的随访"), _("随访"), "followup-desk", _("评估以后，方案里到期的随访和体检会排在这里。"),
    rows=team_rows.of_plans, until=followup.shown_until,
    waits=lambda seat, day: followup.waiting_items(seat, day.until),
)  # fmt: skip
TEAM_TASKS = Worklist(
    "team_tasks", _("团队分工"), _("做好了"), "followup-desk", _("家庭医生看诊后分给团队成员的随访会排在这里。"),
    rows=team_rows.of_tasks, waits=lambda seat, day: followup.tasks_waiting(seat, day.on),
)  # fmt: skip
STATION_REPORTS = Worklist(
    "station_reports", _("没报的服务站"), _("填月报"), "stations-list",
    _("上个月的服务站月报都到了；没报的会排在这里。"), stations.missing_waiting, team_rows.of_stations, age=_("应报"),
    is_rare=True,
)  # fmt: skip
ONE_STOPS = Worklist(
    "one_stops", _("今天的一站式"), _("做好了"), "contracting-one-stop-day",
    _("试点中心今天安排的一站式，没做的每一步会排在这里，您自己的在最上面。"),
    rows=team_rows.of_one_stops, waits=lambda seat, day: contracting.steps_waiting(seat, day.on), is_rare=True,
)  # fmt: skip
SCHOOL_CASES = Worklist(
    "schools", _("校园急诊"), _("转出或答复"), "referral-school", _("学校报来的急诊会排在最上面，写着等了几分钟。"),
    rows=rows.of_school_cases, waits=_of_seat(referrals.school_cases_waiting), is_rare=True,
)  # fmt: skip
OWN_SCHOOL_CASES = Worklist(
    "schools", _("等中心答复的急诊"), _("看进展"), "referral-school",
    _("学生出了急事，从“急诊”马上报给中心；等答复的会列在这里。"),
    rows=rows.of_school_cases, waits=_of_seat(referrals.school_cases_waiting),
)  # fmt: skip
VISITS = Worklist(
    "visits", _("派给我的上门"), _("上门"), "contracting-helped", _("团队派给您的上门会排在这里，写着日期和地址。"),
    contracting.waiting_visits, team_rows.of_visits,
)  # fmt: skip
SURVEYS = Worklist(
    "surveys", _("诊后的回答"), _("看回答"), "followup-surveys", _("居民就诊几天后的回答会到这里，要留意的在最上面。"),
    rows=team_rows.of_surveys, waits=_of_seat(followup.surveys_waiting),
)  # fmt: skip
APPEALS = Worklist(
    "appeals", _("爽约申诉"), _("答复"), "slots-appeals", _("居民说明为什么没来的申诉会到这里，通过了就不计爽约。"),
    rows=rows.appeals, waits=_of_seat(scheduling.appeals_waiting),
)  # fmt: skip
DISPLACED = Worklist(
    "displaced", _("停诊待安置"), _("改约"), "slots-displaced", _("停诊失去号的人会列在这里，直到每一位都有了着落。"),
    rows=rows.displaced, waits=_of_seat(scheduling.owed_waiting),
)  # fmt: skip
APPLICATIONS = Worklist(
    "applied", _("签约申请"), _("接受"), "contracting-desk", _("居民申请签约会到这里；接受以后名额就留好了。"),
    rows=partial(team_rows.of_contracts, key="applied"), tab="applied",
    waits=_of_seat(partial(contracting.waiting_of, "applied")),
)  # fmt: skip
QUALITY = Worklist(
    "quality", _("质控抽查"), _("处理"), "quality-list",
    _("要核查、要整改、要复核的抽查件会列在这里。"),
    rows=team_rows.of_quality, waits=_of_seat(quality.waiting_items), is_rare=True,
)  # fmt: skip
APPROVALS = Worklist(
    "approvals", _("签约服务批准"), _("决定"), "contracting-approvals",
    _("社会办机构、单位内设机构申请提供签约服务时会到这里。"), contracting.approvals_waiting, team_rows.of_approvals,
    is_rare=True,
)  # fmt: skip
TO_SIGN = Worklist(
    "accepted", _("待签署的签约"), _("签署"), "contracting-desk", _("接受了、居民还没签的在这里，过期名额会放出来。"),
    rows=partial(team_rows.of_contracts, key="accepted"), tab="accepted",
    waits=_of_seat(partial(contracting.waiting_of, "accepted")),
)  # fmt: skip
DUE = Worklist(
    "due", _("快到期的签约"), _("续约"), "contracting-desk", _("到期前可以续约的居民会排在这里。"),
    rows=partial(team_rows.of_contracts, key="due"), tab="due",
    waits=lambda seat, day: contracting.waiting_due(seat, day.until), until=contracting.due_until,
)  # fmt: skip
SITTINGS = Worklist(
    "sittings", _("本周坐诊"), _("看安排"), "roster-mine", _("这一周没有排您坐诊。"),
    roster.own_this_week, rows.sittings,
)  # fmt: skip
DRAFTS = Worklist(
    "drafts", _("待发布的排班"), _("发布排班"), "roster-board",
    _("排好的班都已发布，可以预约。下周的从排班页开始排。"), roster.to_publish, rows.drafts,
)  # fmt: skip
NOMINATIONS = Worklist(
    "nominations", _("待批准的派驻"), _("批准"), "roster-postings", _("提名的专家批准后才能排到社区坐诊。"),
    roster.to_approve, rows.nominations,
)  # fmt: skip
SIGNATURES = Worklist(
    "signatures", _("待签署的协议"), _("签署"), "agreements-list", _("各方送签的协议会到这里；签过的在协议页。"),
    _of_seat(agreements.to_sign), partial(rows.of_agreements, status="signing", label=_("读后签署")),
)  # fmt: skip
ENDINGS = Worklist(
    "endings", _("申请终止的协议"), _("审批"), "agreements-list", _("没有机构申请终止协议。"),
    _of_seat(agreements.to_decide), partial(rows.of_agreements, status="ending_requested", label=_("审批")),
)  # fmt: skip
TO_SCORE = Worklist(
    "score", _("待评分的考核"), _("评分"), "appraisal-list", _("年度结束后从考核页开启，开启的医院会排在这里。"),
    _of_seat(appraisals.to_score),
    partial(rows.of_appraisals, status="open", label=_("评分"), url_name="appraisal-detail"),
)  # fmt: skip
TO_CLOSE = Worklist(
    "close", _("待定案的考核"), _("定案"), "appraisal-list", _("评过分的考核定案后，经费才能拨付。"),
    _of_seat(appraisals.to_close),
    partial(rows.of_appraisals, status="scored", label=_("定案"), url_name="appraisal-close"),
)  # fmt: skip
TO_SUBMIT = Worklist(
    "submit", _("待提交的经费测算"), _("提交"), "finance-list", _("测算好的经费从这里提交给各级财政。"),
    _of_seat(finance.to_submit), partial(rows.of_money, label=_("核对提交"), is_payer=False),
)  # fmt: skip
TO_PAY = Worklist(
    "pay", _("可拨付的经费"), _("拨付"), "finance-list", _("考核定案、测算提交以后，您这一级要拨的会到这里。"),
    _of_seat(finance.to_pay), partial(rows.of_money, label=_("拨付"), is_payer=True),
)  # fmt: skip
TO_PREPARE = Worklist(
    "prepare", _("待送审的公示"), _("送审"), "publication-list",
    _("每年的名单从公示页生成草稿，退回的和批准的也会到这里。"), _of_seat(publications.to_prepare),
    partial(rows.of_lists, statuses=("draft", "returned", "approved"), label=_("核对")),
)  # fmt: skip
TO_APPROVE = Worklist(
    "approve", _("待审核的公示"), _("审核"), "publication-list", _("医院送审的名单会到这里。"),
    _of_seat(publications.to_approve), partial(rows.of_lists, statuses=("submitted",), label=_("审核")),
)  # fmt: skip
ROLE_CHANGES = Worklist(
    "roles", _("待审核的岗位变动"), _("审核"), "people-role-changes",
    _("系统管理员提出的岗位变动，由安全管理员同意后生效。"),
    lambda seat, now: accounts.role_changes_waiting(seat.actor), rows.role_changes,
)  # fmt: skip
ASKED = Worklist(
    "asked", _("居民的疑问"), _("答复"), "residents-oversight", _("居民问“谁看过我的档案”时，会到这里。"),
    _of_seat(residents.waiting_questions), rows.questions,
)  # fmt: skip
LOCKED = Worklist(
    "locked", _("输错太多被锁的账号"), _("解锁"), "people-list", _("没有账号在等待。"),
    lambda seat, now: accounts.braked_accounts(seat.actor, now), rows.braked,
)  # fmt: skip
FAILED_WORK = Worklist(
    "failed", _("失败的后台任务"), _("重试"), "work-index", _("后台任务都做完了。失败的会排在这里，可以重试。"),
    lambda seat, now: work.failed_waiting(), rows.failed_work,
)  # fmt: skip
CHAINS = Worklist(
    "chains", _("校验不通过的审计链"), _("核查"), "audit",
    _("没有一条链校验出问题；每天夜里校验一次，第一次在装好后的那一夜。"),
    _chains, rows.chains, age=_("上次校验"),
)  # fmt: skip
NOTICES = Worklist(
    "notices", _("未读消息"), _("查看"), "messaging-inbox", _("有缺口、答复或到期的事，会出现在这里。"),
    rows=rows.notices, waits=_of_seat(messaging.waiting),
)  # fmt: skip

LISTS: dict[str, tuple[Worklist, ...]] = {
    Role.GP: (
        SCHOOL_CASES,
        ENQUIRIES,
        RETURNED,
        SENT_UNPLACED,
        REPLIES,
        ADVICE,
        HANDED_BACK,
        CONTACTS,
        SURVEYS,
        TEAM_TASKS,
        ONE_STOPS,
        FOLLOW_UPS,
        APPLICATIONS,
        TO_SIGN,
        TODAY,
        NOTICES,
    ),
    Role.EXPERT: (MY_PATIENTS, REPORTS, SURVEYS, SITTINGS, NOTICES),
    Role.CENTRE_MANAGER: (
        SCHOOL_CASES,
        ENQUIRIES,
        DISPLACED,
        TODAY,
        ATTENDANCE,
        HANDED_BACK,
        RETURNED,
        SENT_UNPLACED,
        APPLICATIONS,
        DUE,
        SIGNATURES,
        STATION_REPORTS,
        QUALITY,
        APPEALS,
        NOTICES,
    ),
    Role.REFERRAL_DESK: (DESK, UNPLACED, DISPLACED, DECLINED, REPORTS, TODAY, APPEALS, NOTICES),
    Role.GUIDANCE_OFFICE: (DESK, UNPLACED, DECLINED, NOMINATIONS, SIGNATURES, TO_PREPARE, NOTICES),
    Role.DISPATCHER: (DRAFTS, NOTICES),
    Role.HOSPITAL_DIRECTOR: (SIGNATURES, NOMINATIONS, TO_PREPARE, NOTICES),
    Role.PHARMACIST: (NOTICES,),
    Role.HELPER: (VISITS, NOTICES),
    Role.BUREAU_OFFICER: (SIGNATURES, ENDINGS, TO_SCORE, TO_CLOSE, TO_APPROVE, APPROVALS, QUALITY, NOTICES),
    Role.SCHOOL_HEALTH: (OWN_SCHOOL_CASES, NOTICES),
    Role.FINANCE_OFFICER: (TO_SUBMIT, TO_PAY, NOTICES),
    Role.INSURER: (NOTICES,),
    Role.SYSTEM_ADMIN: (ROLE_CHANGES, LOCKED, FAILED_WORK, NOTICES),
    Role.SECURITY_ADMIN: (ROLE_CHANGES, ASKED, LOCKED, NOTICES),
    Role.AUDIT_ADMIN: (CHAINS, NOTICES),
}
# Roles whose people own what they began, so that theirs and their house's differ.
PERSONAL = (Role.GP, Role.EXPERT)
# What a role without a module of its own yet is told, honestly, when nothing waits.
TEACHING: dict[str, Words] = {
    Role.PHARMACIST: _("处方审核和缺药配送还没有上线；上线后，待审的处方会按等候时间排在这里。现在可以看政策条款。"),
    Role.INSURER: _("医保对账还没有上线；上线后，待受理的批次会排在这里。现在可以看一张图和政策条款。"),
    Role.AUDIT_ADMIN: _("审计的每一条和每条链的校验在“审计”页；有链断开或大量查阅时，会发消息到这里。"),
}
