"""The rows below the tiles: each names the thing, says where it stands and what comes next, and can be worked here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao.base.pages import Verb, address_of, verb_of
from kangqiao.base.templatetags.kq import called, clock, money
from kangqiao.base.transition import since_of
from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.states import ROLE_CHANGE
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.appraisal import queries as appraisals
from kangqiao.domain.finance import queries as finance
from kangqiao.domain.messaging import queries as messaging
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.roster import queries as roster
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.rules import said
from kangqiao.edges.audit import queries as audit
from kangqiao.edges.work import queries as work
from kangqiao.kernel.period import Period, week
from kangqiao.kernel.states import Look, State, Step

MOST = 50
Words = str | Promise


@dataclass(frozen=True, slots=True)
class Row:
    """One waiting thing: what it is, its state and next step as a sentence, since when, until when, what to do.

    `fields` go with every step. `part` is the address of a reading part for the drawer, where there is one.
    """

    key: str
    title: str
    url: str
    look: State | Look
    lead: str
    note: str = ""
    rest: str = ""
    since: datetime | None = None
    due: datetime | None = None
    is_demo: bool = False
    verbs: tuple[Verb, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    part: bool = False


def look_at(label: Words, url: str) -> tuple[Verb, ...]:
    """Where the thing is decided only after reading it: one verb, which opens it."""
    return (Verb(str(label), url, opens=True),)


def of_referrals(seat: Seat, now: datetime, where: referrals.Where, *, mine: bool) -> list[Row]:
    """Referrals that wait for the seat, with the moves open to it."""
    rows = []
    for line in referrals.waiting_rows(seat, where, now, mine=mine):
        one, person = line.referral, line.referral.resident
        rows.append(Row(
            key=f"r{one.pk}", title=person.name, url=address_of("referral-detail", one.pk), look=line.state,
            note=f"{person.get_sex_display()} {line.age} · {line.specialty}", lead=line.said.lead,
            rest=line.said.rest, since=one.clock_from, due=one.due_at, is_demo=person.is_demo, part=True,
            verbs=tuple(_move(step, one.pk) for step in referrals.open_steps(seat, one, seat.bodies)),
            fields=(("seen_status", one.status),),
        ))  # fmt: skip
    return rows


def _move(step: Step, pk: int) -> Verb:
    url = address_of("referral-step", pk, step.action)
    if step.action == "accept":
        return Verb(called(step), f"{reverse('referral-desk')}?open={pk}", opens=True, primary=True)
    if step.action in referrals.WRITTEN:
        return Verb(called(step), url, opens=True, primary=step.primary)
    return verb_of(step, url)


def of_school_cases(seat: Seat, now: datetime) -> list[Row]:
    """Emergencies at schools that nobody has answered: how many minutes they wait, and what was seen."""
    found = []
    for line in referrals.school_waiting_rows(seat, now):
        one, url = line.case, reverse("referral-school-case", args=(line.case.pk,))
        verbs = look_at(_("看进展"), url)
        if any(step.action == "forward" for step in referrals.school_case_steps(seat, one)):
            to = reverse("referral-school-forward", args=(one.pk,))
            verbs = (Verb(_("转到医院"), to, opens=True, primary=True), Verb(_("答复学校"), url, opens=True))
        found.append(Row(
            key=f"e{one.pk}", title=one.student, url=url, look=one.state, note=one.community.zh,
            lead=_("已等 %(n)s 分钟：%(what)s") % {"n": line.minutes, "what": one.what},
            rest=referrals.findings_in_words(one), since=one.opened_at, due=one.due_at, is_demo=one.is_demo,
            verbs=verbs,
        ))  # fmt: skip
    return found


def of_bookings(seat: Seat, now: datetime, *, mine: bool) -> list[Row]:
    """People booked today who have not come yet, by time."""
    midnight = make_aware(datetime.combine(localtime(now).date(), time()))
    sessions = scheduling.day_sessions(seat, midnight, midnight + timedelta(days=1))
    if mine:
        sessions = [one for one in sessions if one.practitioner.user_id == seat.user_id]
    sheet = scheduling.day_sheet(seat.actor, sessions, now)
    return [
        Row(
            key=f"b{row.booking.pk}", title=row.booking.resident.name, look=row.state,
            url=reverse("slots-booking", args=(row.booking.pk,)), is_demo=row.booking.resident.is_demo,
            note=f"{clock(row.booking.slot.starts_at)} · {row.booking.session.practitioner.name}",
            lead=_("等居民到诊"), rest=_("%(time)s就诊。") % {"time": clock(row.booking.slot.starts_at)},
            since=row.booking.slot.starts_at, verbs=_arrivals(row),
        )
        for row in [row for _session, rows, _may in sheet.sessions for row in rows if row.state.key == "booked"][:MOST]
    ]  # fmt: skip


def _arrivals(row: scheduling.Row) -> tuple[Verb, ...]:
    step, pk = reverse("slots-step", args=(row.booking.pk,)), row.booking.pk
    known = {
        "check_in": Verb(_("签到"), step, "check_in", primary=True),
        "fulfil": Verb(_("完成就诊"), reverse("slots-visit", args=(pk,)), opens=True),
        "miss": Verb(_("记为未到"), step, "miss"),
    }
    return tuple(verb for action, verb in known.items() if action in row.steps)


def to_attest(seat: Seat, now: datetime) -> list[Row]:
    """Half-days that are over: did the expert sit?"""
    return [_sitting(each, _("等中心确认出诊")) for each in roster.sittings_to_attest(seat, now)[:MOST]]


def sittings(seat: Seat, now: datetime) -> list[Row]:
    """The expert's half-days of this week that are still to come."""
    today = localtime(now).date()
    found = roster.sittings(seat, Period(today, week(today).end), now)
    return [
        _sitting(each, _("等%(who)s确认") % {"who": "、".join(each.waiting_for)} if each.waiting_for else _("已排定"))
        for each in found
    ]


