"""A referral in words: as a line of a list, as the page of a letter, as the patient reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.models import StatusChange
from kangqiao.base.templatetags.kq import called, is_english
from kangqiao.base.templatetags.kq import day as day_in_words
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records import queries as records
from kangqiao.domain.records.models import Condition, Document
from kangqiao.domain.records.queries import Visit
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.permissions import HOSPITAL_ROLES
from kangqiao.domain.referral.queries.cases import (
    Clock,
    available_steps,
    case_of,
    clock_of,
    history_of,
    moment,
    state_of,
    table_of,
    visit_time,
)
from kangqiao.domain.referral.queries.stays import Stay, stays_of
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.queries import age
from kangqiao.domain.scheduling.models import Slot
from kangqiao.domain.terminology import queries as terminology
from kangqiao.kernel.states import State, Step

# How doctors write that there are none.
NO_ALLERGIES = ("无", "无过敏史", "否认", "否认过敏史", "None", "none")  # untranslated: what people type
# Steps for which more than a reason is written: they open a page of their own.
WRITTEN = frozenset({"redirect", "advise", "resend", "summarise", "propose_again", "follow_up"})
AFTER_VISIT = ("seen", "summarised", "closed")
FEW = 4


@dataclass(frozen=True, slots=True)
class Said:
    """The state in words: what is waited for, and the rest of the sentence."""

    lead: str
    rest: str


@dataclass(frozen=True, slots=True)
class Line:
    """A referral as a row of a list."""

    referral: Referral
    state: State
    clock: Clock | None
    specialty: str
    age: int
    said: Said


@dataclass(frozen=True, slots=True)
class Move:
    """A button: a step of the table, whether it opens a form of its own, and why it is barred now."""

    step: Step
    has_form: bool
    why: str


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the way drawn above the letter."""

    label: str
    at: str
    now: bool
    no: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """One row of the history as the page shows it."""

    at: datetime
    who: str
    verb: str
    reason: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything a referral's own page shows."""

    line: Line
    reason: str
    moves: list[Move]
    path: list[Stop]
    history: list[Trace]
    case: list[Line]
    can_hand_down: bool

    @property
    def can_accept(self) -> bool:
        """Whether the answer is still owed by the one who reads."""
        return any(move.step.action == "accept" for move in self.moves)


@dataclass(frozen=True, slots=True)
class Chart:
    """What the record tells about the patient, for the one who decides."""

    conditions: list[Condition]
    visits: list[Visit]
    documents: list[Document]
    # Whether specially protected content is withheld from the reader.
    hides: bool


def lines(rows: Iterable[Referral], now: datetime) -> list[Line]:
    """Referrals as rows of a list, each with its state in words."""
    named = terminology.labels("specialty", "en" if is_english() else "zh")
    today = localtime(now).date()
    return [
        Line(
            row, state_of(row), clock_of(row, now), named.get(row.specialty, row.specialty), age(row.resident, today),
            said(row),
        )
        for row in rows
    ]  # fmt: skip


# Where a letter stands and what comes next; what is said of a visit depends on the place taken.
STANDS = {
    "up:sent": (
        gettext_lazy("等%(hospital)s接收"),
        gettext_lazy("%(doctor)s %(sent)s%(channel)s发出；%(due)s到时通知社区指导科。"),
    ),
    "up:unplaced": (gettext_lazy("%(hospital)s已收下，正在找号"), gettext_lazy("%(due)s到时通知社区指导科。")),
    "up:returned": (gettext_lazy("%(hospital)s已退回，等%(centre)s补充"), ""),
    "up:advised": (gettext_lazy("%(hospital)s给了建议，等%(centre)s阅后结案"), gettext_lazy("居民暂不用去医院。")),
    "up:accepted": (gettext_lazy("%(hospital)s已接收，等居民就诊"), ""),
    "up:seen": (gettext_lazy("居民已就诊，等%(hospital)s回信"), gettext_lazy("%(due)s到时通知社区指导科。")),
    "up:summarised": (gettext_lazy("%(hospital)s已回信，等%(centre)s阅后结案"), ""),
    "up:closed": (gettext_lazy("已结案"), gettext_lazy("%(hospital)s的就诊小结已在健康档案里。")),
    "up:withdrawn": (gettext_lazy("%(centre)s已撤回"), ""),
    "up:not_attended": (
        gettext_lazy("居民没有到%(hospital)s就诊"),
        gettext_lazy("请%(centre)s联系居民，需要时重新上转。"),
    ),
    "down:proposed": (
        gettext_lazy("等%(centre)s接收"),
        gettext_lazy("%(hospital)s %(sent)s下转；%(due)s到时通知中心主任。"),
    ),
    "down:declined": (gettext_lazy("%(centre)s未接收，等%(hospital)s补充"), ""),
    "down:taken_over": (gettext_lazy("%(centre)s已接收，等首次随访"), gettext_lazy("%(due)s到时通知中心主任。")),
    "down:followed_up": (gettext_lazy("%(centre)s已首次随访"), gettext_lazy("下转完成，之后由社区管理。")),
    "down:withdrawn": (gettext_lazy("%(hospital)s已撤回"), ""),
}


