"""Lateness, digests, and what changed since the last list."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

# The only columns a public row may have: what the paper orders, nothing else about a person (SZ16-4.3c).
CHC_COLUMNS = ("centre", "agreement", "starts_on", "ends_on")
EXPERT_COLUMNS = ("name", "title", "specialty", "place", "starts_on", "ends_on")
PARTS = ("chc_list", "experts_completed", "experts_planned")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference between two lists: `added` or `removed`, of which part, and the row."""

    kind: str
    part: str
    row: dict[str, str]


def days_late(published_on: date, due_on: date) -> int:
    """How many days after the last day a list came out; 0 when in time."""
    return max(0, (published_on - due_on).days)


def digest(content: dict[str, Any]) -> str:
    """The SHA-256 of a list in its canonical form: sorted keys, no spaces, UTF-8."""
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: dict[str, Any]) -> bytes:
    """The bytes the digest is taken of; also the file people download, so that they can check it themselves."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def difference(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What was added to and removed from each part, in the order of the lists."""
    changes: list[Change] = []
    for part in PARTS:
        before, after = old.get(part, []), new.get(part, [])
        changes += [Change("added", part, row) for row in after if row not in before]
        changes += [Change("removed", part, row) for row in before if row not in after]
    return changes