def _sitting(each: roster.Sitting, lead: str) -> Row:
    row = each.half_day
    return Row(
        key=f"h{row.pk}", title=f"{row.practitioner.name}", url=f"{reverse('roster-attendance')}?week={row.day}",
        note=each.centre, look=each.state, lead=lead, is_demo=row.practitioner.is_demo,
        rest=_("%(day)s坐诊，已约 %(n)s 人。") % {"day": f"{row.day:%m-%d} {clock(each.starts_at)}", "n": each.booked},
        since=each.starts_at, verbs=tuple(verb_of(s, reverse("roster-step", args=(row.pk,))) for s in each.steps),
    )  # fmt: skip


def drafts(seat: Seat, now: datetime) -> list[Row]:
    """Draft rosters with half-days nobody can book yet."""
    return [
        Row(
            key=f"o{one.pk}", title=_weeks_of(one.starts_on, one.ends_on),
            url=f"{reverse('roster-board')}?week={one.starts_on}", note=called(one.place), look=Look.WAIT,
            lead=_("等您发布"), rest=_("%(n)s 个半天还不能预约。") % {"n": number}, since=one.planned_at,
            verbs=look_at(_("看排班"), f"{reverse('roster-board')}?week={one.starts_on}"),
        )
        for one, number in roster.drafts_to_publish(seat)
    ]  # fmt: skip


def _weeks_of(first: date, last: date) -> str:
    weeks = {"n": first.isocalendar().week, "last": last.isocalendar().week}
    return (_("第 %(n)s 周排班") if weeks["n"] == weeks["last"] else _("第 %(n)s 至 %(last)s 周排班")) % weeks


def nominations(seat: Seat, now: datetime) -> list[Row]:
    """Experts named for a centre, to be approved by the hospital."""
    found = roster.postings_of(seat, statuses=("nominated",))[:MOST]
    since = since_of([line.posting for line in found])
    return [
        Row(
            key=f"p{line.posting.pk}", title=line.posting.practitioner.name, url=reverse("roster-postings"),
            note=f"{line.title} · {called(line.posting.practitioner.specialty)}", look=line.state,
            lead=_("等医院批准派驻"), is_demo=line.posting.practitioner.is_demo,
            rest=_("到%(centre)s，%(from)s 起。") % {"centre": line.centre, "from": line.posting.starts_on},
            verbs=tuple(verb_of(s, reverse("roster-posting-step", args=(line.posting.pk,))) for s in line.steps),
            since=since.get(line.posting.pk),
        )
        for line in found
    ]  # fmt: skip


