"""What every table shares: the history of each status, the audit of each write, keys that make a retry safe."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from kangqiao.base.rows import ACTOR, ME, SEATED, Rows, parents, shared

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

OF_BATCH = "EXISTS (SELECT FROM base_importbatch batch WHERE batch.id = batch_id)"
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
        indexes = (
            models.Index(fields=("subject_type", "subject_id", "at"), name="status_change_subject"),
            # What happened today, of years of it.
            models.Index(fields=("subject_type", "at"), name="status_change_day"),
        )
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


class Draft(BaseModel):
    """Words typed into a form and not sent, sealed; `action` is where the form leads, `page` where it stood."""

    owner_id = models.BigIntegerField()
    action = models.CharField(max_length=500)
    step = models.CharField(max_length=40, blank=True)
    page = models.CharField(max_length=500)
    sealed = models.BinaryField()
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("owner_id", "action", "step"), name="draft_once"),)

    class Privacy:
        rows = Rows("what one typed oneself", f"owner_id = {ME}")
        identifying = ()
        clinical = ("sealed",)
        operational = ("owner_id", "action", "step", "page", "at")


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


class Job(BaseModel):
    """One run of long work: who asked for it, how far it is, what came of it (FHIR Task)."""

    kind = models.CharField(max_length=40)
    label = models.CharField(max_length=200)
    url = models.CharField(max_length=300, blank=True)
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    organization_id = models.BigIntegerField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)
    result = models.BinaryField(null=True)
    result_name = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(failure="") | models.Q(finished_at__isnull=False), name="job_failed_is_over"
            ),
        )
        indexes = (models.Index(fields=("by_id", "organization_id", "started_at"), name="job_by_person"),)
        ordering = ("-started_at", "-id")

    class Privacy:
        rows = Rows("what one asked for oneself", f"by_id = {ACTOR}")
        identifying = ("by_name", "result")
        clinical = ("failure",)
        operational = (
            "kind", "label", "url", "by_id", "organization_id", "total", "done", "errors", "started_at", "finished_at",
            "result_name",
        )  # fmt: skip


class ImportBatch(BaseModel):
    """One uploaded table: looked through row by row, mended, entered or dropped, and taken back as a whole."""

    kind = models.CharField(max_length=40)
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    organization_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    entered_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(Job, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True) | models.Q(dropped_at__isnull=True), name="batch_one_end"
            ),
        )
        indexes = (models.Index(fields=("by_id", "organization_id", "created_at"), name="batch_by_person"),)
        ordering = ("-created_at", "-id")

    class Privacy:
        rows = Rows("what one uploaded oneself", f"by_id = {ACTOR}")
        identifying = ("by_name",)
        clinical = ()
        operational = (
            "kind", "by_id", "organization_id", "created_at", "sent_at", "entered_at", "undone_at", "dropped_at", "job",
        )  # fmt: skip


class ImportRow(BaseModel):
    """One row of an uploaded table: what it says, what was found, and the row of ours it became."""

    class Mark(models.TextChoices):
        GOOD = "good", _("没有问题")
        WARN = "warn", _("请看一眼")
        BAD = "bad", _("有错")

    batch = models.ForeignKey(ImportBatch, models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField()
    key = models.CharField(max_length=200, blank=True)
    cells: models.JSONField[Any, Any] = models.JSONField(default=dict)
    findings: models.JSONField[Any, Any] = models.JSONField(default=list)
    mark = models.CharField(max_length=4, choices=Mark)
    entered_id = models.BigIntegerField(null=True, blank=True)
    stays = models.CharField(max_length=40, blank=True)
    # What its row of ours said before, where it changed one: to put that back.
    was: models.JSONField[Any, Any] = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("batch", "line"), name="import_row_once"),)
        indexes = (
            models.Index(fields=("batch", "mark", "line"), name="import_row_by_mark"),
            models.Index(fields=("batch", "key"), name="import_row_by_key"),
        )
        ordering = ("batch", "line")

    class Privacy:
        rows = Rows("the rows of what one uploaded oneself", OF_BATCH)
        identifying = ("cells", "key")
        clinical = ("findings", "was")
        operational = ("batch", "line", "mark", "entered_id", "stays")


class Paper(BaseModel):
    """One issued paper: what it was, of whom, and the fingerprint of what it said (FHIR DocumentReference)."""

    kind = models.CharField(max_length=24)
    subject_id = models.BigIntegerField()
    number = models.CharField(max_length=60)
    token = models.CharField(max_length=40, unique=True)
    sha256 = models.CharField(max_length=64)
    issued_at = models.DateTimeField()
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    organization_id = models.BigIntegerField(null=True)
    organization = models.CharField(max_length=120)

    class Meta:
        indexes = (models.Index(fields=("kind", "subject_id", "issued_at"), name="paper_of_subject"),)
        ordering = ("-issued_at", "-id")

    class Privacy:
        rows = Rows("who issued a paper is known to whoever holds one", SEATED)
        identifying = ("by_name",)
        clinical = ()
        operational = (
            "kind", "subject_id", "number", "token", "sha256", "issued_at", "by_id", "organization_id", "organization",
        )  # fmt: skip


class PaperTemplate(BaseModel):
    """A site's own Word template for one kind of paper, until the one that came with the product is used again."""

    kind = models.CharField(max_length=24)
    content = models.BinaryField()
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    uploaded_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("kind",), condition=models.Q(retired_at__isnull=True), name="paper_template_one_current"
            ),
        )
        ordering = ("-uploaded_at", "-id")

    class Privacy:
        rows = Rows("who changed a template is known to whoever issues papers", SEATED)
        identifying = ("by_name",)
        clinical = ()
        operational = ("kind", "content", "by_id", "uploaded_at", "retired_at")
