"""What waits for each role, most urgent first: a number, how old the oldest is, one verb, and the rows themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.appraisal import queries as appraisals
from kangqiao.domain.finance import queries as finance
from kangqiao.domain.messaging import queries as messaging
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.roster import queries as roster
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.edges.home import rows
from kangqiao.edges.home.rows import Row

Waiting = tuple[int, datetime | None]
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Worklist:
    """One kind of waiting thing: what is counted, the rows, the verb, the page of all of them, and words for none.

    `has_mine` where the person's own differ from those of the house: `count` and `rows` then heed `mine`.
    """

    key: str
    label: Words
    verb: Words
    url_name: str
    count: Callable[[Seat, datetime, bool], Waiting]
    rows: Callable[[Seat, datetime, bool], list[Row]]
    none: Words
    tab: str = ""
    has_mine: bool = False

    @property
    def url(self) -> str:
        """The page where all of them stand."""
        return reverse(self.url_name) + (f"?tab={self.tab}" if self.tab else "")


@dataclass(frozen=True, slots=True)
class Tile:
    """One worklist as it stands now."""

    list: Worklist
    count: int
    oldest: datetime | None


def _whole(count: Callable[[Seat, datetime], Waiting]) -> Callable[[Seat, datetime, bool], Waiting]:
    return lambda seat, now, mine: count(seat, now)


def _plain(count: Callable[[Seat], Waiting]) -> Callable[[Seat, datetime, bool], Waiting]:
    return lambda seat, now, mine: count(seat)


def _all(find: Callable[[Seat, datetime], list[Row]]) -> Callable[[Seat, datetime, bool], list[Row]]:
    return lambda seat, now, mine: find(seat, now)


def _referrals(end: str, direction: str, status: str) -> Callable[[Seat, datetime, bool], list[Row]]:
    return lambda seat, now, mine: rows.of_referrals(seat, now, mine, end, direction, status)


def _own_today(seat: Seat, now: datetime, mine: bool) -> Waiting:
    found = rows.of_bookings(seat, now, mine=True)
    return len(found), next((one.since for one in found), None)


DESK = Worklist(
    "desk", _("待接收的转诊"), _("接收或退回"), "referral-desk", _plain(referrals.waiting_desk),
    _referrals("to_organization", "up", "sent"), _("中心发来新的转诊会排在这里，最急的在最上面。"),
)  # fmt: skip
RETURNED = Worklist(
    "returned", _("被退回的转诊"), _("补充再送"), "referral-list",
    lambda seat, now, mine: referrals.returned_to_gp(seat, mine), _referrals("from_organization", "up", "returned"),
    _("医院退回的转诊会写明缺什么，补一句就能再送。"), tab="returned", has_mine=True,
)  # fmt: skip
REPLIES = Worklist(
    "reply", _("医院已回信"), _("阅读结案"), "referral-list",
    lambda seat, now, mine: referrals.replies_to_read(seat, mine), _referrals("from_organization", "up", "summarised"),
    _("医院写完小结会到这里，读过就结案。"), tab="reply", has_mine=True,
)  # fmt: skip
HANDED_BACK = Worklist(
    "down", _("待接收的下转"), _("接收"), "referral-list", _plain(referrals.down_waiting),
    _referrals("to_organization", "down", "proposed"), _("医院把稳定的居民转回来时，会附上用药和随访计划。"),
    tab="down",
)  # fmt: skip
CONTACTS = Worklist(
    "contact", _("待首次随访的下转"), _("随访"), "referral-list", _plain(referrals.contacts_owed),
    _referrals("to_organization", "down", "taken_over"), _("接收下转以后，首次随访在时限内记到这里。"),
    tab="down_contact",
)  # fmt: skip
REPORTS = Worklist(
    "report", _("待写的小结"), _("写小结"), "referral-list",
    lambda seat, now, mine: referrals.visits_to_report(seat, mine), _referrals("to_organization", "up", "seen"),
    _("看完上转来的居民后，在这里写小结回给家庭医生。"), tab="seen", has_mine=True,
)  # fmt: skip
TODAY = Worklist(
    "today", _("今日预约未到诊"), _("签到"), "slots-day", _whole(scheduling.waiting_today),
    lambda seat, now, mine: rows.of_bookings(seat, now, mine=False), _("今天预约的居民都到了，或今天没有预约。"),
)  # fmt: skip
MY_PATIENTS = Worklist(
    "patients", _("今天约我的居民"), _("接诊"), "slots-day", _own_today,
    lambda seat, now, mine: rows.of_bookings(seat, now, mine=True), _("今天没有约您的居民，或都已到诊。"),
)  # fmt: skip
ATTENDANCE = Worklist(
    "attendance", _("待确认的坐诊"), _("确认出诊"), "roster-attendance", _whole(roster.to_complete),
    _all(rows.to_attest), _("专家坐诊过去以后，在这里确认来了没有；考核和经费都看它。"),
)  # fmt: skip
SITTINGS = Worklist(
    "sittings", _("本周坐诊"), _("看安排"), "roster-mine", _whole(roster.own_this_week), _all(rows.sittings),
    _("这一周没有排您坐诊。"),
)  # fmt: skip
DRAFTS = Worklist(
    "drafts", _("待发布的半天"), _("发布排班"), "roster-board", _whole(roster.to_publish), _all(rows.drafts),
    _("排好的半天都已发布，可以预约。下周的从排班页开始排。"),
)  # fmt: skip
NOMINATIONS = Worklist(
    "nominations", _("待批准的派驻"), _("批准"), "roster-postings", _whole(roster.to_approve), _all(rows.nominations),
    _("提名的专家批准后才能排到社区坐诊。"),
)  # fmt: skip
SIGNATURES = Worklist(
    "signatures", _("待签署的协议"), _("签署"), "agreements-list", _plain(agreements.to_sign),
    lambda seat, now, mine: rows.of_agreements(seat, now, "signing", str(_("读后签署"))),
    _("各方送签的协议会到这里；签过的在协议页。"),
)  # fmt: skip
ENDINGS = Worklist(
    "endings", _("申请终止的协议"), _("审批"), "agreements-list", _plain(agreements.to_decide),
    lambda seat, now, mine: rows.of_agreements(seat, now, "ending_requested", str(_("审批"))),
    _("没有机构申请终止协议。"),
)  # fmt: skip
TO_SCORE = Worklist(
    "score", _("待评分的考核"), _("评分"), "appraisal-list", _plain(appraisals.to_score),
    lambda seat, now, mine: rows.of_appraisals(seat, now, "open", str(_("评分"))),
    _("年度结束后从考核页开启，开启的医院会排在这里。"),
)  # fmt: skip
TO_CLOSE = Worklist(
    "close", _("待定案的考核"), _("定案"), "appraisal-list", _plain(appraisals.to_close),
    lambda seat, now, mine: rows.of_appraisals(seat, now, "scored", str(_("定案"))),
    _("评过分的考核定案后，经费才能拨付。"),
)  # fmt: skip
TO_SUBMIT = Worklist(
    "submit", _("待提交的经费测算"), _("提交"), "finance-list", _plain(finance.to_submit),
    lambda seat, now, mine: rows.of_money(seat, now, str(_("核对提交")), is_payer=False),
    _("测算好的经费从这里提交给各级财政。"),
)  # fmt: skip
TO_PAY = Worklist(
    "pay", _("可拨付的经费"), _("拨付"), "finance-list", _plain(finance.to_pay),
    lambda seat, now, mine: rows.of_money(seat, now, str(_("拨付")), is_payer=True),
    _("考核定案、测算提交以后，您这一级要拨的会到这里。"),
)  # fmt: skip
TO_PREPARE = Worklist(
    "prepare", _("待送审的公示"), _("送审"), "publication-list", _plain(publications.to_prepare),
    lambda seat, now, mine: rows.of_lists(seat, now, ("draft", "returned", "approved"), str(_("核对"))),
    _("每年的名单从公示页生成草稿，退回的和批准的也会到这里。"),
)  # fmt: skip
TO_APPROVE = Worklist(
    "approve", _("待审核的公示"), _("审核"), "publication-list", _plain(publications.to_approve),
    lambda seat, now, mine: rows.of_lists(seat, now, ("submitted",), str(_("审核"))),
    _("医院送审的名单会到这里。"),
)  # fmt: skip
ROLE_CHANGES = Worklist(
    "roles", _("待审核的岗位变动"), _("审核"), "people-role-changes",
    lambda seat, now, mine: accounts.role_changes_waiting(seat.actor), _all(rows.role_changes),
    _("系统管理员提出的岗位变动，由安全管理员同意后生效。"),
)  # fmt: skip
ASKED = Worklist(
    "asked", _("居民的疑问"), _("答复"), "residents-oversight", _plain(residents.waiting_questions),
    _all(rows.questions), _("居民问“谁看过我的档案”时，会到这里。"),
)  # fmt: skip
LOCKED = Worklist(
    "locked", _("输错太多被锁的账号"), _("解锁"), "people-list",
    lambda seat, now, mine: accounts.braked_accounts(seat.actor, now), _all(rows.braked), _("没有账号在等待。"),
)  # fmt: skip
NOTICES = Worklist(
    "notices", _("未读消息"), _("查看"), "messaging-inbox", _plain(messaging.waiting), _all(rows.notices),
    _("有缺口、答复或到期的事，会出现在这里。"),
)  # fmt: skip

LISTS: dict[str, tuple[Worklist, ...]] = {
    Role.GP: (RETURNED, REPLIES, HANDED_BACK, CONTACTS, TODAY, NOTICES),
    Role.EXPERT: (MY_PATIENTS, REPORTS, SITTINGS, NOTICES),
    Role.CENTRE_MANAGER: (TODAY, ATTENDANCE, HANDED_BACK, RETURNED, SIGNATURES, NOTICES),
    Role.REFERRAL_DESK: (DESK, REPORTS, TODAY, NOTICES),
    Role.GUIDANCE_OFFICE: (DESK, NOMINATIONS, SIGNATURES, TO_PREPARE, NOTICES),
    Role.DISPATCHER: (DRAFTS, NOTICES),
    Role.HOSPITAL_DIRECTOR: (SIGNATURES, NOMINATIONS, TO_PREPARE, NOTICES),
    Role.PHARMACIST: (NOTICES,),
    Role.BUREAU_OFFICER: (SIGNATURES, ENDINGS, TO_SCORE, TO_CLOSE, TO_APPROVE, NOTICES),
    Role.FINANCE_OFFICER: (TO_SUBMIT, TO_PAY, NOTICES),
    Role.INSURER: (NOTICES,),
    Role.SYSTEM_ADMIN: (ROLE_CHANGES, LOCKED, NOTICES),
    Role.SECURITY_ADMIN: (ROLE_CHANGES, ASKED, LOCKED, NOTICES),
    Role.AUDIT_ADMIN: (NOTICES,),
}
# Roles whose people own what they began, so that theirs and their house's differ.
PERSONAL = (Role.GP, Role.EXPERT)
# What a role without a module of its own yet is told, honestly, when nothing waits.
TEACHING: dict[str, Words] = {
    Role.PHARMACIST: _("处方审核和缺药配送还没有上线；上线后，待审的处方会按等候时间排在这里。现在可以看政策条款。"),
    Role.INSURER: _("医保对账还没有上线；上线后，待受理的批次会排在这里。现在可以看一张图和政策条款。"),
    Role.AUDIT_ADMIN: _("审计的每一条和每条链的校验在“审计”页；有链断开或大量查阅时，会发消息到这里。"),
}


@dataclass(frozen=True, slots=True)
class Board:
    """The home page of a seat: its tiles, the chosen worklist with its rows, and whose things they are."""

    tiles: list[Tile]
    chosen: Tile
    rows: list[Row]
    mine: bool
    has_mine: bool
    teaching: Words
    selected: str

    @property
    def lines(self) -> list[tuple[Row, str]]:
        """Each row with the address its steps come back to: this list, at the row that is next afterwards."""
        following = [one.key for one in (*self.rows[1:], *self.rows[-2:-1])] or [""]
        return [(one, self.address(row=after)) for one, after in zip(self.rows, following, strict=False)]

    def address(self, *, row: str = "") -> str:
        """The address of this list on the home page, with a row to be at."""
        wanted = {"list": self.chosen.list.key, "who": "me" if self.mine else "", "row": row}
        return f"{reverse('home')}?{urlencode({name: value for name, value in wanted.items() if value})}"

    @property
    def unread(self) -> int:
        """How many messages nobody has read, for the bell."""
        return next((tile.count for tile in self.tiles if tile.list is NOTICES), 0)

    @property
    def waiting(self) -> int:
        """How many things wait in all the lists."""
        return sum(tile.count for tile in self.tiles)


def board(seat: Seat, now: datetime, *, wanted: str = "", mine: bool = False, row: str = "") -> Board:
    """The worklists of the seat; opened is the one asked for, else the first in which something waits.

    `row` is the one to be at: what comes after the row just worked on, or the first where it is gone too.
    """
    lists, has_mine = LISTS[seat.role], seat.role in PERSONAL
    tiles = [Tile(one, *one.count(seat, now, mine and has_mine)) for one in lists]
    first = next((tile for tile in tiles if tile.count), tiles[0])
    chosen = next((tile for tile in tiles if tile.list.key == wanted), first)
    found = chosen.list.rows(seat, now, mine and has_mine)
    keys = [one.key for one in found]
    at = row if row in keys else next(iter(keys), "")
    return Board(tiles, chosen, found, mine and has_mine, has_mine, TEACHING.get(seat.role, ""), at)


__all__ = ["LISTS", "Board", "Tile", "Worklist", "board"]
