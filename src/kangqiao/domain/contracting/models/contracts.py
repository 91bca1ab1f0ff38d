"""Contracts of persons and households, what was done under them, and who belongs to a key group."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, Rows
from kangqiao.base.signatures import DRAWN
from kangqiao.domain.accounts.permissions import quoted
from kangqiao.domain.contracting.models.communities import Community
from kangqiao.domain.contracting.models.packages import DateRange, Group, PackageItem, ServicePackage
from kangqiao.domain.contracting.models.teams import Team
from kangqiao.domain.contracting.states import CONTRACT, RUNNING, TERMED
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.kernel.states import State

# A running contract gives the team's house a basis (`actions.panel`), so the ledger is not asked about each of
# thousands; whoever keeps the house out, and what is not running, is left to it.
OF_HOUSE = f"""status IN ({quoted(RUNNING)}) AND (SELECT kangqiao_treats())
    AND team_id IN (SELECT own.id FROM contracting_team own WHERE own.organization_id = {HOUSE})
    AND resident_id NOT IN (SELECT kangqiao_refused())"""  # noqa: S608 (constant text)
OF_CONTRACT = "EXISTS (SELECT FROM contracting_contract held WHERE held.id = contract_id)"


class Household(BaseModel):
    """The family that signs together: one contract unit with one head (FHIR Group; XH23-5.2.1a)."""

    number = models.CharField(max_length=40, unique=True)
    head = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Privacy:
        rows = Rows("whom the ledger lets one see", "kangqiao_sees(head_id)")
        identifying = ("head",)
        clinical = ()
        operational = ("number", "created_at")

    def __str__(self) -> str:
        return self.number


class Contract(BaseModel):
    """One resident's contract with one team for one term (FHIR Contract, EpisodeOfCare).

    `ends_on` is the first day no longer covered. The members of a household have a contract each and sign as one.
    """

    class Way(models.TextChoices):
        SCREEN = "screen", _("屏幕签署")
        PAPER = "paper", _("纸质签署")
        CODE = "code", _("签约码")

    class Where(models.TextChoices):
        CENTRE = "centre", _("社区中心")
        HOME = "home", _("居民家中")
        CARE_HOME = "care_home", _("养老机构")
        SCHOOL = "school", _("学校")
        ENTERPRISE = "enterprise", _("企业")
        OFFICE_BUILDING = "office_building", _("商务楼宇")
        INDUSTRIAL_PARK = "industrial_park", _("产业园区")
        CAMPUS = "campus", _("校园")
        ONLINE = "online", _("网上")

    class Why(models.TextChoices):
        WISH = "wish", _("居民提出")
        MOVED = "moved", _("已迁出六个月以上")
        LOST = "lost", _("长期失联")
        DIED = "died", _("居民去世")
        FALSE = "false", _("信息不实")
        UNAPPROVED = "approval", _("机构的批准已结束")

    number = models.CharField(max_length=40, unique=True)
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    household = models.ForeignKey(Household, models.PROTECT, null=True, blank=True, related_name="contracts")
    team = models.ForeignKey(Team, models.PROTECT, related_name="contracts")
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="following")
    status = models.CharField(max_length=16, choices=CONTRACT.choices(), default=CONTRACT.initial)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    applied_at = models.DateTimeField()
    sign_by = models.DateField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.CharField(max_length=100, blank=True)
    way = models.CharField(max_length=8, choices=Way, blank=True)
    where = models.CharField(max_length=16, choices=Where, blank=True)
    # The place of work, study or residence where it was signed.
    community = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="+")
    filed_as = models.CharField(max_length=60, blank=True)
    # What was drawn on the screen, as the path of a drawing.
    signature = models.TextField(blank=True, db_default="")
    why_ended = models.CharField(max_length=8, choices=Why, blank=True)
    wrong_codes = models.PositiveSmallIntegerField(default=0)
    packages = models.ManyToManyField(ServicePackage, through="ContractPackage", related_name="+")
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(signature__regex=DRAWN), name="contract_signature_is_drawn"),
            models.CheckConstraint(
                condition=~Q(status__in=TERMED) | Q(starts_on__isnull=False, ends_on__isnull=False),
                name="contract_has_term",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="contract_term"
            ),
            models.CheckConstraint(
                condition=Q(community__isnull=True) | Q(where__in=Community.Kind.values),
                name="contract_signed_at_place",
            ),
            # Nobody has two contracts on one day, whatever way the second came about.
            ExclusionConstraint(
                name="contract_one_at_a_time",
                expressions=(
                    ("resident", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
                condition=Q(starts_on__isnull=False),
            ),
            models.UniqueConstraint(
                fields=("resident",), condition=Q(status__in=("applied", "accepted")), name="contract_one_pending"
            ),
        )
        indexes = (
            models.Index(fields=("team", "status"), name="contract_team"),
            models.Index(fields=("ends_on",), condition=Q(status__in=("active", "suspended")), name="contract_due"),
        )
        ordering = ("-id",)

    class Privacy:
        rows = Rows("a running one of the own house, and of whom the ledger shows", f"({OF_HOUSE}) OR {OF_RESIDENT}")
        identifying = ("resident", "household", "signed_by", "signature")
        clinical = ("packages",)
        operational = (
            "number", "team", "previous", "status", "starts_on", "ends_on", "applied_at", "sign_by", "signed_at",
            "way", "where", "community", "filed_as", "why_ended", "wrong_codes", "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.number

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return CONTRACT.state(self.status)

    @property
    def last_day(self) -> date | None:
        """The last day the contract covers."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None


class ContractPackage(BaseModel):
    """A package that a contract promises."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="promised")
    package = models.ForeignKey(ServicePackage, models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("contract", "package"), name="contract_package_once"),)

    class Privacy:
        rows = Rows("seen with the contract", OF_CONTRACT)
        identifying = ()
        clinical = ("package",)
        operational = ("contract",)


class Service(BaseModel):
    """One item of a contract done once, as the record shows it (FHIR Procedure).

    `source` names the row of the record, such as `encounter:12`: a contract counts it once, for one item.
    """

    # Its index is `service_by_day`: a panel asks of each contract whether there was one since a day.
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="services", db_index=False)
    item = models.ForeignKey(PackageItem, models.PROTECT, related_name="+")
    on = models.DateField()
    source = models.CharField(max_length=60)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("contract", "source"), name="service_counted_once"),)
        indexes = (models.Index(fields=("contract", "on"), name="service_by_day"),)
        ordering = ("-on", "-id")

    class Privacy:
        rows = Rows("seen with the contract", OF_CONTRACT)
        identifying = ()
        clinical = ("item", "source")
        operational = ("contract", "on")


class KeyPerson(BaseModel):
    """A resident who belongs to a key group, since when, and by what that is known (FHIR Flag)."""

    class Evidence(models.TextChoices):
        AGE = "age", _("年龄")
        RECORD = "record", _("健康档案")
        DECLARED = "declared", _("本人说明")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    group = models.CharField(max_length=16, choices=Group)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    evidence = models.CharField(max_length=8, choices=Evidence)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resident", "group"), condition=Q(until__isnull=True), name="key_person_once"
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="key_person_term"),
        )
        ordering = ("id",)

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("group", "evidence")
        operational = ("since", "until")
