"""The written trace of every action; cannot be switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent
from kangqiao.base.prepared import insert


def record(
    action: str,
    subject: models.Model,
    *,
    by: Actor,
    at: datetime,
    resident_id: int | None = None,
    policy_ref: str = "",
    **detail: Any,
) -> AuditEvent:
    """Writes down who did what to which row, in the transaction of the action itself.

    `detail` holds plain JSON values; never a full identifier, a password or a token.
    """
    row = _event(action, subject, by, at, resident_id, policy_ref, detail)
    insert(row)
    return row


def refused(action: str, *, by: Actor, at: datetime, **detail: Any) -> AuditEvent:
    """Writes down what somebody was refused before any row was looked at; `detail` as in `record`."""
    return AuditEvent.objects.create(
        kind=AuditEvent.Kind.REFUSED,
        outcome=AuditEvent.Outcome.REFUSED,
        action=action,
        at=at,
        by_id=by.id,
        by_name=by.name,
        organization_id=by.organization_id,
        detail=detail,
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """One row of many that the same action wrote, with what is particular to it."""

    subject: models.Model
    detail: Mapping[str, Any]
    resident_id: int | None = None
    policy_ref: str = ""


def record_all(action: str, traces: Iterable[Trace], *, by: Actor, at: datetime) -> None:
    """Writes down the same action on many rows, an event for each, in one statement; see `record`."""
    AuditEvent.objects.bulk_create(
        _event(action, one.subject, by, at, one.resident_id, one.policy_ref, one.detail) for one in traces
    )


def _event(
    action: str,
    subject: models.Model,
    by: Actor,
    at: datetime,
    resident_id: int | None,
    policy_ref: str,
    detail: Mapping[str, Any],
) -> AuditEvent:
    return AuditEvent(
        at=at,
        by_id=by.id,
        by_name=by.name,
        organization_id=by.organization_id,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        resident_id=resident_id,
        policy_ref=policy_ref,
        detail=dict(detail),
    )
