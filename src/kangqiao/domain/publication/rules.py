"""Lateness, digests, and what changed since the last list."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

# The only columns a public row may have: what the paper orders, nothing else about a person (SZ16-4.3c).
CHC_COLUMNS = ("centre", "agreement", "starts_on", "ends_on")
EXPERT_COLUMNS = ("name", "title", "specialty", "place", "starts_on", "ends_on")
PARTS = ("chc_list", "experts_completed", "experts_planned")


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the difference between two lists: `added`, `removed` or `changed`, of which part, and the row.

    A changed row is the same centre, or the same expert at the same place for a term that begins the same day; `before`
    is how it stood.
    """

    kind: str
    part: str
    row: dict[str, str]
    before: dict[str, str] = field(default_factory=dict)


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
    """What was added to, changed in and removed from each part, in the order of the lists."""
    changes: list[Change] = []
    for part in PARTS:
        before, after = old.get(part, []), new.get(part, [])
        gone = [row for row in before if row not in after]
        for row in after:
            if row in before:
                continue
            was: dict[str, str] = next((one for one in gone if _same(one) == _same(row)), {})
            if was:
                gone.remove(was)
            changes.append(Change("changed" if was else "added", part, row, was))
        changes += [Change("removed", part, row) for row in gone]
    return changes


def _same(row: dict[str, str]) -> tuple[str, ...]:
    """What makes two rows the same line of two lists."""
    return tuple(row.get(name, "") for name in ("centre", "name", "place", "starts_on"))
