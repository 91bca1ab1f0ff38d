"""Search keys a Chinese desk expects: characters, full pinyin and initials, with every reading of a surname."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product, zip_longest

# Surnames whose reading as a name differs from the dictionary's first one.
SURNAME_READINGS = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "乐": "yue", "查": "zha", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "区": "ou", "翟": "zhai", "员": "yun", "折": "she", "繁": "po", "尉": "wei",
    "种": "chong", "缪": "miao", "秘": "bi", "召": "shao", "冼": "xian", "洗": "xian", "柏": "bai", "燕": "yan",
    "重": "chong", "么": "yao", "谌": "chen", "佴": "nai", "乜": "nie", "那": "na",
    "宁": "ning", "逄": "pang", "覃": "qin", "令": "ling", "车": "che", "沈": "shen", "石": "shi", "谷": "gu",
    "牟": "mu", "郗": "xi", "撒": "sa", "祭": "zhai", "盛": "sheng", "都": "du", "长": "chang",
    "俞": "yu", "褚": "chu", "臧": "zang", "卜": "bu", "隗": "wei", "郇": "xun", "行": "xing", "降": "jiang",
    "应": "ying", "过": "guo", "强": "qiang", "相": "xiang", "訾": "zi", "晁": "chao", "纪": "ji", "曲": "qu",
}  # fmt: skip
# Surnames of two characters that are read otherwise than their characters.
DOUBLE_SURNAMES = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "长孙": ("zhang", "sun"), "单于": ("chan", "yu"),
    "令狐": ("ling", "hu"), "澹台": ("tan", "tai"), "亓官": ("qi", "guan"), "皇甫": ("huang", "fu"),
    "夏侯": ("xia", "hou"), "鲜于": ("xian", "yu"), "乐正": ("yue", "zheng"), "淳于": ("chun", "yu"),
    "宰父": ("zai", "fu"), "拓跋": ("tuo", "ba"), "濮阳": ("pu", "yang"), "呼延": ("hu", "yan"),
}  # fmt: skip
# Rare characters of the household register that the table of readings lacks, and how people without them write them.
RARE_READINGS = {"𠮷": "ji", "㵟": "xue", "𣊫": "liang", "𠀾": "dian"}
PLAIN_FORMS = str.maketrans({"𠮷": "吉", "䶮": "龑", "㛃": "洁", "昇": "升", "喆": "哲", "堃": "坤"})
# Characters that stand for the dot inside a name; the register's own is U+00B7 (民委发〔2016〕33号).
DOTS = str.maketrans(dict.fromkeys("•・．.‧∙･⋅●", "·"))
SPACES = re.compile(r"\s+")
MOST_KEYS = 16
LONGEST_KEY = 200


def plain(text: str) -> str:
    """A name as it is compared: lower case, without spaces, every dot the register's own, ü written v."""
    return SPACES.sub("", text.replace("\0", "")).lower().translate(DOTS).replace("ü", "v")


def wanted_key(text: str) -> str:
    """What was typed, as it stands in the keys: without dots, which everybody types differently."""
    return plain(text).replace("·", "")


def search_keys(name: str) -> list[str]:
    """Lower-case keys of a name, the likeliest first: characters, full pinyin, initials; at most 16 readings of each.

    The most likely reading comes first and others by how few characters they read differently, so that the limit
    cuts what nobody types. `lv` is kept as passports write it too (`lyu`).
    """
    text = plain(name)
    if not text:
        return []
    bare = text.replace("·", "")
    readings = _readings(bare)
    initials = [list(dict.fromkeys(reading[:1] for reading in one)) for one in readings]
    full, short = _nearest(readings), _nearest(initials)
    # One of each in turn, so that the place of a key says how likely its reading is, whichever way it is typed.
    typed = [key for pair in zip_longest(full, short) for key in pair if key]
    passport = [key.replace("v", "yu") for key in full if "v" in key]
    keys = dict.fromkeys((text, bare, bare.translate(PLAIN_FORMS), *typed, *passport))
    return list(dict.fromkeys(key[:LONGEST_KEY] for key in keys))


def _readings(text: str) -> list[list[str]]:
    """Every reading of every character, the most likely one first: a surname's, then the one its neighbours suggest."""
    # Its dictionary is a fifth of what a process loads at its start, and most processes never write a name.
    from pypinyin import Style, pinyin

    usual = pinyin(text, style=Style.NORMAL, errors=_unread)  # type: ignore[arg-type]
    first = DOUBLE_SURNAMES.get(text[:2]) or ((SURNAME_READINGS[text[0]],) if text[0] in SURNAME_READINGS else ())
    return [
        list(dict.fromkeys((*first[place : place + 1], *usual[place], *_of_character(one))))
        for place, one in enumerate(text)
    ]


@lru_cache(maxsize=8192)
def _of_character(one: str) -> list[str]:
    from pypinyin import Style, pinyin

    return pinyin(one, style=Style.NORMAL, heteronym=True, errors=_unread)[0]  # type: ignore[arg-type]


def _unread(other: str) -> list[str]:
    return [RARE_READINGS.get(one, one) for one in other]


def _nearest(readings: Sequence[Sequence[str]]) -> list[str]:
    found: dict[str, None] = {}
    # A long name has more readings than anybody could count: one after the other, and no further than needed.
    for one in _ever_further(readings):
        found[one] = None
        if len(found) == MOST_KEYS:
            break
    return list(found)


def _ever_further(readings: Sequence[Sequence[str]]) -> Iterator[str]:
    """The likely reading, then those with one character read differently, then with two, and so on."""
    several = [place for place, one in enumerate(readings) if len(one) > 1]
    for changed in range(len(several) + 1):
        for places in combinations(several, changed):
            for others in product(*(readings[place][1:] for place in places)):
                chosen = dict(zip(places, others, strict=True))
                yield "".join(chosen.get(place, one[0]) for place, one in enumerate(readings))
