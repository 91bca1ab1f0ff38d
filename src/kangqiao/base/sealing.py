"""Puts what was traced into the chains, signs their heads, and writes both out for whoever checks.

An event is sealed within a minute of its transaction, in batches, and not inside it: a chain grown inside would let an
organisation write one transaction after another. Measured in `docs/adr/0008-audit-chain.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.bulk import copy_rows
from kangqiao.base.models import AuditHead, AuditLink
from kangqiao.kernel.sealing import START, head_statement, instant, link_hash
from kangqiao.kernel.signatures import Signer

# The chain of what nobody's seat did.
SITE = 0
BATCH = 5000
# How long a transaction may have been open when its events are still found by the quick search; the sweep of every
# night finds the others.
SLOWEST = timedelta(hours=1)
# A chain in which nothing but copies of other heads came in is signed once a day only, else heads would make heads.
QUIET = timedelta(days=1)
WITNESS, RESTORED = "audit.witness", "audit.restored"
# "Kangqiao" as a number: sealers of all processes wait for one another by it.
_LOCK = 0x6B71_7365_616C

EVENT_FIELDS = (
    "id", "kind", "at", "by_id", "by_name", "organization_id", "action", "subject_type", "subject_id", "resident_id",
    "basis", "outcome", "request", "policy_ref", "detail",
)  # fmt: skip
_COLUMNS = ", ".join(f"e.{name}" for name in EVENT_FIELDS)


def event_row(values: Sequence[Any]) -> dict[str, Any]:
    """An event as it is hashed and exported, from its columns in the order of `EVENT_FIELDS`."""
    row = dict(zip(EVENT_FIELDS, values, strict=True))
    row["at"] = instant(row["at"])
    if isinstance(row["detail"], str):
        row["detail"] = json.loads(row["detail"])
    return row


def seal(*, at: datetime, everything: bool = False) -> int:
    """Links every event that has no link yet to the chain of its organisation; returns how many.

    `everything` looks through the whole table, not only at what could be new. A second sealer at the same time finds
    nothing to do.
    """
    count = 0
    while batch := _seal_batch(at, everything):
        count += batch
        if batch < BATCH:
            break
    return count


def _seal_batch(at: datetime, everything: bool) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        since = 0
        if not everything:
            cursor.execute(
                "SELECT event_id FROM base_auditlink WHERE sealed_at < %s"
                " ORDER BY sealed_at DESC, event_id DESC LIMIT 1",
                [at - SLOWEST],
            )
            since = (cursor.fetchone() or (0,))[0]
        cursor.execute(
            f"SELECT {_COLUMNS} FROM base_auditevent e"  # noqa: S608 our own names
            " WHERE e.id > %s AND NOT EXISTS (SELECT FROM base_auditlink l WHERE l.event_id = e.id)"
            " ORDER BY e.id LIMIT %s",
            [since, BATCH],
        )
        events = [event_row(values) for values in cursor.fetchall()]
        ends = _ends({event["organization_id"] or SITE for event in events})
        links = _links(events, ends, at)
        copy_rows(AuditLink, ("organization_id", "sequence", "event", "hash", "sealed_at"), links)
    return len(events)


def _links(
    events: Sequence[Mapping[str, Any]], ends: dict[int, tuple[int, str]], at: datetime
) -> Iterator[tuple[int, int, int, str, datetime]]:
    sealed_at = instant(at)
    for event in events:
        chain = event["organization_id"] or SITE
        last, before = ends.get(chain, (0, START))
        found = link_hash(before, organization=chain, sequence=last + 1, sealed_at=sealed_at, event=event)
        ends[chain] = last + 1, found
        yield chain, last + 1, event["id"], found, at


def _ends(chains: set[int]) -> dict[int, tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, l.sequence, l.hash FROM unnest(%s::bigint[]) AS c(id), LATERAL (SELECT sequence, hash"
            " FROM base_auditlink WHERE organization_id = c.id ORDER BY sequence DESC LIMIT 1) l",
            [sorted(chains)],
        )
        return {chain: (sequence, end) for chain, sequence, end in cursor.fetchall()}


def chains() -> list[int]:
    """The organisations that have a chain, by id; `SITE` first."""
    with connection.cursor() as cursor:
        # Steps from one organisation to the next in the index; a DISTINCT would read every link.
        cursor.execute(
            "WITH RECURSIVE c(id) AS ("
            " (SELECT organization_id FROM base_auditlink ORDER BY 1 LIMIT 1) UNION ALL"
            " SELECT (SELECT organization_id FROM base_auditlink WHERE organization_id > c.id ORDER BY 1 LIMIT 1)"
            " FROM c WHERE c.id IS NOT NULL) SELECT id FROM c WHERE id IS NOT NULL"
        )
        return [row[0] for row in cursor.fetchall()]


def sign_heads(*, signer: Signer, by: Actor, at: datetime) -> list[AuditHead]:
    """Signs the end of every chain that grew, and places each with another organisation, as a row of that one's chain.

    The witness changes from hour to hour, so that in time every organisation holds heads of every other.
    """
    everybody = chains()
    ends = _ends(set(everybody))
    with transaction.atomic():
        heads = [
            AuditHead(
                organization_id=chain,
                sequence=ends[chain][0],
                hash=ends[chain][1],
                signed_at=at,
                algorithm=signer.algorithm,
                key_id=signer.key_id,
                witness_id=witness_of(chain, everybody, at),
            )
            for chain in everybody
            if _is_due(chain, at)
        ]
        for head in heads:
            head.signature = signer.sign(head_statement(told(head)))
            head.save(force_insert=True)
            if head.witness_id is not None:
                keeper = Actor(id=by.id, name=by.name, organization_id=head.witness_id)
                record(WITNESS, head, by=keeper, at=at, **told(head))
    return heads


def note_restore(*, reason: str, by: Actor, at: datetime) -> int:
    """Says in every chain that the database was put back to an earlier moment, and why; returns how many chains.

    Heads signed after that moment will not fit any more: the verifier goes on naming them, and this beside them.
    """
    ends = _ends(set(chains()))
    for chain, (sequence, end) in ends.items():
        keeper = Actor(id=by.id, name=by.name, organization_id=chain or None)
        record(RESTORED, AuditLink(), by=keeper, at=at, reason=reason, sequence=sequence, hash=end)
    return len(ends)


def witness_of(chain: int, everybody: Sequence[int], at: datetime) -> int | None:
    """Who keeps the head of a chain in this hour; None where there is nobody else."""
    others = [one for one in everybody if one not in (chain, SITE)]
    if not others:
        return None
    after = next((place for place, one in enumerate(others) if one > chain), 0)
    return others[(after + int(at.timestamp()) // 3600) % len(others)]


def _is_due(chain: int, at: datetime) -> bool:
    last = AuditHead.objects.filter(organization_id=chain).order_by("-sequence", "-id").first()
    if last is None:
        return True
    fresh = AuditLink.objects.filter(organization_id=chain, sequence__gt=last.sequence)
    if last.signed_at <= at - QUIET:
        return fresh.exists()
    return fresh.exclude(event__action=WITNESS).exists()


def told(head: AuditHead) -> dict[str, Any]:
    """A head as it was signed, with its signature, as it stands on pages and in exports."""
    return {
        "organization": head.organization_id,
        "sequence": head.sequence,
        "hash": head.hash,
        "signed_at": instant(head.signed_at),
        "algorithm": head.algorithm,
        "key_id": head.key_id,
        "signature": head.signature,
    }


def newest_head(chain: int) -> dict[str, Any] | None:
    """The last signed head of a chain, to be frozen into what an organisation publishes."""
    head = AuditHead.objects.filter(organization_id=chain).order_by("-sequence", "-id").first()
    return None if head is None else told(head)


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a chain: what was sealed from `since` on and before `until`."""

    since: datetime | None = None
    until: datetime | None = None


