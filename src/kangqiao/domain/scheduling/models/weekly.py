"""What a hospital's clinics come from: templates of the week, single days that differ, and the calendar of days."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner


class DayRange(Func):
    """The SQL range of two days, end excluded."""

    function = "DATERANGE"
    output_field = DateRangeField()


class ClockRange(Func):
    """The SQL range of two times of any one day, end excluded."""

    template = "TSRANGE(DATE '2000-01-01' + %(expressions)s)"
    arg_joiner = ", DATE '2000-01-01' + "
    output_field = DateTimeRangeField()


class Weekday(models.IntegerChoices):
    """The days of a week, counted as ISO 8601 does."""

    MONDAY = 1, _("周一")
    TUESDAY = 2, _("周二")
    WEDNESDAY = 3, _("周三")
    THURSDAY = 4, _("周四")
    FRIDAY = 5, _("周五")
    SATURDAY = 6, _("周六")
    SUNDAY = 7, _("周日")


class ClinicTemplate(BaseModel):
    """A clinic that a doctor holds each week, from a day on: what sessions are opened from (FHIR Schedule).

    `until` is the first day it no longer holds; ended before it began, it never does. `walk_in_percent` of the times
    can be booked on the day alone.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=40)
    room = models.CharField(max_length=60, blank=True)
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()
    slot_minutes = models.PositiveSmallIntegerField()
    capacity = models.PositiveSmallIntegerField()
    walk_in_percent = models.PositiveSmallIntegerField(default=0)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="template_ends_after_start"),
            models.CheckConstraint(condition=Q(slot_minutes__gte=1, capacity__gte=1), name="template_has_places"),
            models.CheckConstraint(condition=Q(walk_in_percent__lte=100), name="template_walk_ins_a_share"),
            models.CheckConstraint(condition=Q(weekday__gte=1, weekday__lte=7), name="template_on_a_weekday"),
            models.CheckConstraint(condition=Q(until=None) | Q(until__gte=F("since")), name="template_until_after"),
            ExclusionConstraint(
                name="template_practitioner_in_one_place",
                expressions=(
                    ("practitioner", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (ClockRange("starts", "ends"), RangeOperators.OVERLAPS),
                    (DayRange("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
            ),
        )
        indexes = (models.Index(fields=("organization", "weekday"), name="template_organization"),)
        ordering = ("weekday", "starts", "id")

    class Privacy:
        rows = Rows("how a hospital plans its week is known to those who work with it", STAFF)
        identifying = ("set_by",)
        clinical = ()
        operational = (
            "organization", "practitioner", "specialty", "room", "weekday", "starts", "ends", "slot_minutes",
            "capacity", "walk_in_percent", "since", "until", "set_at",
        )  # fmt: skip

    # Filled in by whoever reads the list: what the specialty is called.
    department: Concept | None = None

    @property
    def last_day(self) -> date | None:
        """The last day it holds; none while it holds until further notice."""
        return self.until and self.until - timedelta(days=1)


class ClinicException(BaseModel):
    """A single day on which a template's clinic is not held, with the reason (FHIR Schedule, unavailable)."""

    template = models.ForeignKey(ClinicTemplate, models.PROTECT, related_name="exceptions")
    day = models.DateField()
    reason = models.CharField(max_length=200)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("template", "day"), name="clinic_exception_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="clinic_exception_has_a_reason"),
        )
        ordering = ("day", "id")

    class Privacy:
        rows = Rows("how a hospital plans its week is known to those who work with it", STAFF)
        identifying = ("set_by",)
        clinical = ()
        operational = ("template", "day", "reason", "set_at")


class OpeningNote(BaseModel):
    """What the last night opened from a hospital's templates, until which day, and what not and why.

    `skipped` has for each clinic left out its `template`, its `day`, the `skip` by its code and, where somebody said
    one, the reason as they wrote it. No FHIR resource: it is a note of a job.
    """

    organization = models.OneToOneField(Organization, models.PROTECT, related_name="+")
    ran_at = models.DateTimeField()
    last_day = models.DateField()
    opened = models.PositiveIntegerField()
    skipped = models.JSONField(default=list)

    class Meta:
        ordering = ("id",)

    class Privacy:
        rows = Rows("how a hospital plans its week is known to those who work with it", STAFF)
        identifying = ()
        clinical = ()
        operational = ("organization", "ran_at", "last_day", "opened", "skipped")


class CalendarDay(BaseModel):
    """A day that counts otherwise than the announced holidays say: closed, or worked as a weekday, with the reason.

    Of a place, as its bureau says, or of one hospital; the hospital's own word comes first.
    """

    place = models.ForeignKey(Place, models.PROTECT, null=True, blank=True, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    day = models.DateField()
    works_as = models.PositiveSmallIntegerField(choices=Weekday, null=True, blank=True)
    reason = models.CharField(max_length=200)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(place=None, organization__isnull=False) | Q(place__isnull=False, organization=None),
                name="calendar_day_of_one",
            ),
            models.CheckConstraint(
                condition=Q(works_as=None) | Q(works_as__gte=1, works_as__lte=7), name="calendar_day_a_weekday"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="calendar_day_has_a_reason"),
            models.UniqueConstraint(
                fields=("place", "day"), condition=Q(organization=None), name="calendar_day_once_a_place"
            ),
            models.UniqueConstraint(
                fields=("organization", "day"), condition=Q(place=None), name="calendar_day_once_a_house"
            ),
        )
        ordering = ("day", "id")

    class Privacy:
        rows = Rows("on which days is worked is known to whoever works here", STAFF)
        identifying = ("set_by",)
        clinical = ()
        operational = ("place", "organization", "day", "works_as", "reason", "set_at")
