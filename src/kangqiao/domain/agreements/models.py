"""Agreements, their parties and their duties."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.agreements.states import AGREEMENT
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.states import State


class DateRange(Func):
    """The SQL date range of two date columns, end excluded."""

    function = "DATERANGE"
    output_field = DateRangeField()


class Agreement(BaseModel):
    """A hospital's dated promise to a centre (FHIR OrganizationAffiliation with Contract).

    `joint_building` is the 联建协管 relation itself, `target` the yearly target agreement under it, `pairing` the
    Shenzhen pairing agreement. `ends_on` is the first day no longer covered.
    """

    class Kind(models.TextChoices):
        JOINT_BUILDING = "joint_building", _("联建协管")
        TARGET = "target", _("目标协议书")
        PAIRING = "pairing", _("定点帮扶指导协议")

    kind = models.CharField(max_length=20, choices=Kind)
    number = models.CharField(max_length=40, unique=True)
    hospital = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    responsible_office = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    status = models.CharField(max_length=24, choices=AGREEMENT.choices(), default=AGREEMENT.initial)
    forms = models.JSONField(default=list)
    justification = models.TextField(blank=True)
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="agreement_term"),
            # One responsible hospital per centre at any time, and no second agreement of a kind for the same pair.
            ExclusionConstraint(
                name="agreement_one_responsible_hospital",
                expressions=(
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("centre", RangeOperators.EQUAL),
                ),
                condition=Q(kind="joint_building", status__in=("signed", "in_force", "ending_requested")),
            ),
            ExclusionConstraint(
                name="agreement_once_per_pair",
                expressions=(
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("centre", RangeOperators.EQUAL),
                    ("hospital", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                ),
                condition=Q(status__in=("signing", "signed", "in_force", "ending_requested")),
            ),
        )
        indexes = (
            models.Index(fields=("hospital", "status"), name="agreement_hospital"),
            models.Index(fields=("centre", "status"), name="agreement_centre"),
        )
        ordering = ("number",)

    class Privacy:
        rows = shared("what bodies promised each other, published every year")
        identifying = ()
        clinical = ()
        operational = (
            "kind", "number", "hospital", "centre", "responsible_office", "starts_on", "ends_on", "status", "forms",
            "justification", "previous", "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return AGREEMENT.state(self.status)

    @property
    def last_day(self) -> date:
        """The last day the agreement covers."""
        return self.ends_on - timedelta(days=1)


class Party(BaseModel):
    """One organisation whose signature an agreement needs (FHIR Contract.signer)."""

    class Side(models.TextChoices):
        HOSPITAL = "hospital", _("医院")
        CENTRE = "centre", _("社区卫生服务中心")
        HOST_HOSPITAL = "host_hospital", _("举办医院")
        AUTHORITY = "authority", _("卫生行政部门")

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="parties")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    side = models.CharField(max_length=16, choices=Side)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("agreement", "side"), name="party_once"),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, signed_by="") | (Q(signed_at__isnull=False) & ~Q(signed_by="")),
                name="party_signature_is_whole",
            ),
        )
        ordering = ("id",)

    class Privacy:
        rows = Rows("who signed is known to whoever works here", STAFF)
        identifying = ("signed_by",)
        clinical = ()
        operational = ("agreement", "organization", "side", "signed_at")


class Duty(BaseModel):
    """One thing a party must do, with its figure from the pack and the clause that orders it (FHIR Contract.term)."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="duties")
    side = models.CharField(max_length=16, choices=Party.Side)
    measure = models.CharField(max_length=40)
    zh = models.CharField(max_length=200)
    en = models.CharField(max_length=300, blank=True)
    target = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    unit = models.CharField(max_length=40, blank=True)
    clause = models.CharField(max_length=30)
    force = models.CharField(max_length=16, default="binding")
    is_setting = models.BooleanField(default=False)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agreement", "side", "measure"), name="duty_once"),)
        ordering = ("agreement", "side", "id")

    class Privacy:
        rows = shared("what bodies promised each other")
        identifying = ()
        clinical = ()
        operational = (
            "agreement", "side", "measure", "zh", "en", "target", "unit", "clause", "force", "is_setting", "policy_ref",
        )  # fmt: skip