def export(chain: int, *, at: datetime, span: Span = Span()) -> Iterator[str]:
    """The lines of one chain, as `kangqiao audit verify` reads them; rows are fetched as they are written."""
    links = AuditLink.objects.filter(organization_id=chain)
    if span.since is not None:
        links = links.filter(sealed_at__gte=span.since)
    if span.until is not None:
        links = links.filter(sealed_at__lt=span.until)
    first = links.order_by("sequence").values_list("sequence", flat=True).first() or 1
    before = AuditLink.objects.filter(organization_id=chain, sequence=first - 1).values_list("hash", flat=True).first()
    yield _line(
        chain={
            "export": "kangqiao-audit", "version": 1, "hash": "SHA-256", "organization": chain, "first": first,
            "before": before or START, "exported_at": instant(at),
            "since": span.since and instant(span.since), "until": span.until and instant(span.until),
        }
    )  # fmt: skip
    heads = AuditHead.objects.filter(organization_id=chain, sequence__gte=first).order_by("sequence", "id")
    if span.until is not None:
        heads = heads.filter(signed_at__lt=span.until)
    for head in heads.iterator():
        yield _line(head=told(head))
    end = first - 1
    for sequence, line in _link_lines(chain, span):
        yield line
        end = sequence
    yield _line(end={"last": end})


def _link_lines(chain: int, span: Span) -> Iterator[tuple[int, str]]:
    where = "l.organization_id = %s"
    values: list[Any] = [chain]
    for sign, bound in ((">=", span.since), ("<", span.until)):
        if bound is not None:
            where += f" AND l.sealed_at {sign} %s"
            values.append(bound)
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT l.sequence, l.sealed_at, l.hash, {_COLUMNS} FROM base_auditlink l"  # noqa: S608 our own names
            f" LEFT JOIN base_auditevent e ON e.id = l.event_id WHERE {where} ORDER BY l.sequence",
            values,
        )
        while rows := cursor.fetchmany(2000):
            for sequence, sealed_at, link, *event in rows:
                shown = event_row(event) if event[0] is not None else None
                yield sequence, _line(sequence=sequence, sealed_at=instant(sealed_at), hash=link, event=shown)


def _line(**row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
