"""Samples of contract service, and each item in them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, Rows, shared
from kangqiao.domain.contracting.models import Contract, Service, Team
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.quality.states import SAMPLED
from kangqiao.kernel.states import State

OF_SAMPLING = (
    f"EXISTS (SELECT FROM quality_sampling s WHERE s.id = sampling_id AND {HOUSE} IN (s.bureau_id, s.centre_id))"
)


class Sampling(BaseModel):
    """Contracts and services of a centre that a bureau drew by lot, team by team (FHIR Group; XH23-5.2.4a).

    `seed` draws the same again of the same; `frame` keeps how many there were to draw from: team → [contracts,
    services]. `ends_on` is the last day of the time it looks at.
    """

    bureau = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField()
    size = models.PositiveSmallIntegerField()
    seed = models.PositiveIntegerField()
    frame = models.JSONField(default=dict)
    drawn_at = models.DateTimeField()
    by_name = models.CharField(max_length=100)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="sampling_term"),
            models.CheckConstraint(condition=Q(size__gte=1), name="sampling_of_something"),
            models.UniqueConstraint(
                fields=("bureau", "centre", "starts_on", "ends_on", "seed"), name="sampling_drawn_once"
            ),
        )
        ordering = ("-drawn_at", "-id")

    class Privacy:
        rows = shared("houses and counts, not people")
        identifying = ()
        clinical = ()
        operational = (
            "bureau", "centre", "starts_on", "ends_on", "size", "seed", "frame", "drawn_at", "by_name", "policy_ref",
            "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.centre_id} {self.starts_on:%Y-%m-%d} {self.seed}"


class SampledItem(BaseModel):
    """A contract or a service that was drawn: how it was checked, what was found, how it was put right (FHIR Task).

    It holds the number of the contract and what the service was, since a bureau does not see the rows behind it.
    """

    class Kind(models.TextChoices):
        CONTRACT = "contract", _("签约")
        SERVICE = "service", _("服务")

    class How(models.TextChoices):
        PHONE = "phone", _("电话")
        PAPER = "paper", _("查资料")

    sampling = models.ForeignKey(Sampling, models.PROTECT, related_name="items")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, related_name="+")
    number = models.CharField(max_length=40)
    what = models.CharField(max_length=100, blank=True)
    done_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=SAMPLED.choices(), default=SAMPLED.initial)
    how = models.CharField(max_length=8, choices=How, blank=True)
    findings = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    note = models.CharField(max_length=300, blank=True)
    checked_by = models.CharField(max_length=100, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("sampling", "contract"), condition=Q(kind="contract"), name="sampled_contract_once"
            ),
            models.UniqueConstraint(
                fields=("sampling", "service"), condition=Q(kind="service"), name="sampled_service_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="contract", service__isnull=True) | Q(kind="service", service__isnull=False),
                name="sampled_is_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(status="to_check", checked_at__isnull=True) | (~Q(status="to_check") & ~Q(how="")),
                name="sampled_checked_somehow",
            ),
            models.CheckConstraint(
                condition=Q(status__in=("to_check", "sound"), findings=[])
                | (Q(due_on__isnull=False) & ~Q(status__in=("to_check", "sound")) & ~Q(findings=[])),
                name="sampled_found_with_day",
            ),
        )
        indexes = (models.Index(fields=("status", "due_on"), name="sampled_waiting"),)
        ordering = ("team", "kind", "id")

    class Privacy:
        rows = Rows("the bureau that drew it and the house it is about", OF_SAMPLING)
        identifying = ("contract", "number")
        clinical = ("service", "what", "note", "answer")
        operational = (
            "sampling", "team", "kind", "done_on", "status", "how", "findings", "checked_by", "checked_at", "due_on",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return SAMPLED.state(self.status)
