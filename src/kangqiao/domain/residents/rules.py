"""How a desk's search text is read, and what a line of a register must say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kangqiao.base.search import wanted_key
from kangqiao.kernel.bounds import Bounds, Verdict
from kangqiao.kernel.identifiers import birth_date_of, is_citizen_id, sex_of

# A shorter tail of a number would find half the town; the field asks for the last four as a rule.
SHORTEST_NUMBER_TAIL = 4
# Fewer characters than this say nothing about why a record had to be opened in an emergency.
SHORTEST_REASON = 6


@dataclass(frozen=True, slots=True)
class SearchText:
    """What was typed: letters or characters to match search keys, and digits to match the tail of a number."""

    key: str
    tail: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for yet."""
        return not self.key and not self.tail


def read_search(text: str) -> SearchText:
    """The text as a lower-case key without spaces, and as a number tail when it is one.

    A tail is at least four digits, the last of which may be the X of a citizen id (GB 11643).
    """
    key = wanted_key(text)
    digits = key.replace("-", "")
    is_tail = len(digits) >= SHORTEST_NUMBER_TAIL and digits[:-1].isdigit() and digits[-1] in "0123456789x"
    return SearchText(key="" if is_tail else key, tail=digits.upper() if is_tail else "")


def age_on(birth: tuple[int, int, int], day: tuple[int, int, int]) -> int:
    """Full years between two dates given as (year, month, day)."""
    return day[0] - birth[0] - (day[1:] < birth[1:])


def birthday(birth_date: date, years: int) -> date:
    """The day somebody turns so many years old; who was born on 29 February turns so on 1 March of a common year."""
    try:
        return birth_date.replace(year=birth_date.year + years)
    except ValueError:
        return date(birth_date.year + years, 3, 1)


