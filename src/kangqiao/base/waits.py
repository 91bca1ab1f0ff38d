"""How many things wait and since when: one statement, however many kinds of things are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, Min, QuerySet, Value

Waiting = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Waits:
    """Rows that wait and the column that says since when; nothing is asked before they are counted."""

    rows: QuerySet[Any]
    since: str

    def counted(self) -> Waiting:
        """How many, and since when the oldest waits; nobody where none does."""
        return counted({"": self})[""]


def counted(asked: Mapping[str, Waits]) -> dict[str, Waiting]:
    """How many wait under each key, and since when the oldest does."""
    parts = [
        one.rows.order_by().annotate(asked_as=Value(key, CharField())).values("asked_as")
        .annotate(waiting=Count("pk"), oldest=Min(one.since)).values_list("asked_as", "waiting", "oldest")
        for key, one in asked.items()
    ]  # fmt: skip
    told = dict.fromkeys(asked, (0, None))
    return told | {
        key: (count, oldest) for key, count, oldest in (parts[0].union(*parts[1:], all=True) if parts else ())
    }
