"""Chains written to a file, sealed up to the moment; and the trace that reading and exporting leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from kangqiao.base import sealing
from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import AuditLink
from kangqiao.domain.institutions.queries import organization
from kangqiao.edges.audit import fhir
from kangqiao.edges.audit.queries import Wanted
from kangqiao.kernel.errors import RuleBroken

SITE_CODE = "site"
EXPORTED = "audit.export"


def to_file(
    path: Path,
    *,
    code: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    as_fhir: bool = False,
    site: str,
) -> int:
    """Writes one organisation's chain, or all, to a new file only its owner can read; returns the number of rows.

    Raises NotVisible for an unknown organisation, RuleBroken when the file is there already.
    """
    with as_system("audit-export") as by:
        at = timezone.now()
        chain = None if code is None else sealing.SITE if code == SITE_CODE else organization(code).pk
        note_export(chain, by=by, at=at, form="fhir" if as_fhir else "chain")
        sealing.seal(at=at)
        span = sealing.Span(*(bound and timezone.make_aware(bound) for bound in (since, until)))
        chosen = sealing.chains() if chain is None else [chain]
        lines = (line for one in chosen for line in sealing.export(one, at=at, span=span))
        return _write(path, fhir.ndjson(lines, site=site) if as_fhir else lines)


def note_export(chain: int | None, *, by: Actor, at: datetime, form: str) -> None:
    """An export is itself an event of the chain it shows, or of the site's when it shows all."""
    keeper = Actor(by.id, by.name, by.organization_id or chain or None)
    record(EXPORTED, AuditLink(), by=keeper, at=at, chain=chain, form=form)


def note_reading(wanted: Wanted, page: int, *, by: Actor, at: datetime) -> None:
    """Reading the audit is itself an event: what was asked for, but not the words typed."""
    told: dict[str, Any] = {
        "chain": wanted.chain,
        "event_kind": wanted.kind,
        "first": str(wanted.first),
        "last": str(wanted.last),
    }
    record("audit.read", AuditLink(), by=by, at=at, resident_id=wanted.resident_id, page=page, **told)


def _write(path: Path, lines: Iterator[str]) -> int:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise RuleBroken(f"{path} is there already.", next_step="Choose another name.") from error
    count = 0
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            count += line.startswith(('{"sequence"', '{"resourceType"'))
    return count
