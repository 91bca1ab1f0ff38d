"""Decisions about teams and contracts from plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.domain.residents import rules as residents
from kangqiao.kernel.decision import YES, Decision, no
from kangqiao.kernel.period import years_after

# Which kind of professional of the papers (ZH-4.5b) a member counts as; helpers complete no team.
PROFESSIONS = {
    "gp": "clinical", "tcm": "clinical", "specialist": "clinical", "nurse": "nursing", "public_health": "preventive",
}  # fmt: skip
PROFESSION_NAMES = {
    "preventive": gettext_lazy("预防保健"), "clinical": gettext_lazy("临床医学"), "nursing": gettext_lazy("护理"),
}  # fmt: skip
EVERYONE = "everyone"
# Key groups nobody can read off the record: whoever signs them up declares them.
DECLARED = ("pregnant", "disabled", "low_income")
# The road and the number of an address; what stands before the road belongs to it, what comes after is the door.
# untranslated: how addresses are written
_ADDRESS = re.compile(r"^\s*(?P<street>.*?\D)(?P<number>\d{1,6})号")


def missing_professions(kinds: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """The kinds of professional a team still lacks, in the order of the paper (ZH-4.5b)."""
    there = {PROFESSIONS.get(kind, "") for kind in kinds}
    return [one for one in wanted if one not in there]


def team_is_whole(kinds: Iterable[str], wanted: Sequence[str], *, has_lead: bool, clause: str) -> Decision:
    """Whether a team may be published: every kind of professional is there, and a family doctor leads it (ZH-4.5b)."""
    missing = missing_professions(kinds, wanted)
    if missing:
        names = "、".join(str(PROFESSION_NAMES.get(one, one)) for one in missing)
        return no(_("团队还缺%(kinds)s人员，不能公布。") % {"kinds": names}, clause)
    return YES if has_lead else no(_("团队还没有牵头的家庭医生，不能公布。"))


def member_fits(kind: str, title_kind: str, field: str) -> Decision:
    """Whether somebody of this title may serve as this kind of member."""
    needed = {
        "gp": title_kind == "physician", "tcm": title_kind == "physician" and field == "tcm",
        "specialist": title_kind == "physician", "nurse": title_kind == "nurse",
        "pharmacist": title_kind == "pharmacist", "nutritionist": field == "nutrition",
        "public_health": field in ("public_health", "mch"),
    }  # fmt: skip
    if needed.get(kind, True):
        return YES
    return no(_("这位人员的职称或专业与所选的成员类别不符。"))


def panel_has_room(taken: int, ceiling: int, wanted: int) -> Decision:
    """Whether a team can take that many more residents."""
    if taken + wanted <= ceiling:
        return YES
    said = {"taken": taken, "ceiling": ceiling, "wanted": wanted}
    return no(_("团队名额 %(ceiling)s 人，已占 %(taken)s 人，容不下 %(wanted)s 人。") % said)


def read_address(text: str) -> tuple[str, int] | None:
    """Street and house number of an address written the usual way (…路37号…); None where there is no number."""
    found = _ADDRESS.match(text)
    return (found["street"], int(found["number"])) if found else None


def may_contract(house: str, ownership: str, needing: Sequence[str], *, is_approved: bool, clause: str) -> Decision:
    """Whether a house may make contracts: one whose ownership needs an approval has one that day (XH23-5.2.3c)."""
    if ownership not in needing or is_approved:
        return YES
    return no(_("%(house)s还没有区卫生行政部门对签约服务的批准，不能签约。") % {"house": house}, clause)


def term_end(starts_on: date, years: int) -> date:
    """The first day no longer covered."""
    return years_after(starts_on, years)


def may_renew(ends_on: date, on: date, before_days: int, after_days: int) -> Decision:
    """Whether the time to renew has come and is not over."""
    opens, closes = ends_on - timedelta(days=before_days), ends_on + timedelta(days=after_days)
    if on < opens:
        return no(_("%(day)s 起可以续约。") % {"day": opens.isoformat()})
    return YES if on < closes else no(_("到期已久，请重新申请签约。"))


def groups_of(
    born: date, codes: Iterable[str], on: date, *, elderly_from: int, child_below: int,
    conditions: Mapping[str, Sequence[str]],
) -> set[str]:  # fmt: skip
    """The key groups that age and long-term problems put a person into."""
    found = {group for group, wanted in conditions.items() if set(codes) & set(wanted)}
    if years_after(born, elderly_from) <= on:
        found.add("elderly")
    if on < years_after(born, child_below):
        found.add("child")
    return found


def package_suits(group: str, groups: Iterable[str]) -> bool:
    """Whether a package is for this person: for everybody, or for a group the person belongs to or declares."""
    return group == EVERYONE or group in DECLARED or group in set(groups)


def one_after_another(
    steps: Sequence[tuple[str, int]], people: Mapping[str, Sequence[int]],
    busy: Mapping[int, Sequence[tuple[datetime, datetime]]], begins: datetime, until: datetime,
) -> list[tuple[int, datetime, datetime]] | None:  # fmt: skip
    """Who does each step from when until when: in order, each by the one of its kind who is free first.

    `steps` are (kind, minutes), `people` those of each kind in the order they are asked. None where the day is too
    short (FT18-3.1a).
    """
    found, free = [], begins
    for kind, minutes in steps:
        length = timedelta(minutes=minutes)
        starts, _order, who = min(
            (_first_free(busy.get(one, ()), free, length), order, one) for order, one in enumerate(people[kind])
        )
        free = starts + length
        if free > until:
            return None
        found.append((who, starts, free))
    return found


def _first_free(busy: Sequence[tuple[datetime, datetime]], since: datetime, length: timedelta) -> datetime:
    """The first moment from which somebody is free for so long."""
    for starts, ends in sorted(busy):
        if starts < since + length and since < ends:
            since = ends
    return since


def item_of(act: str, diagnosis: str, items: Sequence[tuple[int, str, Sequence[str]]]) -> int | None:
    """Which item of a contract one act of the record fulfils: the one that names its diagnosis, else its kind.

    `items` are (id, act, codes). A visit that no item names by its diagnosis counts as a general visit. Each act
    fulfils one item at most. What is no visit has a word in place of a diagnosis, such as `education`.
    """
    named = [pk for pk, _act, codes in items if diagnosis and diagnosis in codes]
    plain = [pk for pk, kind, codes in items if kind == act and not codes]
    return next(iter(named or plain), None)


def scope_holds(act: str, scope: Iterable[str], *, kind: str, said: str) -> Decision:
    """Whether the written scope of a kind of member holds an act; both named for the sentence (FT18-2.4d)."""
    if act in scope:
        return YES
    return no(_("%(kind)s的职责范围里没有“%(act)s”，不能派给他。") % {"kind": kind, "act": said}, "FT18-2.4d")


def people_short(people: int, signed: int, percent: int | Fraction) -> int:
    """How many more of the people have to sign until that part of a hundred is reached (XH23-5.2.1g)."""
    return max(0, ceil(people * Fraction(percent) / 100) - signed)


def teams_needed(people: int, panel: int) -> int:
    """How many teams a centre needs for the people it serves (ZH-4.5a)."""
    return -(-people // panel)


# untranslated: words of the file
ROLL_HEADS = ("单位", "姓名", "证件号", "开始日期", "离开日期")
PLACE, NAME, IDENTIFIER, SINCE, UNTIL = ROLL_HEADS
# untranslated: how days are written
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
# Why a name or a number cannot be taken, said at the desk.
SAID = {
    "missing": gettext_lazy("姓名和证件号都要写。"),
    "unseen": gettext_lazy("里面有看不见的符号，请删掉重打。"),
    "long": gettext_lazy("太长了。"),
    "by_excel": gettext_lazy("证件号被改成了科学计数，请重打。"),
    "check_digit": gettext_lazy("身份证号的校验位不对。"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a place's list as values, and what is wrong (True) or worth a look (False): column, word for it."""

    place: str
    name: str
    identifier: str
    starts_on: date
    ends_on: date | None
    faults: tuple[tuple[str, str, bool], ...]


