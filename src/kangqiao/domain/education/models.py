"""What centres write for residents, and what was sent to whom and read."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident


class Material(BaseModel):
    """Something to read for residents, shared by all centres, until it is taken back (FHIR DocumentReference).

    `audience` holds ICD-10 categories and keys of groups; empty, it is for everybody. `source` is what it rests on.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    title = models.CharField(max_length=60)
    text = models.TextField()
    source = models.CharField(max_length=200)
    audience = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    written_at = models.DateTimeField()
    by_name = models.CharField(max_length=100)
    # The first day on which it is not sent any more; who got it still reads it.
    until = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(title="") & ~Q(text="") & ~Q(source=""), name="material_is_whole"),
            models.UniqueConstraint(
                fields=("organization", "title"), condition=Q(until__isnull=True), name="material_once"
            ),
        )
        ordering = ("-written_at", "-id")

    class Privacy:
        rows = shared("health education for everybody, no person")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "title", "text", "source", "audience", "written_at", "by_name", "until", "is_demo",
        )  # fmt: skip


class Sending(BaseModel):
    """One material sent to one resident, once ever, and when it was first opened (FHIR Communication)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    material = models.ForeignKey(Material, models.PROTECT, related_name="sendings")
    # Whose contracted resident it was then.
    desk = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resident", "material"), name="sending_once"),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True) | Q(opened_at__gte=F("sent_at")), name="sending_opened_after"
            ),
        )
        indexes = (models.Index(fields=("material", "desk"), name="sending_counted"),)
        ordering = ("-sent_at", "-id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("material",)
        operational = ("desk", "sent_at", "opened_at")