def said(referral: Referral) -> Said:
    """The state in the words of a person who waits for the next step."""
    up = referral.direction == Referral.Direction.UP
    ends = (referral.from_organization, referral.to_organization)
    centre, hospital = (end.short_zh or end.zh for end in (ends if up else ends[::-1]))
    slot = referral.booking.slot if referral.booking and referral.booking.status != "cancelled" else None
    names = {
        "centre": centre, "hospital": hospital, "doctor": referral.from_practitioner or centre,
        "sent": moment(referral.sent_at), "due": moment(referral.due_at),
        "visit": moment(slot.starts_at if slot else None),
        "by": referral.booking.session.practitioner.name if slot and referral.booking else "",
        "channel": _("由绿色通道") if referral.is_green_channel else "",
    }  # fmt: skip
    lead, rest = (str(words) for words in STANDS[f"{referral.direction}:{referral.status}"])
    if referral.status == "accepted":
        placed = _("%(visit)s由%(by)s接诊。") if slot else _("还没有占号，请医院安排时间。")
        rest = _("急诊，可直接来院。") if referral.urgency == Referral.Urgency.EMERGENCY and not slot else placed
    return Said(lead % names, rest % names)


def letter(seat: Seat, referral: Referral, now: datetime) -> Letter:
    """The page of one referral for this seat."""
    changes = history_of(referral)
    case = lines(case_of(seat, referral), now)
    line = next(line for line in case if line.referral.pk == referral.pk)
    moves = [
        Move(step, step.action in WRITTEN, _barred(step.action, referral, now))
        for step in sorted(available_steps(seat, referral), key=lambda step: not step.primary)
    ]
    is_hospital = any(seat.role == role for role in HOSPITAL_ROLES)
    open_down = any(line.referral.direction == "down" and not line.state.final for line in case)
    reason = terminology.label("referral_reason", referral.reason_code, "en" if is_english() else "zh")
    return Letter(
        line, reason if referral.reason_code else "", moves, _path(referral, changes), _traces(referral, changes), case,
        is_hospital and referral.direction == "up" and referral.status in AFTER_VISIT and not open_down,
    )  # fmt: skip


def chart(seat: Seat, resident: Resident) -> Chart:
    """Problems, last visits and letters of the patient, as far as the seat may see them."""
    if seat.role == Role.RESIDENT:
        return Chart([], [], [], hides=False)
    protection = records.protection_of(seat, resident)
    return Chart(
        list(records.conditions_of(seat, resident, protection)),
        records.visits_shown(seat, resident, FEW, protection),
        list(records.documents_of(seat, resident, protection)[:FEW]),
        protection.hides,
    )


def draft_of(seat: Seat, resident: Resident, encounter_id: int | None = None) -> dict[str, str]:
    """What the record already tells for a letter up, and the visit it comes from, so that nobody types it twice."""
    return records.for_letter(seat, resident, encounter_id)


def _barred(action: str, referral: Referral, now: datetime) -> str:
    starts = visit_time(referral)
    if action == "see" and starts is not None and localtime(starts).date() > localtime(now).date():
        return _("就诊日是%(day)s，当天再确认。") % {"day": day_in_words(starts)}
    if action == "not_attend" and starts is not None and now < starts:
        return _("还没到就诊时间。")
    if action == "see" and starts is None and referral.booking and referral.booking.status in ("cancelled", "no_show"):
        return _("占的号已取消，请先改期。")
    return ""


def _path(referral: Referral, changes: list[StatusChange]) -> list[Stop]:
    up = referral.direction == Referral.Direction.UP
    upward = ("sent", _("发出")), ("accepted", _("接收")), ("seen", _("就诊")), ("summarised", _("回信"))
    downward = ("proposed", _("发出")), ("taken_over", _("中心接收")), ("followed_up", _("首次随访"))
    stops = [*upward, ("closed", _("结案"))] if up else list(downward)
    changes = _held_good(changes)
    begun = max((n for n, row in enumerate(changes) if row.to_status == stops[0][0]), default=0)
    reached = {row.to_status: moment(row.at) for row in changes[begun:]}
    here = next((n for n, (key, _label) in reversed(list(enumerate(stops))) if key in reached), 0) + 1
    is_off = referral.status not in dict(stops) and referral.status != "unplaced"
    return [
        Stop(label, reached.get(key, "") if n < here else "", n == here and not is_off, n == here and is_off)
        for n, (key, label) in enumerate(stops)
    ]


