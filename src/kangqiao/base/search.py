"""Search keys a Chinese desk expects: characters, full pinyin and initials, with every reading of a surname."""

from __future__ import annotations

from itertools import islice, product

# Surnames whose reading as a name differs from the dictionary's first one.
SURNAME_READINGS = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "乐": "yue", "查": "zha", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "区": "ou", "翟": "zhai", "员": "yun", "折": "she", "繁": "po", "尉": "wei",
}  # fmt: skip
MOST_KEYS = 16


def _letters(other: str) -> list[str]:
    return list(other)


def search_keys(name: str) -> list[str]:
    """Lower-case keys of a name: itself, full pinyin and initials of its readings, at most 16 of each kind."""
    text = name.replace(" ", "").replace("•", "·")
    if not text:
        return []
    # Its dictionary is a fifth of what a process loads at its start, and most processes never write a name.
    from pypinyin import Style, pinyin

    readings = pinyin(text, style=Style.NORMAL, heteronym=True, errors=_letters)  # type: ignore[arg-type]
    surname = SURNAME_READINGS.get(text[0])
    if surname:
        readings[0] = [surname, *[reading for reading in readings[0] if reading != surname]]
    keys = {text.lower()}
    for reading in islice(product(*readings), MOST_KEYS):
        keys.add("".join(reading).lower())
        keys.add("".join(part[0] for part in reading if part).lower())
    return sorted(keys)
