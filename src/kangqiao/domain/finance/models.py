"""Budget figures, settlements and their lines, all in whole fen."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.finance.states import LINE, SETTLEMENT
from kangqiao.domain.institutions.models import Organization, Place


class BudgetFigure(BaseModel):
    """An input of the money rules for a place and year, with its source and who verified it."""

    class Kind(models.TextChoices):
        BASIC_PUBLIC_HEALTH_FUND = "basic_public_health_fund", "基本公共卫生服务经费总额"
        POPULATION_SERVED = "population_served", "服务人口"

    kind = models.CharField(max_length=40, choices=Kind)
    place = models.ForeignKey(Place, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    year = models.PositiveSmallIntegerField()
    amount_fen = models.BigIntegerField(null=True, blank=True)
    quantity = models.BigIntegerField(null=True, blank=True)
    source = models.CharField(max_length=200)
    verified_by = models.CharField(max_length=100, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "place", "organization", "year"), name="budget_figure_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=False, quantity__isnull=True)
                | Q(amount_fen__isnull=True, quantity__isnull=False),
                name="budget_figure_money_or_count",
            ),
        )

    class Privacy:
        rows = Rows("who verified a figure is known to whoever works here", STAFF)
        identifying = ("verified_by",)
        clinical = ()
        operational = (
            "kind", "place", "organization", "year", "amount_fen", "quantity", "source", "verified_at", "is_demo",
        )  # fmt: skip


class Settlement(BaseModel):
    """One computation of the joint-building fund of a city for a year; corrected by a new version, never edited."""

    place = models.ForeignKey(Place, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    version = models.PositiveSmallIntegerField(default=1)
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=SETTLEMENT.choices(), default=SETTLEMENT.initial)
    total_fen = models.BigIntegerField()
    inputs = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    policy_ref = models.CharField(max_length=120)
    computed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("place", "year", "version"), name="settlement_version_once"),
            models.UniqueConstraint(
                fields=("place", "year"), condition=~Q(status="superseded"), name="settlement_one_current"
            ),
        )
        ordering = ("-year", "-version")

    class Privacy:
        rows = shared("money of organisations")
        identifying = ()
        clinical = ()
        operational = (
            "place", "year", "version", "previous", "status", "total_fen", "inputs", "sha256", "policy_ref",
            "computed_at",
        )  # fmt: skip


class SettlementLine(BaseModel):
    """One hospital's money for one centre: rule, inputs, formula, coefficient, amount, clause.

    `amount_fen` is `base_fen` times `pay_percent`, rounded half up once; unknown until the appraisal is closed.
    """

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines")
    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="+")
    hospital = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    payer = models.ForeignKey(Place, models.PROTECT, related_name="+")
    rule = models.CharField(max_length=40)
    formula = models.CharField(max_length=300)
    inputs = models.JSONField(default=dict)
    base_fen = models.BigIntegerField()
    pay_percent = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    amount_fen = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=LINE.choices(), default=LINE.initial)
    clause = models.CharField(max_length=30)
    appraisal_number = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("settlement", "agreement"), name="settlement_line_once"),
            # Nothing is payable without an amount, and there is no amount without a closed appraisal's share.
            models.CheckConstraint(
                condition=Q(status="held", amount_fen__isnull=True, pay_percent__isnull=True)
                | Q(status__in=("payable", "paid"), amount_fen__isnull=False, pay_percent__isnull=False),
                name="settlement_line_held_or_whole",
            ),
        )
        ordering = ("settlement", "payer", "hospital", "centre")

    class Privacy:
        rows = shared("money of organisations")
        identifying = ()
        clinical = ()
        operational = (
            "settlement", "agreement", "hospital", "centre", "payer", "rule", "formula", "inputs", "base_fen",
            "pay_percent", "amount_fen", "status", "clause", "appraisal_number",
        )  # fmt: skip
