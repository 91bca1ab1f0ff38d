"""Encounters, conditions and documents."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.workforce.models import Practitioner


class Encounter(BaseModel):
    """One visit of a resident at a centre or hospital (FHIR Encounter)."""

    class Origin(models.TextChoices):
        WALK_IN = "walk_in", _("直接就诊")
        BOOKING = "booking", _("预约就诊")
        REFERRAL = "referral", _("转诊就诊")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    origin = models.CharField(max_length=16, choices=Origin)
    # Set when a posted expert saw the resident at the centre.
    is_posted_expert = models.BooleanField(default=False)
    diagnosis = models.CharField(max_length=40, blank=True)
    summary = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("resident", "started_at"), name="encounter_resident"),
            models.Index(fields=("organization", "started_at"), name="encounter_organization"),
        )
        ordering = ("started_at", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("specialty", "diagnosis", "summary", "origin")
        operational = ("organization", "practitioner", "started_at", "is_posted_expert")


class Condition(BaseModel):
    """A problem the resident lives with, such as hypertension (FHIR Condition)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    zh = models.CharField(max_length=100)
    since = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("resident", "code"), name="condition_once"),)

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("code", "zh", "since")
        operational = ()


class Document(BaseModel):
    """A signed letter in the record: visit summary, discharge plan (FHIR DocumentReference)."""

    class Kind(models.TextChoices):
        VISIT_SUMMARY = "visit_summary", _("就诊小结")
        REFERRAL_LETTER = "referral_letter", _("转诊单")
        CARE_PLAN = "care_plan", _("康复与随访计划")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="documents")
    kind = models.CharField(max_length=24, choices=Kind)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    signed_by = models.CharField(max_length=100)
    signed_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ("signed_at", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "signed_by")
        clinical = ("encounter", "kind", "text")
        operational = ("organization", "signed_at")
