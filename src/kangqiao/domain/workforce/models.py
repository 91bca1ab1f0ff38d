"""Practitioners and the days they are away."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import SEATED, Rows
from kangqiao.domain.accounts.models import STAFF, User
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.terminology.models import Concept


class Practitioner(BaseModel):
    """A licensed member of staff with title and specialty (FHIR Practitioner with qualification)."""

    class TitleKind(models.TextChoices):
        PHYSICIAN = "physician", _("医师")
        PHARMACIST = "pharmacist", _("药师")
        NURSE = "nurse", _("护师")
        TECHNICIAN = "technician", _("技师")

    class TitleGrade(models.TextChoices):
        RESIDENT = "resident", _("初级")
        ATTENDING = "attending", _("中级")
        ASSOCIATE_SENIOR = "associate_senior", _("副高级")
        SENIOR = "senior", _("正高级")

    class Field(models.TextChoices):
        CLINICAL = "clinical", _("临床")
        PUBLIC_HEALTH = "public_health", _("公共卫生")
        MCH = "mch", _("妇幼保健")
        TCM = "tcm", _("中医")
        NUTRITION = "nutrition", _("营养")

    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=10)
    licence_number = models.CharField(max_length=40, unique=True)
    is_licensed = models.BooleanField(default=True)
    title_kind = models.CharField(max_length=16, choices=TitleKind)
    title_grade = models.CharField(max_length=20, choices=TitleGrade)
    field = models.CharField(max_length=16, choices=Field, default=Field.CLINICAL)
    specialty = models.ForeignKey(Concept, models.PROTECT, null=True, blank=True, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    profile = models.TextField(blank=True)
    is_demo = models.BooleanField(default=False)
    keys = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        indexes = (
            GinIndex(fields=("keys",), name="practitioner_keys"),
            models.Index(fields=("organization", "title_grade"), name="practitioner_by_employer"),
        )
        ordering = ("organization", "id")

    class Privacy:
        rows = Rows("residents choose experts by name, colleagues find each other", SEATED)
        identifying = ("user", "name", "sex", "licence_number", "keys")
        clinical = ()
        operational = (
            "is_licensed", "title_kind", "title_grade", "field", "specialty", "organization", "profile", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.name


class Absence(BaseModel):
    """Days or a half-day on which a practitioner cannot be rostered."""

    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="absences")
    starts_on = models.DateField()
    ends_on = models.DateField()
    half = models.CharField(max_length=2, blank=True, choices=(("am", "上午"), ("pm", "下午")))
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="absence_ends_after_start"),
        )
        ordering = ("starts_on", "id")

    class Privacy:
        rows = Rows("whoever plans around it", STAFF)
        identifying = ("practitioner",)
        clinical = ("reason",)
        operational = ("starts_on", "ends_on", "half")
