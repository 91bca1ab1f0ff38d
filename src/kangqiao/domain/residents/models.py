"""Residents and the ledger of bases."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.domain.accounts.models import User
from kangqiao.domain.institutions.models import Organization


class Resident(BaseModel):
    """A person living in the area, registered at one centre (FHIR Patient)."""

    class Sex(models.TextChoices):
        MALE = "male", _("男")
        FEMALE = "female", _("女")
        UNKNOWN = "unknown", _("未知")

    class Insurance(models.TextChoices):
        EMPLOYEE = "employee", _("职工医保")
        RESIDENT = "resident", _("居民医保")
        OTHER = "other", _("其他")
        NONE = "none", _("未参保")

    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=10, choices=Sex)
    birth_date = models.DateField()
    identifier = models.CharField(max_length=40, unique=True)
    phone = models.CharField(max_length=30, blank=True)
    address = models.CharField(max_length=200, blank=True)
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    insurance = models.CharField(max_length=16, choices=Insurance, default=Insurance.RESIDENT)
    deceased_on = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    keys = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        indexes = (
            GinIndex(fields=("keys",), name="resident_keys"),
            models.Index(fields=("centre", "birth_date"), name="resident_centre_birth"),
        )
        ordering = ("id",)

    class Privacy:
        identifying = ("user", "name", "sex", "birth_date", "identifier", "phone", "address", "keys")
        clinical = ("deceased_on",)
        operational = ("centre", "insurance", "is_demo")

    def __str__(self) -> str:
        return self.name


class Basis(BaseModel):
    """Why an organisation or a person may see a resident, from when until when (FHIR Consent.provision)."""

    class Kind(models.TextChoices):
        OWN = "own", _("本人")
        REGISTERED = "registered", _("登记中心")
        BOOKING = "booking", _("预约")
        REFERRAL = "referral", _("转诊")
        ENCOUNTER = "encounter", _("就诊")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="bases")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    source = models.CharField(max_length=80)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(organization__isnull=False, user__isnull=True)
                | Q(organization__isnull=True, user__isnull=False),
                name="basis_has_one_holder",
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="basis_term"),
            models.UniqueConstraint(
                fields=("resident", "organization", "user", "kind", "source"),
                name="basis_once",
                nulls_distinct=False,
            ),
        )
        indexes = (
            models.Index(fields=("organization", "resident"), name="basis_by_organization"),
            models.Index(fields=("user", "resident"), name="basis_by_user"),
        )

    class Privacy:
        identifying = ("resident", "user")
        clinical = ("kind", "source")
        operational = ("organization", "since", "until")
