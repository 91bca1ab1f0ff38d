"""Pilots of the one-stop service, visits with all of a team, and their steps (FT18-3.1a)."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.contracting.models.contracts import Contract
from kangqiao.domain.contracting.models.teams import TeamMember
from kangqiao.domain.contracting.states import ONE_STOP
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.states import State


class TimeRange(Func):
    """The SQL range of two moments, end excluded."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Pilot(BaseModel):
    """A centre tries the one-stop service, from a day until a day (FHIR HealthcareService).

    `ends_on` is the first day it is no longer tried.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    aim = models.CharField(max_length=300, blank=True)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="pilot_term"
            ),
            models.UniqueConstraint(fields=("organization",), condition=Q(ends_on__isnull=True), name="pilot_one_open"),
        )
        ordering = ("-starts_on", "-id")

    class Privacy:
        rows = shared("which centres try it")
        identifying = ()
        clinical = ()
        operational = ("organization", "starts_on", "ends_on", "aim", "policy_ref", "is_demo")

    @property
    def last_day(self) -> date | None:
        """The last day of the pilot; None while no end is set."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None


class OneStop(BaseModel):
    """A contracted resident comes once and is served by all members needed, one after another (FHIR Appointment)."""

    pilot = models.ForeignKey(Pilot, models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    flow = models.CharField(max_length=24)
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100)
    on = models.DateField()
    status = models.CharField(max_length=16, choices=ONE_STOP.choices(), default=ONE_STOP.initial)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resident", "on"), condition=~Q(status="cancelled"), name="one_stop_once_a_day"
            ),
        )
        indexes = (models.Index(fields=("pilot", "on"), name="one_stop_on"),)
        ordering = ("on", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("flow", "zh", "en")
        operational = ("pilot", "contract", "on", "status", "policy_ref")

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return ONE_STOP.state(self.status)


class OneStopStep(BaseModel):
    """One step of a visit: which member of the team, from when until when, and when it was done (FHIR Task).

    `source` names the row of the record that shows it, such as `encounter:12`. `is_off` frees the time of a visit that
    was called off.
    """

    visit = models.ForeignKey(OneStop, models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=TeamMember.Kind)
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    by_name = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=40, blank=True)
    is_off = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("visit", "number"), name="one_stop_step_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="one_stop_step_term"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, by_name="", source="")
                | (Q(done_at__isnull=False, is_off=False) & ~Q(by_name="")),
                name="one_stop_step_done_by_somebody",
            ),
            # Nobody serves two people at one moment.
            ExclusionConstraint(
                name="one_stop_one_at_a_time",
                expressions=(
                    ("practitioner", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ),
                condition=Q(is_off=False),
            ),
        )
        ordering = ("visit", "number")

    class Privacy:
        rows = Rows("seen with the visit", "EXISTS (SELECT FROM contracting_onestop one WHERE one.id = visit_id)")
        identifying = ("practitioner", "by_name")
        clinical = ("zh", "en", "source")
        operational = ("visit", "number", "kind", "starts_at", "ends_at", "done_at", "is_off")
