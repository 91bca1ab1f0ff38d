"""Monthly reports of stations and their numbers."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared
from kangqiao.domain.institutions.models import Organization


class StationReport(BaseModel):
    """What a station did in a month, as it came in on a day; a correction is the next version (FHIR MeasureReport).

    `month` is its first day. `why` says what was wrong with the version before.
    """

    station = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    month = models.DateField()
    version = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    received_on = models.DateField()
    received_at = models.DateTimeField()
    by_name = models.CharField(max_length=100)
    why = models.CharField(max_length=200, blank=True)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("station", "month", "version"), name="station_report_version_once"),
            models.UniqueConstraint(
                fields=("station", "month"), condition=Q(is_current=True), name="station_report_one_current"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="station_report_of_a_month"),
            models.CheckConstraint(condition=Q(version=1) | ~Q(why=""), name="station_report_corrected_in_words"),
        )
        ordering = ("station", "-month", "-version")

    class Privacy:
        rows = shared("counts of houses, not people")
        identifying = ()
        clinical = ()
        operational = (
            "station", "month", "version", "is_current", "received_on", "received_at", "by_name", "why", "policy_ref",
            "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.station_id} {self.month:%Y-%m} {self.version}"


class StationCount(BaseModel):
    """How many services of one kind a report tells (FHIR MeasureReport.group)."""

    report = models.ForeignKey(StationReport, models.PROTECT, related_name="counts")
    kind = models.CharField(max_length=24)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("report", "kind"), name="station_count_once"),)
        ordering = ("id",)

    class Privacy:
        rows = shared("counts of houses, not people")
        identifying = ()
        clinical = ()
        operational = ("report", "kind", "number")
