"""When a referral is whole, which criteria allow a hand-over, and how much of a clock is used."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from kangqiao.domain.referral.parameters import Criterion, Test
from kangqiao.kernel.identifiers import is_citizen_id

# Criteria (codes of the list `referral_reason`) under which a hospital may hand a patient back to a centre (ZH-4.4b).
DOWN_CRITERIA = ("stable_for_community", "chronic_at_target", "rehabilitation", "after_surgery", "long_term_care")


# How doctors write that a patient has no known allergy: words of the record, not of the pages.
NO_ALLERGY = frozenset(
    [
        *("无", "没有", "否认", "未发现", "无过敏", "无过敏史", "没有过敏史"),  # untranslated: what doctors type
        *("无药物过敏史", "无已知过敏", "否认过敏史", "否认药物过敏史"),  # untranslated: what doctors type
        *("none", "no", "nil", "nka", "nkda", "no known allergies", "none known"),
    ]
)


def missing_items(required: Iterable[str], given: Mapping[str, bool]) -> list[str]:
    """The required items a referral still lacks, in the order of the data set (ZH-4.4c).

    Raises KeyError when the pack asks for an item the form cannot hold.
    """
    return [item for item in required if not given[item]]


# What is in more of a hurry than a letter of that urgency.
MORE_URGENT = {"routine": ("urgent", "emergency"), "urgent": ("emergency",)}


# So much a letter holds of one thing after everything that was added, and of allergies.
LONGEST, LONGEST_ALLERGIES = 8000, 400
LONGEST_OF = {"allergies": LONGEST_ALLERGIES}


# Where a sentence of a letter ends. A comma ends none: what a denial at its head denies stands behind it too.
_ENDS = re.compile(r"[\n。；;]")  # untranslated: signs of letters
_HEAD = re.compile(r"^(?:【[^】]*】|\[[^\]]*\]\s*)")  # untranslated: signs of letters
_LISTED = re.compile(r"[\n。；;，,、]")  # untranslated: signs of letters
_DENIES = re.compile(r"[无否未不没]|\b(?:no|not|denie[sd]|without)\b", re.I)  # untranslated: words of letters


def _parts(words: str, ends: re.Pattern[str] = _ENDS) -> set[str]:
    """The sentences of a text, without the headings under which they were added."""
    lines = (_HEAD.sub("", line.strip()) for line in words.splitlines())
    return {part.strip() for line in lines for part in ends.split(line)} - {""}


def joined(there: str, more: str, head: str) -> str:
    """A text of a letter with more below it under a heading that says who and when; what it says already stays once.

    Only whole sentences are the same: a letter that denies chest pain does not tell of it.
    """
    said = _parts(there)
    lines = [line for line in more.strip().splitlines() if line.strip() and not _parts(line) <= said]
    if not lines:
        return there
    return "\n".join(filter(None, (there, head + lines[0], *lines[1:])))


# How a letter names whom it is about: what hospitals' systems print above a summary.
# The name of who brought or saw the patient is another's by right; copied texts run on without a space.
_NAMED = re.compile(
    r"(?<!监护人)(?<!联系人)(?<![家亲]属)(?<!医[师生])(?<!家长)(?<![父母]亲)"  # untranslated: words of letters
    r"姓\s*名\s*[:：]\s*([^\s，,。；;（()、]+?)"  # untranslated: words of letters
    r"(?=性\s*别|年\s*龄|出生|[\s，,。；;（()、]|$)"  # untranslated: words of letters
)
# So may a number be that of who brought the patient, where it says so before it.
_NUMBER = r"(?<![0-9A-Za-z])(\d{17}[0-9Xx])(?![0-9A-Za-z])"
_BROUGHT = r"(监护人|联系人|[家亲]属|家长|[父母]亲)[^\n。；;\d]{0,40}"  # untranslated: words of letters
_NUMBERED = re.compile(f"(?:{_BROUGHT})?{_NUMBER}")
_HIDDEN = re.compile(r"[*＊某X×]")  # untranslated: signs of a name made unreadable


def names_another(words: str, name: str, identifier: str) -> str:
    """Whom a letter names instead of the person it is filed under, by name or citizen id; nothing where it names none.

    The check digit tells an id from another long number.
    """
    numbers = [one.upper() for brought, one in _NUMBERED.findall(words) if not brought and is_citizen_id(one.upper())]
    other = next((one for one in numbers if is_citizen_id(identifier) and one != identifier), "")
    if other:
        return f"…{other[-4:]}"
    return next((one for one in _NAMED.findall(words) if one != name and not _HIDDEN.search(one)), "")


def known_allergies(words: str) -> list[str] | None:
    """The allergies a letter names; none when it says there are none, `None` when it says nothing.

    Only a plain denial counts as none: "无青霉素过敏，头孢过敏" still warns.
    """
    plain = words.strip().strip("。.；;，,")
    if not plain:
        return None
    return [] if plain.casefold() in NO_ALLERGY else [plain]


def joined_allergies(there: str, more: str) -> str:
    """What a letter says of allergies with what is added: a name stands in the place of a denial, never the reverse."""
    said = _parts(there, _ENDS if _DENIES.search(there) else _LISTED)
    if not known_allergies(more) or _parts(more) <= said:
        return there
    return f"{there}；{more.strip()}" if known_allergies(there) else more.strip()  # untranslated: a sign of the letter


def used_percent(since: datetime, due: datetime, now: datetime) -> int:
    """How much of a time limit is used up, in full percent; more than 100 when it is overdue."""
    limit = (due - since) / timedelta(seconds=1)
    return int((now - since) / timedelta(seconds=1) * 100 // limit) if limit > 0 else 100


# Criteria (codes of the list `referral_reason`) that are danger signs.
DANGER_SIGNS = ("htn_emergency", "dm_danger")


# A category of ICD-10 in a text, with or without its subdivision.
CATEGORY = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]\d\d)(?![0-9])")


@dataclass(frozen=True, slots=True)
class Patient:
    """What decides how soon somebody is seen."""

    urgency: str
    reason_code: str
    age: int
    is_contracted: bool
    is_key: bool


def points(patient: Patient, worth: Mapping[str, int], aged_from: int) -> dict[str, int]:
    """The points a patient brings along, by reason, the heaviest first (SZ16-2.2c)."""
    holds = {
        "emergency": patient.urgency == "emergency",
        "danger_sign": patient.reason_code in DANGER_SIGNS,
        "urgent": patient.urgency == "urgent",
        "contracted": patient.is_contracted,
        "key_group": patient.is_key,
        "aged": patient.age >= aged_from,
    }
    return {reason: worth[reason] for reason in worth if holds[reason]}


def score(own: Mapping[str, int], since: datetime, now: datetime, most: int) -> int:
    """The points now: those brought along and one for each full day of waiting, up to the most."""
    return sum(own.values()) + min(most, max((now - since).days, 0))


def queue_order(
    *, is_emergency: bool, is_green: bool, score: int, arrived_at: datetime
) -> tuple[bool, bool, int, float]:
    """Where somebody stands in a queue: emergencies, the green channel by points, everybody by arrival."""
    return (not is_emergency, not is_green, -score if is_green else 0, arrived_at.timestamp())


def custody(direction: str, status: str, *, has_arrived: bool) -> int:
    """Which end answers for the patient, 0 the sender, 1 the receiver: arrival moves that, a letter does not.

    Up, the hospital has it from arrival until its summary went back; down, the centre from taking over.
    """
    if direction == "up":
        return int(has_arrived and status in ("accepted", "seen"))
    return int(status in ("taken_over", "followed_up"))


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of the record, and which observation it is."""

    code: str
    value: Decimal
    day: date
    source: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a record tells: problems with their beginning, values, how many medicines, the birth date."""

    problems: Mapping[str, date | None]
    readings: tuple[Reading, ...]
    medicines: int
    birth_date: date


@dataclass(frozen=True, slots=True)
class Met:
    """A criterion that a record meets, and the values that meet it, the newest first."""

    code: str
    by: tuple[Reading, ...]


def met(criteria: Iterable[Criterion], known: Known) -> list[Met]:
    """The criteria a record meets, in the order of the pack, each once (ZH-4.4b)."""
    found: dict[str, Met] = {}
    for one in criteria:
        by = _meets(one, known) if not one.problem or one.problem in known.problems else None
        if by is not None and one.code not in found:
            found[one.code] = Met(one.code, tuple(by))
    return list(found.values())


def holds(test: Test, reading: Reading) -> bool:
    """Whether a value stands as a test wants it. Raises KeyError for a comparison there is not."""
    code, how, figure = test
    value = reading.value
    compared = {">=": value >= figure, ">": value > figure, "<=": value <= figure, "<": value < figure}
    return code == reading.code and compared[how]


# A local number has seven figures.
LEAST_DIGITS = 7
PHONE = re.compile(r"^\+?[0-9][0-9() \-－—]{5,28}[0-9]$")


def is_phone(number: str) -> bool:
    """Whether somebody may be reached under it: seven signs at least, figures at both ends."""
    return bool(PHONE.match(number.strip())) and sum(one.isdigit() for one in number) >= LEAST_DIGITS


def digest(summary: Mapping[str, Any]) -> str:
    """The fingerprint of a summary: the same words, the same sixty-four signs."""
    text = json.dumps(summary, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def icd_categories(diagnosis: str) -> list[str]:
    """The categories of ICD-10 a diagnosis names, wherever and however the doctor wrote them: “脑梗死（i63.9）”."""
    return [found.upper() for found in CATEGORY.findall(diagnosis)]


def fits_discharge(in_bed_days: int, from_day: int, danger_days_ago: Iterable[int], stable_days: int) -> bool:
    """Whether somebody in a bed is fit to go down: long enough there, and no danger value in the last days."""
    return in_bed_days >= from_day and all(ago >= stable_days for ago in danger_days_ago)


def _meets(one: Criterion, known: Known) -> list[Reading] | None:
    """The values that meet a criterion; none of them where an age does, `None` where it is not met."""
    if one.onset_below:
        since = known.problems[one.problem]
        return [] if since and _years(known.birth_date, since) < one.onset_below else None
    if known.medicines < one.medicines_from:
        return None
    if one.all_of:
        newest = [next((r for r in _newest_first(known) if r.code == test[0]), None) for test in one.all_of]
        by = [r for test, r in zip(one.all_of, newest, strict=True) if r is not None and holds(test, r)]
        return list(dict.fromkeys(by)) if len(by) == len(one.all_of) else None
    return _in_a_row(one, known)


def _in_a_row(one: Criterion, known: Known) -> list[Reading] | None:
    """The values of the newest days, where each of these days has one."""
    asked = {code for code, _how, _figure in one.any_of}
    days = sorted({r.day for r in known.readings if r.code in asked}, reverse=True)
    found: list[Reading] = []
    held: list[date] = []
    for day in days:
        by = [r for r in known.readings if r.day == day and any(holds(test, r) for test in one.any_of)]
        if not by:
            break
        found, held = [*found, *by], [*held, day]
        if len(held) >= one.days_in_a_row and (held[0] - day).days >= one.apart_days:
            return found
    return None


def _newest_first(known: Known) -> list[Reading]:
    return sorted(known.readings, key=lambda reading: reading.day, reverse=True)


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
