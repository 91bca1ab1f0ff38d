"""What every table shares: the history of each status, the audit of each write, keys that make a retry safe."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from kangqiao.base.rows import ACTOR, Rows, parents, shared

# The setting of the transaction that names the call it belongs to; empty where nobody set it.
REQUEST_OF_TRANSACTION = Coalesce(
    models.Func(
        models.Value("kangqiao.request"),
        models.Value(True),
        function="current_setting",
        output_field=models.CharField(),
    ),
    models.Value(""),
)

OWN_TRACE = f"by_id = {ACTOR} OR (request <> '' AND request = (SELECT kangqiao_request()))"


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
        rows = Rows("the history of a row is seen with the row", parents("subject_type", "subject_id"))
        identifying = ("by_name",)
        clinical = ("reason",)
        operational = (
            "subject_type", "subject_id", "process", "action", "from_status", "to_status", "by_id", "by_organization",
            "at",
        )  # fmt: skip


class AuditEvent(BaseModel):
    """One trace: who did, wrote, read or was refused what, for which resident, on which basis (FHIR AuditEvent).

    Append-only: the database refuses a change for everybody. `AuditLink` puts each event into its organisation's chain.
    """

    class Kind(models.TextChoices):
        ACTION = "action", _("操作")
        WRITE = "write", _("写入")
        READ = "read", _("查看")
        REFUSED = "refused", _("被拒绝")

    class Outcome(models.TextChoices):
        SUCCESS = "success", _("成功")
        REFUSED = "refused", _("被拒绝")
        FAILED = "failed", _("失败")

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.ACTION)
    at = models.DateTimeField(db_index=True)
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    organization_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=64)
    subject_id = models.BigIntegerField(null=True)
    resident_id = models.BigIntegerField(null=True, db_index=True)
    # Why the reader may see the resident, in the kinds of the ledger of bases.
    basis = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.SUCCESS)
    # The call all traces of one page or form belong to; the database fills it in from its transaction.
    request = models.CharField(max_length=64, blank=True, db_default=REQUEST_OF_TRANSACTION)
    policy_ref = models.CharField(max_length=120, blank=True)
    detail: models.JSONField[Any, Any] = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("subject_type", "subject_id"), name="audit_event_subject"),
            models.Index(fields=("organization_id", "id"), name="audit_event_organization"),
        )
        ordering = ("id",)

    class Privacy:
        rows = Rows("one's own doings, and what the running call wrote", OWN_TRACE, added="true")
        identifying = ("by_name", "resident_id")
        clinical = ("basis", "detail")
        operational = (
            "kind", "at", "by_id", "organization_id", "action", "subject_type", "subject_id", "outcome", "request",
            "policy_ref",
        )  # fmt: skip


class AuditLink(BaseModel):
    """The place of one audit event in its organisation's chain: SHA-256 over the link before and the event.

    `organization_id` 0 is the chain of what nobody's seat did: jobs, set-up, sign-ins. Append-only like the events.
    """

    organization_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    event = models.OneToOneField(AuditEvent, models.PROTECT, related_name="link")
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization_id", "sequence"), name="audit_link_sequence_once"),
        )
        indexes = (models.Index(fields=("sealed_at", "event"), name="audit_link_sealed"),)
        ordering = ("organization_id", "sequence")

    class Privacy:
        rows = shared("places in a chain and digests")
        identifying = ()
        clinical = ()
        operational = ("organization_id", "sequence", "event", "hash", "sealed_at")


class AuditHead(BaseModel):
    """The signed end of one organisation's chain at one moment, and the organisation that keeps a copy of it."""

    organization_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField(db_index=True)
    algorithm = models.CharField(max_length=20)
    key_id = models.CharField(max_length=64)
    signature = models.CharField(max_length=200)
    witness_id = models.BigIntegerField(null=True)

    class Meta:
        indexes = (models.Index(fields=("organization_id", "sequence"), name="audit_head_organization"),)
        ordering = ("id",)

    class Privacy:
        rows = shared("signed digests, published by the hour")
        identifying = ()
        clinical = ()
        operational = (
            "organization_id", "sequence", "hash", "signed_at", "algorithm", "key_id", "signature", "witness_id",
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
        rows = Rows("the answers a person was given, at any seat", f"split_part(by_id, '@', 1) = {ACTOR}")
        identifying = ()
        clinical = ("body",)
        operational = ("key", "by_id", "path", "fingerprint", "created_at", "status_code", "location")
