"""Referrals in both directions."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.states import DOWN, UP
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.workforce.models import Practitioner

OF_REFERRAL = "EXISTS (SELECT 1 FROM referral_referral seen WHERE seen.id = referral_id)"


class Referral(BaseModel):
    """One patient sent to the other side of an agreement, up or down (FHIR ServiceRequest)."""

    class Direction(models.TextChoices):
        UP = "up", "上转"
        DOWN = "down", "下转"

    class Urgency(models.TextChoices):
        ROUTINE = "routine", "常规"
        URGENT = "urgent", "加急"
        EMERGENCY = "emergency", "急诊"

    number = models.CharField(max_length=40, unique=True)
    direction = models.CharField(max_length=8, choices=Direction)
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    from_organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    to_organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    from_practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, blank=True, related_name="+")
    # The referral this one answers or continues: a down-referral names its up-referral.
    origin = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="continuations")
    # The visit that gave rise to it, such as an expert's session at the centre.
    origin_encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.CharField(max_length=40)
    urgency = models.CharField(max_length=12, choices=Urgency, default=Urgency.ROUTINE)
    diagnosis = models.CharField(max_length=100)
    reason_code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    history = models.TextField(blank=True)
    examination = models.TextField(blank=True)
    question = models.TextField(blank=True)
    medicines = models.TextField(blank=True)
    allergies = models.TextField(blank=True)
    has_consent = models.BooleanField(default=False)
    is_green_channel = models.BooleanField(default=False)
    # Why the patient stands where in a queue: points by reason, as they were at sending.
    points = models.JSONField(default=dict, blank=True)
    plan = models.TextField(blank=True)
    # What the record told when the letter was sent, frozen, with its fingerprint.
    summary = models.JSONField(default=dict, blank=True)
    summary_sha256 = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=16, choices=[*UP.choices(), *DOWN.choices()])
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    reply = models.TextField(blank=True)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    # When the patient first came to the hospital; until then the custody is the centre's.
    arrived_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    # Since when it stands where it stands; with `due_at` it tells how much of the limit is used.
    clock_from = models.DateTimeField()
    # Until when the receiver had to answer; kept when the next clock starts, so that "in time" can be counted.
    answer_by = models.DateTimeField()
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(from_organization=F("to_organization")), name="referral_between_two_organizations"
            ),
            models.CheckConstraint(
                condition=Q(summary={}, summary_sha256="") | Q(summary_sha256__regex="^[0-9a-f]{64}$"),
                name="referral_summary_has_fingerprint",
            ),
            models.CheckConstraint(condition=~(Q(reason_code="") & Q(reason="")), name="referral_has_reason"),
            # A second open referral for the same problem at the same hospital is joined, not doubled.
            models.UniqueConstraint(
                fields=("resident", "to_organization", "specialty", "direction"),
                condition=Q(status__in=("sent", "unplaced", "returned", "accepted", "proposed", "declined")),
                name="referral_open_once",
            ),
        )
        indexes = (
            models.Index(fields=("to_organization", "status", "due_at"), name="referral_inbox"),
            models.Index(fields=("from_organization", "status", "sent_at"), name="referral_outbox"),
            models.Index(fields=("resident", "sent_at"), name="referral_resident"),
        )
        ordering = ("-sent_at", "-id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = (
            "origin", "origin_encounter", "specialty", "urgency", "diagnosis", "reason_code", "reason", "history",
            "examination", "question", "medicines", "allergies", "plan", "booking", "encounter", "reply",
            "points", "summary",
        )  # fmt: skip
        operational = (
            "number", "direction", "from_organization", "to_organization", "from_practitioner", "agreement",
            "has_consent", "is_green_channel", "status", "sent_at", "answered_at", "arrived_at", "due_at", "clock_from",
            "answer_by", "policy_ref", "summary_sha256",
        )  # fmt: skip


class Part(BaseModel):
    """One examination or bed kept with a letter, beside its visit (FHIR Appointment based on the ServiceRequest)."""

    class Kind(models.TextChoices):
        ECG = "ecg", _("心电图")
        CT = "ct", "CT"
        ULTRASOUND = "ultrasound", _("超声")
        LABORATORY = "laboratory", _("检验")
        WARD = "ward", _("住院床位")

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="parts")
    kind = models.CharField(max_length=12, choices=Kind)
    booking = models.OneToOneField(Booking, models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(kind__in=ORDERED), name="referral_part_kind_known"),)
        ordering = ("id",)

    class Privacy:
        rows = Rows("seen with the letter", OF_REFERRAL)
        identifying = ()
        clinical = ("referral", "kind", "booking")
        operational = ()