def _held_good(changes: list[StatusChange]) -> list[StatusChange]:
    """The steps without those that were taken back."""
    kept: list[StatusChange] = []
    for row in changes:
        if row.action.startswith("undo_"):
            kept.pop()
        else:
            kept.append(row)
    return kept


def _traces(referral: Referral, changes: list[StatusChange]) -> list[Trace]:
    verbs = {step.action: called(step) for step in table_of(referral).steps}
    verbs |= {f"undo_{action}": _("撤销“%(step)s”") % {"step": verb} for action, verb in verbs.items()}
    verbs["begin"] = _("发出")
    return [
        Trace(row.at, f"{row.by_name} · {row.by_organization}" if row.by_organization else row.by_name,
              verbs.get(row.action, row.action), row.reason)
        for row in changes
    ]  # fmt: skip


def allergies_of(one: Referral) -> list[str] | None:
    """The allergies the letter tells: none when the doctor wrote that there are none, None when nothing is written."""
    told = one.allergies.strip()
    return [told] if told and told not in NO_ALLERGIES else [] if told else None


@dataclass(frozen=True, slots=True)
class Way:
    """A referral as its patient reads it: where it stands, what comes next, and what to do."""

    line: Line
    path: list[Stop]
    told: str
    visit: Slot | None
    more: list[Stay]


def ways(seat: Seat, rows: list[Referral], now: datetime) -> list[Way]:
    """The patient's referrals in plain sentences, newest first; one read for the history of all."""
    changes: dict[int, list[StatusChange]] = {row.pk: [] for row in rows}
    for change in StatusChange.objects.filter(subject_type="referral.referral", subject_id__in=changes):
        changes[change.subject_id].append(change)
    return [
        Way(
            line, _path(line.referral, changes[line.referral.pk]), _told(line.referral),
            line.referral.booking.slot if visit_time(line.referral) and line.referral.booking else None,
            [stay for stay in stays_of(line.referral, now, line.referral.parts.all()) if stay.kind],
        )
        for line in lines(rows, now)
    ]  # fmt: skip


def _told(referral: Referral) -> str:
    up = referral.direction == Referral.Direction.UP
    centre, hospital = (referral.from_organization, referral.to_organization)[:: 1 if up else -1]
    names = {"centre": centre.zh, "hospital": hospital.zh, "due": moment(referral.due_at)}
    by_state = {
        "up:sent": _("%(hospital)s正在看您的转诊单，最晚%(due)s答复。您不用做什么，有消息会通知您。"),
        "up:returned": _("%(hospital)s请您的医生补充资料。%(centre)s会处理，您不用重跑一趟。"),
        "up:unplaced": _("%(hospital)s已收下您的转诊，正在找号，最晚%(due)s告诉您时间。"),
        "up:advised": _("%(hospital)s给您的医生写了诊疗建议，先不用去医院。%(centre)s会跟您说怎么办。"),
        "up:accepted": _("%(hospital)s已接收。请按时间就诊，带上身份证和正在吃的药。"),
        "up:seen": _("您已就诊。%(hospital)s会把小结发给您的家庭医生。"),
        "up:summarised": _("小结已发给%(centre)s，您的家庭医生会跟您说下一步。"),
        "up:closed": _("这次转诊已经办完，小结在您的健康档案里。"),
        "up:withdrawn": _("%(centre)s撤回了这次转诊，占的号已放回。"),
        "up:not_attended": _("记录为未到诊。还需要看，请联系%(centre)s重新转诊。"),
        "down:proposed": _("%(hospital)s建议您回%(centre)s继续治疗，最晚%(due)s答复。"),
        "down:declined": _("%(centre)s暂时不能接收，%(hospital)s会重新安排。"),
        "down:taken_over": _("%(centre)s已接您回社区，最晚%(due)s联系您。"),
        "down:followed_up": _("您已回到%(centre)s随访，以后有不舒服先找家庭医生。"),
        "down:withdrawn": _("%(hospital)s撤回了这次下转，仍由医院治疗。"),
    }
    return by_state[f"{referral.direction}:{referral.status}"] % names
