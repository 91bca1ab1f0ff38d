"""What every table shares: the history of each status, the audit of each write, keys that make a retry safe."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models


class BaseModel(models.Model):
    """A row that says what its fields are: each model lists them in `Privacy`, or a test fails."""

    class Meta:
        abstract = True

    class Privacy:
        identifying: ClassVar[tuple[str, ...]] = ()
        clinical: ClassVar[tuple[str, ...]] = ()
        operational: ClassVar[tuple[str, ...]] = ()


class StatusChange(BaseModel):
    """One step of one process: from, to, by, at, why. Written by `base.transition` alone and never changed."""

    subject_type = models.CharField(max_length=64)
    subject_id = models.BigIntegerField()
    process = models.CharField(max_length=40)
    action = models.CharField(max_length=40)
    from_status = models.CharField(max_length=32, blank=True)
    to_status = models.CharField(max_length=32)
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    by_organization = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()
    reason = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=("subject_type", "subject_id", "at"), name="status_change_subject"),)
        ordering = ("at", "id")

    class Privacy:
        identifying = ("by_name",)
        clinical = ("reason",)
        operational = (
            "subject_type", "subject_id", "process", "action", "from_status", "to_status", "by_id", "by_organization",
            "at",
        )  # fmt: skip


class AuditEvent(BaseModel):
    """One write: who did what to which row, for which resident, under which policy (FHIR AuditEvent)."""

    at = models.DateTimeField(db_index=True)
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    organization_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=64)
    subject_id = models.BigIntegerField(null=True)
    resident_id = models.BigIntegerField(null=True, db_index=True)
    policy_ref = models.CharField(max_length=120, blank=True)
    detail: models.JSONField[Any, Any] = models.JSONField(default=dict)

    class Meta:
        indexes = (models.Index(fields=("subject_type", "subject_id"), name="audit_event_subject"),)
        ordering = ("id",)

    class Privacy:
        identifying = ("by_name", "resident_id")
        clinical = ("detail",)
        operational = (
            "at", "by_id", "organization_id", "action", "subject_type", "subject_id", "policy_ref",
        )  # fmt: skip


class IdempotencyKey(BaseModel):
    """One submitted form or call and its answer, so that a double click or a retry has one effect."""

    key = models.CharField(max_length=80)
    by_id = models.CharField(max_length=64)
    path = models.CharField(max_length=300)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True)
    location = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("by_id", "key"), name="idempotency_key_once"),)

    class Privacy:
        identifying = ()
        clinical = ("body",)
        operational = ("key", "by_id", "path", "fingerprint", "created_at", "status_code", "location")