def of_agreements(seat: Seat, now: datetime, *, status: str, label: Words) -> list[Row]:
    """Agreements to sign, or requests to end one."""
    rows, found = [], agreements.waiting_rows(seat, status)[:MOST]
    since = since_of(found)
    for one in found:
        url, counts = reverse("agreements-detail", args=(one.pk,)), {"given": one.given, "needed": one.needed}  # type: ignore[attr-defined]
        rows.append(Row(
            key=f"a{one.pk}", title=f"{called(one.hospital)} — {called(one.centre)}", url=url, look=one.state,
            note=f"{one.get_kind_display()} {one.number}", lead=called(one.state),
            rest=_("%(given)s / %(needed)s 方已签署。") % counts, verbs=look_at(label, url), since=since.get(one.pk),
            part=True,
        ))  # fmt: skip
    return rows


def of_appraisals(seat: Seat, now: datetime, *, status: str, label: Words, url_name: str) -> list[Row]:
    """Hospitals whose year is to be scored or closed."""
    found = appraisals.waiting_rows(seat, status)[:MOST]
    since = since_of(found)
    return [
        Row(
            key=f"e{one.pk}", title=called(one.subject), note=_("%(year)s 年度") % {"year": one.year},
            url=(url := reverse(url_name, args=(one.pk,))), look=appraisals.state_of(one),
            lead=called(appraisals.state_of(one)), verbs=look_at(label, url), part=True,
            since=since.get(one.pk),
            rest="" if one.score is None else _("%(score)s 分，拨付 %(share)s%%。")
            % {"score": one.score, "share": one.pay_percent},
        )
        for one in found
    ]  # fmt: skip


def of_money(seat: Seat, now: datetime, *, label: Words, is_payer: bool) -> list[Row]:
    """Settlements to submit, or with lines this finance owes."""
    found = [one for one in finance.listed(seat) if (_owes(seat, one) if is_payer else _unsent(seat, one))]
    return [
        Row(
            key=f"f{one.settlement.pk}", title=called(one.settlement.place), look=one.state,
            note=_("%(year)s 年度，第 %(v)s 版") % {"year": one.settlement.year, "v": one.settlement.version},
            url=(url := reverse("finance-settlement", args=(one.settlement.pk,))), lead=called(one.state),
            rest=_("合计 %(sum)s。") % {"sum": money(one.shown_fen)}, since=one.settlement.computed_at,
            verbs=look_at(label, url), part=True,
        )
        for one in found[:MOST]
    ]  # fmt: skip


def _unsent(seat: Seat, one: finance.ListRow) -> bool:
    return one.settlement.place_id == seat.place_id and one.state.key == "computed"


def _owes(seat: Seat, one: finance.ListRow) -> bool:
    return one.state.key == "submitted" and any(p.payer_id == seat.place_id and p.payable_fen for p in one.payers)


def of_lists(seat: Seat, now: datetime, *, statuses: tuple[str, ...], label: Words) -> list[Row]:
    """Yearly lists to send for approval, to publish or to approve."""
    found = publications.waiting_rows(seat, statuses)[:MOST]
    since = since_of(found)
    return [
        Row(
            key=f"l{one.pk}", title=called(one.organization), note=_("%(year)s 年度公示") % {"year": one.year},
            url=(url := reverse("publication-detail", args=(one.pk,))), look=publications.state_of(one),
            lead=called(publications.state_of(one)), verbs=look_at(label, url), part=True,
            since=since.get(one.pk),
            rest=_("最晚 %(day)s 公示。") % {"day": one.due_on},
        )
        for one in found
    ]  # fmt: skip


def role_changes(seat: Seat, now: datetime) -> list[Row]:
    """Roles proposed by the system administrator, for the security administrator to decide."""
    return [
        Row(
            key=f"c{one.pk}", title=one.user.name, note=one.user.username,
            url=f"{reverse('people-role-changes')}#c{one.pk}", look=one.state, lead=called(one.state),
            since=one.proposed_at, is_demo=one.user.is_demo,
            rest=f"{one.get_role_display()} · {called(one.organization)} · {one.since:%Y-%m-%d} — "
            + (f"{one.until:%Y-%m-%d}" if one.until else _("不限期")),
            verbs=tuple(
                verb_of(step, reverse("people-decide", args=(one.pk,)))
                for step in ROLE_CHANGE.steps_from(one.status, {seat.role})
            ),
        )
        for one in accounts.role_changes(seat.actor).filter(status=ROLE_CHANGE.initial)[:MOST]
    ]  # fmt: skip


