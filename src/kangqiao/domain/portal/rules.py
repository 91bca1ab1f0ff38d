"""Decisions about questions from plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

# What stands between the letters of a word somebody types in a hurry.
_BETWEEN = re.compile(r"[\s，。、！？；：,.!?;:·…—~-]+")
STARS = range(1, 6)


def dangers_in(text: str, words: Mapping[str, Iterable[str]]) -> list[str]:
    """The words of danger that stand in a text, in the order of the pack.

    A denial ("没有胸痛") counts too: a call too many is better than one too few.
    """
    plain = _plain(text)
    return list(dict.fromkeys(word for found in words.values() for word in found if _plain(word) in plain))


def due_at(asked_at: datetime, *, is_urgent: bool, hours: int, minutes: int) -> datetime:
    """When an answer is due at the latest."""
    return asked_at + (timedelta(minutes=minutes) if is_urgent else timedelta(hours=hours))


def minutes_between(asked_at: datetime, answered_at: datetime) -> int:
    """How long somebody waited, in whole minutes."""
    return int((answered_at - asked_at).total_seconds() // 60)


def _plain(text: str) -> str:
    return _BETWEEN.sub("", text).casefold()
