"""What a contract can promise: packages and their items."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared
from kangqiao.domain.institutions.models import Organization


class DateRange(Func):
    """The SQL date range of two date columns, end excluded."""

    function = "DATERANGE"
    output_field = DateRangeField()


class Act(models.TextChoices):
    """What a package promises and the record can show, and what else the members of a team do."""

    VISIT = "visit", _("诊疗")
    FOLLOW_UP = "follow_up", _("随访")
    CHECK_UP = "check_up", _("体检和评估")
    CHILD_CHECK = "child_check", _("儿童检查")
    VACCINATION = "vaccination", _("预防接种")
    MATERNAL = "maternal", _("孕产期保健")
    TCM = "tcm", _("中医")
    REHABILITATION = "rehabilitation", _("康复")
    NURSING = "nursing", _("护理")
    DENTAL = "dental", _("口腔")
    REFERRAL = "referral", _("转诊")
    PRESCRIPTION = "prescription", _("开处方")
    CONTACT = "contact", _("联系和提醒")
    HOME_VISIT = "home_visit", _("上门看望")
    ESCORT = "escort", _("陪诊和代办")
    ACTIVITY = "activity", _("健康活动")
    MEASURING = "measuring", _("测量")


# What members do beside it; no package of a house promises it, since its kind alone shows in no row of the record.
UNPROMISED = (Act.PRESCRIPTION, Act.CONTACT, Act.HOME_VISIT, Act.ESCORT, Act.ACTIVITY, Act.MEASURING)


class Group(models.TextChoices):
    """For whom a package is; all but the first are key groups."""

    EVERYONE = "everyone", _("所有居民")
    ELDERLY = "elderly", _("老年人")
    PREGNANT = "pregnant", _("孕产妇")
    CHILD = "child", _("0—6岁儿童")
    HYPERTENSION = "hypertension", _("高血压")
    DIABETES = "diabetes", _("糖尿病")
    DISABLED = "disabled", _("残疾人")
    LOW_INCOME = "low_income", _("低收入")


class ServicePackage(BaseModel):
    """What a contract promises: a dated, named set of items for one group (FHIR PlanDefinition).

    `organization` offers it: a centre its own, a bureau for all centres of its place.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    code = models.SlugField(max_length=40)
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100, blank=True)
    group = models.CharField(max_length=16, choices=Group)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    clause = models.CharField(max_length=30, blank=True)
    is_setting = models.BooleanField(default=True)
    reason = models.TextField(blank=True)
    policy_ref = models.CharField(max_length=120, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="service_package_term"
            ),
            ExclusionConstraint(
                name="service_package_one_at_a_time",
                expressions=(
                    ("organization", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
            ),
        )
        ordering = ("id",)

    class Privacy:
        rows = shared("what is offered is published")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "code", "zh", "en", "group", "starts_on", "ends_on", "clause", "is_setting", "reason",
            "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.zh

    @property
    def year_fen(self) -> int:
        """What all items of a year cost together, in fen."""
        return sum(one.fen * one.times for one in self.items.all())


class PackageItem(BaseModel):
    """One service of a package: how often a year, and what it costs each time in fen (FHIR PlanDefinition.action)."""

    package = models.ForeignKey(ServicePackage, models.PROTECT, related_name="items")
    act = models.CharField(max_length=20, choices=Act)
    zh = models.CharField(max_length=100)
    en = models.CharField(max_length=150, blank=True)
    times = models.PositiveSmallIntegerField()
    fen = models.PositiveIntegerField(default=0)
    # ICD-10 categories by which a visit is known to have been this service, or the words of other rows of the record
    # (`pathways/contract_services.py`); none: every visit without a closer one.
    codes = ArrayField(models.CharField(max_length=10), default=list, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(times__gte=1), name="package_item_at_least_once"),
            models.UniqueConstraint(fields=("package", "zh"), name="package_item_once"),
        )
        ordering = ("package", "id")

    class Privacy:
        rows = shared("what is offered is published")
        identifying = ()
        clinical = ()
        operational = ("package", "act", "zh", "en", "times", "fen", "codes")
