"""Postings, rosters, half-days and the work done in them."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import SEATED, Rows, shared
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.states import HALF_DAY, POSTING, ROSTER
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.workforce.models import Practitioner


class DateRange(Func):
    """The SQL date range of two date columns, end excluded; no end means for good."""

    function = "DATERANGE"
    output_field = DateRangeField()


class Posting(BaseModel):
    """An expert's service at a centre under an agreement, from a day to a day (FHIR PractitionerRole)."""

    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    status = models.CharField(max_length=16, choices=POSTING.choices(), default=POSTING.initial)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="posting_term"),
            ExclusionConstraint(
                name="posting_once_per_centre",
                expressions=(
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("practitioner", RangeOperators.EQUAL),
                    ("centre", RangeOperators.EQUAL),
                ),
                condition=Q(status__in=("nominated", "approved", "posted")),
            ),
        )
        indexes = (models.Index(fields=("centre", "status"), name="posting_centre"),)
        ordering = ("starts_on", "id")

    class Privacy:
        rows = Rows("where experts sit is what residents choose from", SEATED)
        identifying = ("practitioner",)
        clinical = ()
        operational = ("centre", "agreement", "starts_on", "ends_on", "status", "policy_ref")

    @property
    def last_day(self) -> date:
        """The last day of the posting, as a reader says it; `ends_on` is the first day no longer covered."""
        return self.ends_on - timedelta(days=1)


class Roster(BaseModel):
    """One planning run for a place and some weeks, with its proof (bound and gap) and what stayed unmet."""

    place = models.ForeignKey(Place, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    version = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=16, choices=ROSTER.choices(), default=ROSTER.initial)
    objective = models.FloatField(null=True, blank=True)
    bound = models.FloatField(null=True, blank=True)
    gap = models.FloatField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)
    unmet = models.JSONField(default=list)
    policy_ref = models.CharField(max_length=120)
    planned_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("place", "starts_on", "version"), name="roster_version_once"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="roster_term"),
        )
        ordering = ("-starts_on", "-version")

    class Privacy:
        rows = shared("plans by place and week, and what stayed unmet")
        identifying = ()
        clinical = ()
        operational = (
            "place", "starts_on", "ends_on", "version", "status", "objective", "bound", "gap", "cpu_seconds", "unmet",
            "policy_ref", "planned_at",
        )  # fmt: skip


class HalfDay(BaseModel):
    """One expert at one centre for one half of one day (half-day clinic, FHIR Schedule)."""

    class Half(models.TextChoices):
        MORNING = "am", "上午"
        AFTERNOON = "pm", "下午"

    roster = models.ForeignKey(Roster, models.PROTECT, related_name="half_days")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="half_days")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    day = models.DateField()
    half = models.CharField(max_length=2, choices=Half)
    status = models.CharField(max_length=16, choices=HALF_DAY.choices(), default=HALF_DAY.initial)
    # Moved or set by a person: a later planning run keeps it.
    is_fixed = models.BooleanField(default=False)
    hospital_confirmed_at = models.DateTimeField(null=True, blank=True)
    centre_confirmed_at = models.DateTimeField(null=True, blank=True)
    session = models.OneToOneField(Session, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("practitioner", "day", "half"),
                condition=~Q(status="cancelled"),
                name="half_day_expert_in_one_place",
            ),
        )
        indexes = (models.Index(fields=("centre", "day"), name="half_day_centre"),)
        ordering = ("day", "half", "centre")

    class Privacy:
        rows = Rows("where experts sit is what residents choose from", SEATED)
        identifying = ("practitioner",)
        clinical = ()
        operational = (
            "roster", "posting", "centre", "day", "half", "status", "is_fixed", "hospital_confirmed_at",
            "centre_confirmed_at", "session",
        )  # fmt: skip


class Activity(BaseModel):
    """What a posted expert did in a half-day, by type and number of people."""

    class Kind(models.TextChoices):
        CLINIC = "clinic", "门诊服务"
        COACHING = "coaching", "指导全科医生诊疗"
        CASE_DISCUSSION = "case_discussion", "组织病例讨论"
        LECTURE = "lecture", "专业讲座培训"
        HEALTH_EDUCATION = "health_education", "健康教育及咨询"

    half_day = models.ForeignKey(HalfDay, models.PROTECT, related_name="activities")
    kind = models.CharField(max_length=20, choices=Kind)
    topic = models.CharField(max_length=200, blank=True)
    people = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    note = models.TextField(blank=True)
    recorded_by = models.CharField(max_length=100)

    class Meta:
        ordering = ("started_at", "id")

    class Privacy:
        rows = Rows("what was done is known to whoever works here", STAFF)
        identifying = ("recorded_by",)
        clinical = ("note",)
        operational = ("half_day", "kind", "topic", "people", "started_at")
