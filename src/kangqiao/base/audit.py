"""The written trace of every action; cannot be switched off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from kangqiao.base.actor import Actor
from kangqiao.base.models import AuditEvent


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
    return AuditEvent.objects.create(
        at=at,
        by_id=by.id,
        by_name=by.name,
        organization_id=by.organization_id,
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        resident_id=resident_id,
        policy_ref=policy_ref,
        detail=detail,
    )
