"""What the bureau allows private houses and in-house clinics of communities."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared
from kangqiao.domain.contracting.models.packages import DateRange
from kangqiao.domain.contracting.states import APPROVAL
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.states import State


class Approval(BaseModel):
    """Whether a house may contract, asked for by it and decided by the bureau of its place (XH23-5.2.3c).

    `said` are the words of the house, `answer` those of the bureau. `ends_on` is the first day no longer approved.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=APPROVAL.choices(), default=APPROVAL.initial)
    asked_at = models.DateTimeField()
    said = models.CharField(max_length=500)
    answer = models.CharField(max_length=300, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=("granted", "withdrawn"), starts_on__isnull=False)
                | (~Q(status__in=("granted", "withdrawn")) & Q(starts_on__isnull=True, ends_on__isnull=True)),
                name="approval_granted_from_a_day",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("asked", "taken_back")) | ~Q(answer=""), name="approval_decided_in_words"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="approval_term"
            ),
            models.UniqueConstraint(fields=("organization",), condition=Q(status="asked"), name="approval_asked_once"),
            ExclusionConstraint(
                name="approval_one_at_a_time",
                expressions=(
                    ("organization", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
                condition=Q(starts_on__isnull=False),
            ),
        )
        ordering = ("-asked_at", "-id")

    class Privacy:
        rows = shared("houses, not people")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "status", "asked_at", "said", "answer", "starts_on", "ends_on", "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.organization_id} {self.starts_on or ''}"

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return APPROVAL.state(self.status)

    @property
    def last_day(self) -> date | None:
        """The last day that is approved; None while no end is set."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None
