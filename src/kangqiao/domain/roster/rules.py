"""Who may be posted, which sitting is lawful, and how a shortfall is said: from plain values, without a database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from kangqiao.domain.scheduling.rules import DayCount, Says
from kangqiao.domain.workforce.rules import TITLE_ORDER, grade_at_least
from kangqiao.engines.planning import (
    AFTERNOON,
    MORNING,
    Cell,
    HalfDay,
    Move,
    RosterProblem,
    Rule,
    Violation,
    explain_move,
)
from kangqiao.kernel.decision import YES, Decision, no

HALVES = ("am", "pm")
# National holidays on fixed dates (全国年节及纪念日放假办法), for years whose yearly notice is not out yet.
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


@dataclass(frozen=True, slots=True)
class Nominee:
    """What decides whether a person may be posted; `title` is the written title, `specialty` a code or empty."""

    name: str
    title: str
    title_kind: str
    title_grade: str
    is_licensed: bool
    specialty: str


def may_be_posted(nominee: Nominee, *, minimum: str, specialties: Collection[str], clause: str) -> Decision:
    """Whether a person may be posted: a licensed physician of the least grade, in a specialty of the list (SZ16-1c).

    The paper leaves its list of specialties open, so `specialties` is the code list the region keeps.
    """
    said = {"name": nominee.name, "title": nominee.title}
    if nominee.title_kind != "physician":
        return no(_("%(name)s是%(title)s，不是医师；派驻专家须是医师。") % said, clause)
    if not nominee.is_licensed:
        return no(_("%(name)s没有在册的医师执业资格，不能派驻。") % said, clause)
    if not grade_at_least(nominee.title_grade, minimum):
        return no(_("%(name)s是%(title)s，没有达到派驻专家要求的职称。") % said, clause)
    if nominee.specialty not in specialties:
        return no(_("%(name)s的专科不在派驻专科目录里。") % said, clause)
    return YES


def is_workday(count: DayCount) -> bool:
    """Whether posted experts sit on a day, by what it counts as; of a day nobody speaks of, Monday to Friday."""
    day = count.day
    match count.says:
        case Says.WEEK:
            return day.weekday() < 5
        case Says.NOBODY:
            return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS
        case _:
            return not count.is_closed


def half_days_between(start: date, workdays: Collection[date]) -> tuple[HalfDay, ...]:
    """Both halves of every workday from `start` on, in order; weeks are counted from `start`."""
    return tuple(
        HalfDay((day - start).days, (day - start).days // 7, day.weekday(), half)
        for day in sorted(workdays)
        for half in (MORNING, AFTERNOON)
    )


@dataclass(frozen=True, slots=True)
class Names:
    """The words for the identifiers of a plan; `away` says why an expert is not free on a day and half."""

    experts: Mapping[str, str] = field(default_factory=dict)
    centres: Mapping[str, str] = field(default_factory=dict)
    hospitals: Mapping[str, str] = field(default_factory=dict)
    specialties: Mapping[str, str] = field(default_factory=dict)
    hospital_of_centre: Mapping[str, str] = field(default_factory=dict)
    hospital_of_expert: Mapping[str, str] = field(default_factory=dict)
    away: Mapping[tuple[str, date, str], str] = field(default_factory=dict)

    def expert(self, key: str) -> str:
        """The expert's name."""
        return self.experts.get(key, key)

    def centre(self, key: str) -> str:
        """The centre's short name."""
        return self.centres.get(key, key)

    def hospital(self, key: str) -> str:
        """The hospital's short name."""
        return self.hospitals.get(key, key)

    def listed(self, keys: Iterable[str], names: Mapping[str, str]) -> str:
        """Several names in a row."""
        return _("、").join(names.get(key, key) for key in keys)


def may_sit(problem: RosterProblem, cells: Sequence[Cell], move: Move, names: Names, start: date) -> Decision:
    """Whether a dispatcher's move is lawful, judged by the same rules as the machine's plan.

    `start` is the first day of the problem's horizon. That a posting covers the very day is asked before.
    """
    broken = explain_move(problem, cells, move)
    return said(broken[0], problem, names, start) if broken else YES


def said(broken: Violation, problem: RosterProblem, names: Names, start: date) -> Decision:
    """A broken hard rule as a refusal with its sentence."""
    cell = broken.cells[-1]
    half_day = problem.half_days[cell.slot]
    day, half = start + timedelta(days=half_day.day), HALVES[half_day.half]
    words: dict[str, Any] = {
        "who": names.expert(cell.expert_id),
        "centre": names.centre(cell.centre_id),
        "when": said_when(day, half),
        "found": broken.found,
        "limit": broken.limit,
        "places": names.listed(dict.fromkeys(each.centre_id for each in broken.cells), names.centres),
        "sitting": names.listed([each.expert_id for each in broken.cells], names.experts),
        "why": names.away.get((cell.expert_id, day, half), _("不在派驻期内")),
    }
    match broken.rule:
        case Rule.UNAVAILABLE:
            return no(_("%(who)s%(when)s不能出诊：%(why)s。") % words)
        case Rule.TWO_PLACES if len({each.centre_id for each in broken.cells}) == 1:
            return no(_("%(who)s%(when)s已经排在%(centre)s。") % words)
        case Rule.TWO_PLACES:
            return no(_("%(who)s%(when)s不能同时在两处：%(places)s。") % words)
        case Rule.OVER_WEEKLY_LIMIT:
            return no(_("%(who)s这一周会有 %(found)s 个半天，最多 %(limit)s 个。") % words)
        case Rule.CENTRE_FULL:
            return no(_("%(centre)s%(when)s只能安排一位专家：%(sitting)s。") % words)
        case Rule.UNKNOWN_CENTRE:
            return no(_("%(centre)s没有生效的协议，不排专家。") % words)
        case _:
            owner = names.hospital_of_centre.get(cell.centre_id, "")
            is_stranger = owner != names.hospital_of_expert.get(cell.expert_id, owner)
            return no(
                no_posting(words["who"], words["centre"], words["when"], names.hospital(owner) if is_stranger else "")
            )