def braked(seat: Seat, now: datetime) -> list[Row]:
    """Accounts that must wait after too many wrong passwords."""
    found = [(one, one.user) for one in accounts.braked_in_reach(seat.actor, now)[:MOST] if one.user is not None]
    return [
        Row(
            key=f"u{user.pk}", title=user.name, note=user.username, look=Look.BACK,
            url=(url := reverse("people-detail", args=(user.pk,))), lead=_("输错太多，正在等待"),
            rest=_("%(time)s可以再试。") % {"time": clock(one.blocked_until)}, since=one.since,
            verbs=look_at(_("看账号"), url), is_demo=user.is_demo,
        )
        for one, user in found
    ]  # fmt: skip


def questions(seat: Seat, now: datetime) -> list[Row]:
    """Residents who asked why somebody looked."""
    return [
        Row(
            key=f"q{one.pk}", title=one.reader.name, note=called(one.organization), look=Look.WAIT,
            url=(url := reverse("residents-question", args=(one.pk,))), lead=_("居民问：为什么看我的档案"),
            rest=one.text, since=one.asked_at, verbs=look_at(_("答复"), url), is_demo=one.reader.is_demo,
        )
        for one in residents.open_questions(seat)[:MOST]
    ]  # fmt: skip


def appeals(seat: Seat, now: datetime) -> list[Row]:
    """Residents who say why they did not come."""
    return [
        Row(
            key=f"a{one.pk}", title=one.resident.name, note=one.booking.session.practitioner.name, look=Look.WAIT,
            url=(url := reverse("slots-appeal-decide", args=(one.pk,))), lead=_("为什么没来"), rest=one.reason,
            since=one.made_at, verbs=look_at(_("答复"), url), is_demo=one.resident.is_demo,
        )
        for one in scheduling.open_appeals(seat)[:MOST]
    ]  # fmt: skip


def displaced(seat: Seat, now: datetime) -> list[Row]:
    """People who lost a place when a session was called off and have no other yet."""
    return [
        Row(
            key=f"d{one.row.pk}", title=one.row.resident.name, note=one.row.booking.session.practitioner.name,
            look=one.state, url=(url := reverse("slots-displaced-of", args=(one.row.pk,))),
            lead=_("等另一个时间"), rest=_("原来约的是%(when)s。") % {"when": said(one.row.booking.slot.starts_at)},
            since=one.row.since, verbs=look_at(_("改约"), url), is_demo=one.row.resident.is_demo,
        )
        for one in scheduling.owed_places(seat, now)[0]
    ]  # fmt: skip


def failed_work(seat: Seat, now: datetime) -> list[Row]:
    """Work of the queue that failed, to be begun anew."""
    anew = (Verb(_("重试"), reverse("work-anew"), "anew", primary=True),)
    return [
        Row(
            key=f"w{one.pk}", title=str(one.name), url=reverse("work-index"), look=Look.BACK, lead=_("失败"),
            rest=_("试了 %(n)s 次；原因在日志里。") % {"n": one.attempts}, since=one.since, verbs=anew,
            fields=(("job", str(one.pk)),),
        )
        for one in work.failed(MOST)
    ]  # fmt: skip


def chains(seat: Seat, now: datetime) -> list[Row]:
    """Chains of the audit in which the last check found something, or that were not checked lately."""
    return [
        Row(
            key=f"k{one.chain}", title=one.name, url=(url := f"{reverse('audit')}?chain={one.chain}"), look=Look.BACK,
            lead=_("没有按时校验") if one.check is None or one.is_sound else _("校验发现问题"),
            rest="" if one.check is None else _("%(rows)s 行，%(n)s 处不符。")
            % {"rows": one.check.detail.get("rows", 0), "n": one.check.detail.get("problems", 0)},
            since=one.check.at if one.check else None, verbs=look_at(_("看这条链"), url),
        )
        for one in audit.unsound(seat, now)[:MOST]
    ]  # fmt: skip


def notices(seat: Seat, now: datetime) -> list[Row]:
    """Unread messages, the latest first."""
    return [
        Row(
            key=f"n{one.pk}", title=one.subject, url=reverse("messaging-open", args=(one.pk,)), look=Look.WAIT,
            lead=_("未读"), rest=one.body, since=one.created_at,
            verbs=(
                Verb(_("标为已读"), reverse("messaging-read", args=(one.pk,)), primary=True),
                Verb(_("打开"), reverse("messaging-open", args=(one.pk,)), step="open"),
            ),
        )
        for one in messaging.unread(seat)[:MOST]
    ]  # fmt: skip
