"""Code lists: one row per concept of a code system."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared


class Concept(BaseModel):
    """One code of one code system, such as the specialty `paediatrics` (FHIR CodeSystem.concept)."""

    class System(models.TextChoices):
        SPECIALTY = "specialty", _("专科")
        DIAGNOSIS = "diagnosis", _("诊断")
        REFERRAL_REASON = "referral_reason", _("转诊指征")
        RETURN_REASON = "return_reason", _("退回原因")

    system = models.CharField(max_length=32, choices=System)
    code = models.CharField(max_length=40)
    zh = models.CharField(max_length=100)
    en = models.CharField(max_length=160, blank=True)
    keys = ArrayField(models.CharField(max_length=200), default=list)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("system", "code"), name="concept_once"),)
        indexes = (GinIndex(fields=("keys",), name="concept_keys"),)
        ordering = ("system", "position", "code")

    class Privacy:
        rows = shared("code lists")
        identifying = ()
        clinical = ()
        operational = ("system", "code", "zh", "en", "keys", "position", "is_active")

    def __str__(self) -> str:
        return self.zh
