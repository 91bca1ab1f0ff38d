"""The hash chain of the audit as arithmetic: what is hashed, byte for byte, and what a signed head says.

Whoever holds an export can do the same in any language: a row as JSON with sorted keys, no spaces and no escapes
beyond JSON's own, in UTF-8; the hash of a link is taken of the hash before it, a line feed, and the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

# What stands before the first link of every chain.
START = "0" * 64
# Before the words of a head, so that its signature can never be taken for one of something else.
HEAD_PURPOSE = b"kangqiao audit head\n"
HEAD_FIELDS = ("algorithm", "hash", "key_id", "organization", "sequence", "signed_at")


def instant(at: datetime) -> str:
    """An instant in UTC with microseconds, always the same number of characters."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(value: Mapping[str, Any]) -> bytes:
    """The one way a row is written before it is hashed or signed."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def link_hash(before: str, *, organization: int, sequence: int, sealed_at: str, event: Mapping[str, Any]) -> str:
    """The hash of one link, 64 hexadecimal digits.

    It holds the chain's owner and the place in it, so a row can be moved neither within a chain nor to another.
    """
    row = {"event": event, "organization": organization, "sealed_at": sealed_at, "sequence": sequence}
    return sha256(before.encode() + b"\n" + canonical(row)).hexdigest()


def head_statement(head: Mapping[str, Any]) -> bytes:
    """The bytes that are signed for a head; raises KeyError when one of its fields is missing."""
    return HEAD_PURPOSE + canonical({name: head[name] for name in HEAD_FIELDS})
