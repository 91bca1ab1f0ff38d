"""What waits for each role, most urgent first: a number, how old the oldest is, and one verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

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

Waiting = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Tile:
    """One worklist: label, how many wait, since when the oldest waits, the verb, and the page."""

    label: str
    count: int
    oldest: datetime | None
    verb: str
    url: str


def tiles(seat: Seat, now: datetime) -> list[Tile]:
    """The worklists of the seat, in the order of its day; each costs one statement."""
    return [make(seat, now) for make in TILES.get(seat.role, ())]


def _tile(label: str, waiting: Waiting, verb: str, url_name: str, tab: str = "") -> Tile:
    """The tile; `tab` names the part of the page where exactly these rows stand."""
    return Tile(label, waiting[0], waiting[1], verb, reverse(url_name) + (f"?tab={tab}" if tab else ""))


def desk(seat: Seat, now: datetime) -> Tile:
    """Referrals the desk owes an answer."""
    return _tile(_("待接收的转诊"), referrals.waiting_desk(seat), _("接收或退回"), "referral-desk")


def returned(seat: Seat, now: datetime) -> Tile:
    """Referrals that came back."""
    return _tile(_("被退回的转诊"), referrals.returned_to_gp(seat), _("补充再送"), "referral-list", "returned")


def replies(seat: Seat, now: datetime) -> Tile:
    """Summaries nobody has read yet."""
    return _tile(_("医院已回信"), referrals.replies_to_read(seat), _("阅读结案"), "referral-list", "reply")


def handed_back(seat: Seat, now: datetime) -> Tile:
    """Patients the hospital hands back."""
    return _tile(_("待接收的下转"), referrals.down_waiting(seat), _("接收"), "referral-list", "down")


def today(seat: Seat, now: datetime) -> Tile:
    """People booked at the place today."""
    return _tile(_("今日预约未到诊"), scheduling.waiting_today(seat, now), _("签到"), "slots-day")


def attendance(seat: Seat, now: datetime) -> Tile:
    """Half-days that are over and not confirmed."""
    return _tile(_("待确认的坐诊"), roster.to_complete(seat, now), _("确认出诊"), "roster-attendance")


def sittings(seat: Seat, now: datetime) -> Tile:
    """The expert's coming half-days."""
    return _tile(_("本周坐诊"), roster.own_this_week(seat, now), _("看安排"), "roster-mine")


def drafts(seat: Seat, now: datetime) -> Tile:
    """Half-days planned and not yet published."""
    return _tile(_("待发布的半天"), roster.to_publish(seat, now), _("发布排班"), "roster-board")


def nominations(seat: Seat, now: datetime) -> Tile:
    """Nominated experts the hospital has not decided on."""
    return _tile(_("待批准的派驻"), roster.to_approve(seat, now), _("批准"), "roster-postings")


def signatures(seat: Seat, now: datetime) -> Tile:
    """Agreements that wait for the seat's signature."""
    return _tile(_("待签署的协议"), agreements.to_sign(seat), _("签署"), "agreements-list")


def endings(seat: Seat, now: datetime) -> Tile:
    """Requests to end an agreement, for the authority."""
    return _tile(_("申请终止的协议"), agreements.to_decide(seat), _("审批"), "agreements-list")


def to_score(seat: Seat, now: datetime) -> Tile:
    """Appraisals not yet scored."""
    return _tile(_("待评分的考核"), appraisals.to_score(seat), _("评分"), "appraisal-list")


def to_close(seat: Seat, now: datetime) -> Tile:
    """Scored appraisals not yet closed."""
    return _tile(_("待定案的考核"), appraisals.to_close(seat), _("定案"), "appraisal-list")


def to_submit(seat: Seat, now: datetime) -> Tile:
    """Computed settlements not yet submitted."""
    return _tile(_("待提交的经费测算"), finance.to_submit(seat), _("提交"), "finance-list")


def to_pay(seat: Seat, now: datetime) -> Tile:
    """Payable lines of the payer."""
    return _tile(_("可拨付的经费"), finance.to_pay(seat), _("拨付"), "finance-list")


def to_prepare(seat: Seat, now: datetime) -> Tile:
    """The list of the year, as long as it is not sent for approval."""
    return _tile(_("待送审的公示"), publications.to_prepare(seat), _("送审"), "publication-list")


def to_approve(seat: Seat, now: datetime) -> Tile:
    """Lists that wait for the bureau."""
    return _tile(_("待审核的公示"), publications.to_approve(seat), _("审核"), "publication-list")


def role_changes(seat: Seat, now: datetime) -> Tile:
    """Changes of role that wait for a second person."""
    return _tile(_("待审核的岗位变动"), accounts.role_changes_waiting(seat.actor), _("审核"), "people-role-changes")


def locked(seat: Seat, now: datetime) -> Tile:
    """Accounts that must wait after too many failures."""
    return _tile(_("输错太多被锁的账号"), accounts.braked_accounts(seat.actor, now), _("解锁"), "people-list")


def notices(seat: Seat, now: datetime) -> Tile:
    """Unread notices."""
    return _tile(_("未读消息"), messaging.waiting(seat), _("查看"), "messaging-inbox")


def asked(seat: Seat, now: datetime) -> Tile:
    """Questions of residents about who looked."""
    return _tile(_("居民的疑问"), residents.waiting_questions(seat), _("答复"), "residents-oversight")


TILES: dict[str, tuple[Callable[[Seat, datetime], Tile], ...]] = {
    Role.GP: (returned, replies, handed_back, today, notices),
    Role.EXPERT: (sittings, notices),
    Role.CENTRE_MANAGER: (today, attendance, handed_back, signatures, notices),
    Role.REFERRAL_DESK: (desk, today, notices),
    Role.GUIDANCE_OFFICE: (signatures, nominations, desk, to_prepare, notices),
    Role.DISPATCHER: (drafts, notices),
    Role.HOSPITAL_DIRECTOR: (signatures, nominations, to_prepare, notices),
    Role.BUREAU_OFFICER: (signatures, endings, to_score, to_close, to_approve, notices),
    Role.FINANCE_OFFICER: (to_submit, to_pay, notices),
    Role.SYSTEM_ADMIN: (role_changes, notices),
    Role.SECURITY_ADMIN: (role_changes, asked, locked, notices),
    Role.AUDIT_ADMIN: (notices,),
}