def no_posting(who: str, centre: str, when: str, owner: str = "") -> str:
    """Why an expert without a posting may not sit at a centre; `owner` is the hospital that sends experts there."""
    words = {"who": who, "centre": centre, "when": when, "hospital": owner}
    if owner:
        return _("%(who)s没有派驻到%(centre)s；那里由%(hospital)s派专家。") % words
    return _("%(who)s%(when)s没有到%(centre)s的派驻，不能排在那里。") % words


def said_when(day: date, half: str) -> str:
    """A half-day in words: 5月18日上午."""
    word = _("上午") if half == "am" else _("下午")
    return _("%(month)s月%(day)s日%(half)s") % {"month": day.month, "day": day.day, "half": word}


@dataclass(frozen=True, slots=True)
class Shortage:
    """One unmet demand in words: what is missing, how much, why, and what would help."""

    centre_id: int
    title: str
    got: int
    needed: int
    reason: str
    remedies: tuple[str, ...] = ()


def shortage(item: Mapping[str, Any], names: Names) -> Shortage:
    """A stored unmet demand (see `actions.plan_roster`) as sentences for the dispatcher."""
    return Shortage(
        centre_id=int(item["centre"]),
        title=_shortage_title(item, names),
        got=item["got"],
        needed=item["needed"],
        reason=_reason(item["reason"], item["params"], names),
        remedies=tuple(_remedy(each["kind"], each["params"], item, names) for each in item["remedies"]),
    )


def _shortage_title(item: Mapping[str, Any], names: Names) -> str:
    said = {"centre": names.centre(item["centre"]), "missing": item["needed"] - item["got"], "got": item["got"]}
    match item["what"]:
        case "half_day":
            return _("%(centre)s少 %(missing)s 个半天") % said
        case "specialty_half_day":
            specialty = names.specialties.get(item["specialty"], item["specialty"])
            return _("%(centre)s缺%(specialty)s专家") % {**said, "specialty": specialty}
        case _:
            return _("%(centre)s只有 %(got)s 名专家") % said


def _reason(key: str, params: Mapping[str, Any], names: Names) -> str:
    hospital = names.hospital(str(params.get("hospital_id", "")))
    said = {
        **params,
        "hospital": hospital,
        "centres": names.listed(params.get("centres", ()), names.centres),
        "experts": names.listed(params.get("experts", ()), names.experts),
    }
    sentences = {
        "no_expert": _("%(hospital)s没有派驻到这里的专家。"),
        "too_few_experts": _("派驻到这里的专家只有 %(eligible)s 名，要求 %(needed)s 名。"),
        "experts_absent": _("派驻的 %(eligible)s 名专家里，只有 %(present)s 名能各出一个半天。"),
        "too_few_half_days": _("这段时间只有 %(half_days)s 个工作半天。"),
        "supply_short": _("%(centres)s这一周共要 %(demanded)s 个半天，%(experts)s合计只能出 %(supply)s 个。"),
        "kept_postings": _("已固定或已发布的 %(kept)s 个半天不能动，占住了人手。"),
        "needed_elsewhere": _("能来的专家（%(experts)s）同时要满足%(centres)s。"),
        "changed": _("排好之后有人改动过，或者专家请了假。"),
    }
    return sentences.get(key, _("限定时间内没有算完，也许还能排上。")) % said


def _remedy(kind: str, params: Mapping[str, Any], item: Mapping[str, Any], names: Names) -> str:
    expert = str(params.get("expert_id", ""))
    hospital = str(params.get("hospital_id", ""))
    said = {"who": names.expert(expert), "hospital": names.hospital(hospital), "count": params.get("count", 1)}
    match kind:
        case "raise_limit":
            return _("请%(who)s这一周多出 1 个半天") % said
        case "free_half_day":
            when = said_when(date.fromisoformat(str(params["day"])), str(params["half"]))
            return _("请%(who)s空出%(when)s") % {**said, "when": when}
        case "lend_expert" if names.hospital_of_centre.get(str(item["centre"])) == hospital:
            return _("把%(who)s也派驻到这里") % said
        case "lend_expert":
            return _("请%(hospital)s的%(who)s支援，先办派驻") % said
        case "add_expert":
            return _("请%(hospital)s再派驻 %(count)s 名专家") % said
        case _:
            return _("再排一次，多算一会儿")


def title_words(kind: str, grade: str) -> str:
    """A title as people say it: 副主任医师, 主管药师."""
    words = {
        "physician": (_("住院医师"), _("主治医师"), _("副主任医师"), _("主任医师")),
        "pharmacist": (_("药师"), _("主管药师"), _("副主任药师"), _("主任药师")),
        "nurse": (_("护师"), _("主管护师"), _("副主任护师"), _("主任护师")),
        "technician": (_("技师"), _("主管技师"), _("副主任技师"), _("主任技师")),
    }
    return words[kind][TITLE_ORDER.index(grade)]


def kinds_of_work() -> dict[str, str]:
    """The five kinds of work a posted expert does, in the reader's language (SZ16-2.1c)."""
    return {
        "clinic": _("门诊服务"),
        "coaching": _("指导全科医生诊疗"),
        "case_discussion": _("组织病例讨论"),
        "lecture": _("专业讲座培训"),
        "health_education": _("健康教育及咨询"),
    }
