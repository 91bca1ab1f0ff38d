"""Numbers that look right and belong to nobody: citizen ids of a province that does not exist, unassigned phones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kangqiao.engines.synthesis.households import Homes
from kangqiao.kernel.identifiers import id_check_digit

_PER_DAY_AND_SEX = 500
"""A citizen id has three digits of sequence, odd for men and even for women (GB 11643)."""

_OWN_PHONE_AGE = 12


def citizen_ids(
    divisions: tuple[str, ...], birth_date: NDArray[np.datetime64], sex: NDArray[np.uint8]
) -> NDArray[np.bytes_]:
    """Distinct 18-character citizen ids with birth date, sex and check digit in place.

    People of one birth date and sex are numbered through the sequence and then through the divisions. Raises ValueError
    when the divisions do not suffice.
    """
    people = len(sex)
    man = (sex == 1).astype(np.int64)
    group = birth_date.astype("datetime64[D]").astype(np.int64) * 2 + man
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first_of_group = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(people, np.int64)
    rank[order] = np.arange(people) - first_of_group
    division = rank // _PER_DAY_AND_SEX
    if people and division.max() >= len(divisions):
        raise ValueError(f"{people} residents need more than {len(divisions)} invented divisions for distinct ids")
    digits = np.empty((people, 17), np.uint8)
    codes = np.array([[int(digit) for digit in code] for code in divisions], np.uint8)
    digits[:, :6] = codes[division]
    year = birth_date.astype("datetime64[Y]").astype(np.int64) + 1970
    month = birth_date.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (birth_date - birth_date.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    _write(digits, 6, year * 10000 + month * 100 + day, 8)
    _write(digits, 14, rank % _PER_DAY_AND_SEX * 2 + man, 3)
    letters = np.empty((people, 18), np.uint8)
    letters[:, :17] = digits + ord("0")
    letters[:, 17] = _check_letters(digits)
    return letters.view("S18").ravel()


def _check_letters(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 18th characters; weights and table are read off the kernel's own function so that there is one rule."""
    zero = "0" * 17
    start = _position(id_check_digit(zero))
    steps = [(_position(id_check_digit(zero[:i] + "1" + zero[i + 1 :])) - start) % 11 for i in range(17)]
    total = (digits.astype(np.int64) @ np.array(steps) + start) % 11
    letters: NDArray[np.uint8] = np.frombuffer(_CHECKS.encode(), np.uint8)[total]
    return letters


_CHECKS = "10X98765432"


def _position(letter: str) -> int:
    return _CHECKS.index(letter)


def _write(digits: NDArray[np.uint8], at: int, number: NDArray[np.int64], width: int) -> None:
    for place in range(width):
        digits[:, at + width - 1 - place] = number // 10**place % 10


def phones(prefix: str, age: NDArray[np.int32], homes: Homes, seed: int) -> NDArray[np.bytes_]:
    """11-digit numbers behind an unassigned prefix: one per person, children share that of the head of their home."""
    people, width = len(age), 11 - len(prefix)
    holder = np.where(age >= _OWN_PHONE_AGE, np.arange(people), homes.head_row[homes.household])
    room = 10**width
    if people > room:
        raise ValueError(f"{people} residents do not fit behind the phone prefix {prefix}")
    # A step without common factor with the room visits every number once; it only has to look unordered.
    number = (holder * 61_803_399 + seed % room) % room
    digits = np.empty((people, 11), np.uint8)
    digits[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8) - ord("0")
    _write(digits, len(prefix), number, width)
    return (digits + np.uint8(ord("0"))).view("S11").ravel()
