"""Appraisals and their items."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared
from kangqiao.domain.appraisal.states import APPRAISAL
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.institutions.models import Organization


class Appraisal(BaseModel):
    """One organisation judged for one year by one authority (FHIR MeasureReport group).

    `pay_percent` is the share of the computed money that the score releases.
    """

    subject = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    authority = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16, choices=APPRAISAL.choices(), default=APPRAISAL.initial)
    score = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    pay_percent = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("subject", "year"), name="appraisal_once_a_year"),
            models.CheckConstraint(
                condition=~Q(status="closed")
                | Q(score__isnull=False, pay_percent__isnull=False, closed_at__isnull=False),
                name="appraisal_closed_is_whole",
            ),
        )
        ordering = ("-year", "subject")

    class Privacy:
        rows = shared("organisations judged, not people")
        identifying = ()
        clinical = ()
        operational = ("subject", "authority", "year", "status", "score", "pay_percent", "closed_at", "policy_ref")


class AppraisalItem(BaseModel):
    """One indicator in an appraisal: measured value, target, weight, points."""

    appraisal = models.ForeignKey(Appraisal, models.PROTECT, related_name="items")
    indicator = models.CharField(max_length=60)
    report = models.ForeignKey(MeasureReport, models.PROTECT, null=True, blank=True, related_name="+")
    weight = models.DecimalField(max_digits=6, decimal_places=2)
    floor = models.DecimalField(max_digits=12, decimal_places=4)
    target = models.DecimalField(max_digits=12, decimal_places=4)
    value = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    points = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    clause = models.CharField(max_length=30, blank=True)
    is_setting = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("appraisal", "indicator"), name="appraisal_item_once"),)
        ordering = ("appraisal", "id")

    class Privacy:
        rows = shared("organisations judged, not people")
        identifying = ()
        clinical = ()
        operational = (
            "appraisal", "indicator", "report", "weight", "floor", "target", "value", "points", "clause", "is_setting",
        )  # fmt: skip
