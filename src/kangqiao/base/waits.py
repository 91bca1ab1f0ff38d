"""How many things wait and since when: one statement, however many kinds of things are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, DateTimeField, Min, QuerySet, Value
from django.db.models.functions import Cast

Waiting = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Waits:
    """Rows that wait and the column that says since when, if any; nothing is asked before they are counted."""

    rows: QuerySet[Any]
    since: str = ""

    def counted(self) -> Waiting:
        """How many, and since when the oldest waits; nobody where none does."""
        return counted({"": self})[""]


def counted(asked: Mapping[str, Waits]) -> dict[str, Waiting]:
    """How many wait under each key, and since when the oldest does."""
    return told(asked, together(asked) if asked else ())


def together(asked: Mapping[str, Waits]) -> QuerySet[Any, Any]:
    """One question for all: key, how many, since when; no row for a key under which nothing waits."""
    never = Min(Cast(Value(None), DateTimeField()))
    first, *others = (
        one.rows.order_by().annotate(asked_as=Value(key, CharField())).values("asked_as")
        .annotate(waiting=Count("pk"), oldest=Min(one.since) if one.since else never)
        .values_list("asked_as", "waiting", "oldest")
        for key, one in asked.items()
    )  # fmt: skip
    every: QuerySet[Any, Any] = first.union(*others, all=True)
    return every


def told(keys: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, Waiting]:
    """The answer to `together`, with those keys under which nothing waits."""
    return dict.fromkeys(keys, (0, None)) | {key: (count, oldest) for key, count, oldest in rows}
