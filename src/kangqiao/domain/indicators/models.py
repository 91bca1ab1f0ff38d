"""Frozen results of indicators."""

from django.db import models
from django.db.models import F, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared
from kangqiao.domain.institutions.models import Organization


class MeasureReport(BaseModel):
    """One indicator for one organisation and period, frozen with its inputs (FHIR MeasureReport).

    `inputs` holds the ids and figures of the rows counted, `sha256` is the digest of that snapshot.
    """

    indicator = models.CharField(max_length=60)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    numerator = models.DecimalField(max_digits=18, decimal_places=4)
    denominator = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    value = models.DecimalField(max_digits=18, decimal_places=6, null=True, blank=True)
    unit = models.CharField(max_length=24)
    as_of = models.DateTimeField()
    inputs = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    policy_ref = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="measure_report_term"),
            models.UniqueConstraint(
                fields=("indicator", "organization", "starts_on", "ends_on", "as_of"), name="measure_report_once"
            ),
        )
        ordering = ("indicator", "organization", "-as_of")

    class Privacy:
        rows = shared("figures of organisations; their inputs are ids")
        identifying = ()
        clinical = ()
        operational = (
            "indicator", "organization", "starts_on", "ends_on", "numerator", "denominator", "value", "unit", "as_of",
            "inputs", "sha256", "policy_ref",
        )  # fmt: skip