def read_listed(cells: Mapping[str, str], today: date) -> Listed:
    """What a line of a place's list says; without a day it begins today. `ends_on` is the first day no longer there."""
    said = {head: cells.get(head, "").strip() for head in ROLL_HEADS}
    read = residents.read_line({residents.NAME: said[NAME], residents.IDENTIFIER: said[IDENTIFIER]}, today)
    faults = [one for one in read.faults if one[0] in (NAME, IDENTIFIER)]
    if not said[PLACE]:
        faults.append((PLACE, "missing", True))
    days: dict[str, date | None] = {SINCE: today, UNTIL: None}
    for head in days:
        if not said[head]:
            continue
        days[head] = _read_day(said[head])
        if days[head] is None:
            faults.append((head, "date", True))
    starts_on, ends_on = days[SINCE] or today, days[UNTIL]
    if ends_on is not None and ends_on <= starts_on:
        faults.append((UNTIL, "backwards", True))
    return Listed(said[PLACE], said[NAME], said[IDENTIFIER].upper(), starts_on, ends_on, tuple(faults))


def person_faults(name: str, identifier: str, today: date) -> list[str]:
    """Words for what keeps somebody off a list, the first one first."""
    read = residents.read_line({residents.NAME: name, residents.IDENTIFIER: identifier}, today)
    return [word for head, word, is_bad in read.faults if is_bad and head in (residents.NAME, residents.IDENTIFIER)]


def overlaps(one: tuple[date, date | None], other: tuple[date, date | None]) -> bool:
    """Whether two terms share a day; the second day of each is the first no longer covered, None is without end."""
    ends = one[1] or date.max, other[1] or date.max
    return max(one[0], other[0]) < min(ends)


def _read_day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