# The head of each column of a register, in the words of the people who fill it in; the file has one language.
# untranslated: heads in the file
REGISTER_HEADS = ("姓名", "性别", "出生日期", "证件号", "电话", "地址", "医保", "登记中心代码")
NAME, SEX, BORN, IDENTIFIER, PHONE, ADDRESS, INSURANCE, CENTRE = REGISTER_HEADS
SEXES = {"男": "male", "女": "female", "未知": "unknown"}  # untranslated: words of the file
INSURANCES = {  # untranslated: words of the file
    "职工医保": "employee", "居民医保": "resident", "其他": "other", "未参保": "none",
}  # fmt: skip
_WIDEST = {NAME: 100, IDENTIFIER: 40, PHONE: 30, ADDRESS: 200}
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?: 00:00)?")  # untranslated: signs
_PHONE = re.compile(r"[0-9+() \-－—]{5,30}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# What a spreadsheet makes of a long number.
_BY_EXCEL = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
# Who is said to be older than the oldest people ever was typed wrongly; beyond a hundred it is worth a look.
YEARS: Bounds[int] = Bounds(0, 122, 0, 100)


@dataclass(frozen=True, slots=True)
class Registered:
    """One line of a register as values, and what is wrong (True) or worth a look (False): column, word for it."""

    values: Mapping[str, object]
    faults: tuple[tuple[str, str, bool], ...]


def read_line(cells: Mapping[str, str], today: date) -> Registered:
    """What a line of a register says. Sex and birth date may be left to the citizen id, but not contradict it."""
    said = {head: cells.get(head, "").strip() for head in REGISTER_HEADS}
    faults = [(head, "unseen", True) for head, text in said.items() if _UNSEEN.search(text)]
    faults += [(head, "long", True) for head, most in _WIDEST.items() if len(said[head]) > most]
    faults += [(head, "missing", True) for head in (NAME, IDENTIFIER) if not said[head]]
    identifier = said[IDENTIFIER].upper()
    is_citizen = is_citizen_id(identifier)
    if identifier and not is_citizen:
        faults.append(_odd_identifier(identifier))
    sex, sex_faults = _sex(said[SEX], identifier if is_citizen else "")
    born, born_faults = _born(said[BORN], identifier if is_citizen else "", today)
    if any(head == IDENTIFIER and is_bad for head, _word, is_bad in faults) and identifier:
        # What the mended number will say itself is not asked for.
        sex_faults = [one for one in sex_faults if one[1] != "missing"]
        born_faults = [one for one in born_faults if one[1] != "missing"]
    faults += sex_faults + born_faults
    if said[PHONE] and not _PHONE.fullmatch(said[PHONE]):
        faults.append((PHONE, "phone", False))
    if any(letter.isdigit() for letter in said[NAME]):
        faults.append((NAME, "digits", False))
    if said[INSURANCE] and said[INSURANCE] not in INSURANCES:
        faults.append((INSURANCE, "choice", True))
    values = {
        "name": said[NAME], "sex": sex, "birth_date": born, "identifier": identifier, "phone": said[PHONE],
        "address": said[ADDRESS], "insurance": INSURANCES.get(said[INSURANCE], "resident"), "centre": said[CENTRE],
    }  # fmt: skip
    return Registered(values, tuple(faults))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by their papers: what the number itself says, and what is wrong with what was told.

    `faults` are words for it; those in `ASKED` may be confirmed.
    """

    sex: str
    born: date | None
    faults: tuple[str, ...]


ASKED = frozenset({"old"})


def read_identity(kind: str, number: str, sex: str, born: date | None, today: date) -> Identity:
    """Sex and birth date, told or read from a citizen id, and whether they fit together (GB 11643)."""
    if kind != "citizen":
        faults = ["number_missing"] if kind != "none" and not number else []
        return _told(sex, born, today, faults)
    if not is_citizen_id(number):
        return Identity(sex, born, ("check_digit",))
    by_id, born_by_id = sex_of(number), birth_date_of(number)
    faults = ["sex_not_as_id"] if sex and sex != by_id else []
    faults += ["born_not_as_id"] if born is not None and born != born_by_id else []
    return _told(by_id, born_by_id, today, faults)


def _told(sex: str, born: date | None, today: date, faults: list[str]) -> Identity:
    if not sex:
        faults = [*faults, "sex_missing"]
    if born is None:
        return Identity(sex, None, (*faults, "born_missing"))
    if born > today:
        return Identity(sex, born, (*faults, "ahead"))
    verdict = YEARS.judge(age_on((born.year, born.month, born.day), (today.year, today.month, today.day)))
    if verdict is not Verdict.FINE:
        faults = [*faults, "old" if verdict is Verdict.UNUSUAL else "too_old"]
    return Identity(sex, born, tuple(faults))


def record_prefix(place_code: str, neighbourhood: str) -> str:
    """The first twelve digits of a record number: division, street and committee."""
    division = "".join(letter for letter in place_code.partition("-")[0] if letter.isdigit())
    return f"{division[:6]:0<6}{neighbourhood:0>6}"


def _odd_identifier(text: str) -> tuple[str, str, bool]:
    """No citizen id: spoilt by the spreadsheet, mistyped, or another kind of paper, which is worth a look."""
    if _BY_EXCEL.fullmatch(text):
        return IDENTIFIER, "by_excel", True
    if len(text) in (15, 18) and text[:-1].isdigit():
        return IDENTIFIER, "check_digit", True
    return IDENTIFIER, "other_paper", False


def _sex(text: str, citizen_id: str) -> tuple[str, list[tuple[str, str, bool]]]:
    if text and text not in SEXES:
        return "unknown", [(SEX, "choice", True)]
    by_id = sex_of(citizen_id) if citizen_id else ""
    told = SEXES.get(text, "")
    if told in ("male", "female") and by_id and told != by_id:
        return told, [(SEX, "not_as_id", True)]
    if not (told or by_id):
        return "unknown", [(SEX, "missing", True)]
    return by_id or told, []


def _born(text: str, citizen_id: str, today: date) -> tuple[date | None, list[tuple[str, str, bool]]]:
    by_id = birth_date_of(citizen_id) if citizen_id else None
    born = by_id
    if text:
        found = _DAY.fullmatch(text)
        try:
            born = date(*map(int, found.groups())) if found else None
        except ValueError:
            born = None
        if born is None:
            return None, [(BORN, "date", True)]
    if born is None:
        return None, [(BORN, "missing", True)]
    if by_id and born != by_id:
        return born, [(BORN, "not_as_id", True)]
    if born > today:
        return born, [(BORN, "ahead", True)]
    years = age_on((born.year, born.month, born.day), (today.year, today.month, today.day))
    verdict = YEARS.judge(years)
    if verdict is Verdict.FINE:
        return born, []
    return born, [(BORN, "old", verdict is Verdict.IMPOSSIBLE)]
