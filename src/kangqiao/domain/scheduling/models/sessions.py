"""Sessions, slots and how they are shared out; the database itself refuses a place given twice."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models.weekly import ClinicTemplate
from kangqiao.domain.scheduling.states import SESSION
from kangqiao.domain.workforce.models import Practitioner

COUNT = models.IntegerField()


class InstantRange(Func):
    """The SQL time range of two instants, end excluded."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Session(BaseModel):
    """One run of a practitioner at one place, such as a half-day clinic (FHIR Schedule)."""

    class Kind(models.TextChoices):
        POSTED_EXPERT = "posted_expert", _("下社区专家门诊")
        HOSPITAL_CLINIC = "hospital_clinic", _("医院专科门诊")

    class Why(models.TextChoices):
        ILLNESS = "illness", _("医生生病")
        LEAVE = "leave", _("医生请假")
        MEETING = "meeting", _("会议或培训")
        RESCUE = "rescue", _("抢救或紧急任务")
        PREMISES = "premises", _("场地或设备")
        OTHER = "other", _("其他")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=Kind)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=SESSION.choices(), default=SESSION.initial)
    withdrawn_for = models.CharField(max_length=16, choices=Why, blank=True, default="")
    # Whose place the practitioner took, and since when; whoever booked before may stay away.
    stands_in_for = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    stands_in_since = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=80)
    policy_ref = models.CharField(max_length=120)
    room = models.CharField(max_length=60, blank=True, default="")
    # Of which template it is the clinic of which day; a day is opened once.
    template = models.ForeignKey(ClinicTemplate, models.PROTECT, null=True, blank=True, related_name="sessions")
    planned_for = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="session_ends_after_start"),
            models.CheckConstraint(
                condition=Q(stands_in_for=None, stands_in_since=None)
                | (Q(stands_in_since__isnull=False) & ~Q(stands_in_for=F("practitioner"))),
                name="session_stands_in_for_another",
            ),
            models.CheckConstraint(
                condition=Q(template=None, planned_for=None) | Q(template__isnull=False, planned_for__isnull=False),
                name="session_of_a_template_has_its_day",
            ),
            models.UniqueConstraint(
                fields=("template", "planned_for"), condition=Q(status="open"), name="session_once_a_template_day"
            ),
            ExclusionConstraint(
                name="session_practitioner_in_one_place",
                expressions=(
                    (InstantRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("practitioner", RangeOperators.EQUAL),
                ),
                condition=Q(status="open"),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "starts_at"), name="session_organization"),
            models.Index(fields=("organization", "ends_at"), name="session_to_come"),
        )
        ordering = ("starts_at", "id")

    class Privacy:
        rows = shared("who sits where is what residents choose from")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "practitioner", "specialty", "kind", "starts_at", "ends_at", "status",
            "withdrawn_for", "stands_in_for", "stands_in_since", "source", "policy_ref", "room", "template",
            "planned_for",
        )  # fmt: skip


class Slot(BaseModel):
    """A bookable time with its places (FHIR Slot).

    Nobody books before `opens_at`. A slot begins in its pool; unused it falls to the family doctor teams of the paired
    centres at `teams_at`, to whom these contracted at `contracted_at`, at `release_at` to everyone. `taken` counts the
    bookings that were not cancelled; `held` are the ends of the holds on it. Whoever writes either leaves the ended
    ones out, so that together they never pass the capacity.
    """

    class Pool(models.TextChoices):
        PUBLIC = "public", _("公开")
        PARTNER = "partner", _("协作中心优先")
        TEAM = "team", _("家庭医生团队优先")
        CONTRACTED = "contracted", _("签约居民优先")

    session = models.ForeignKey(Session, models.PROTECT, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    opens_at = models.DateTimeField()
    pool = models.CharField(max_length=16, choices=Pool, default=Pool.PUBLIC)
    # Of the places kept for paired centres one may be kept for a single one, until the contracted may take it.
    kept_for = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    teams_at = models.DateTimeField(null=True, blank=True)
    contracted_at = models.DateTimeField(null=True, blank=True)
    release_at = models.DateTimeField(null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(default=1)
    taken = models.PositiveSmallIntegerField(default=0)
    # Bookings beyond the places, by a named right: never counted among these.
    extra = models.PositiveSmallIntegerField(default=0)
    held = ArrayField(models.DateTimeField(), default=list, blank=True)
    # Kept for whoever comes on the day itself: nobody books it before that day has begun.
    is_same_day = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(taken__lte=F("capacity") - Func(F("held"), function="CARDINALITY", output_field=COUNT)),
                name="slot_never_oversold",
            ),
            # A public place has no calendar; any other falls from circle to circle, the narrower one never later.
            models.CheckConstraint(
                condition=Q(pool="public", teams_at=None, contracted_at=None, release_at=None)
                | (
                    ~Q(pool="public")
                    & Q(teams_at__lte=F("contracted_at"), contracted_at__lte=F("release_at"), teams_at__isnull=False)
                    & Q(contracted_at__isnull=False, release_at__isnull=False)
                ),
                name="slot_pool_has_its_calendar",
            ),
            models.UniqueConstraint(fields=("session", "starts_at"), name="slot_once"),
        )
        indexes = (models.Index(fields=("starts_at", "pool"), name="slot_by_time"),)
        ordering = ("starts_at", "id")

    class Privacy:
        rows = shared("times and a counter of places")
        identifying = ()
        clinical = ()
        operational = (
            "session", "starts_at", "ends_at", "opens_at", "pool", "kept_for", "teams_at", "contracted_at",
            "release_at", "capacity", "taken", "extra", "held", "is_same_day",
        )  # fmt: skip


class PoolRule(BaseModel):
    """How a hospital, a department or one session shares its places out, where it differs from the pack.

    The narrowest one counts, of those the one from the latest day, of those the last set. With a reason and a name.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=40, blank=True)
    session = models.ForeignKey(Session, models.PROTECT, null=True, blank=True, related_name="pool_rules")
    since = models.DateField()
    partner_percent = models.PositiveSmallIntegerField()
    team_percent = models.PositiveSmallIntegerField()
    contracted_percent = models.PositiveSmallIntegerField()
    team_hours = models.PositiveSmallIntegerField()
    contracted_hours = models.PositiveSmallIntegerField()
    release_hours = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=500)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(partner_percent__lte=100 - F("team_percent") - F("contracted_percent")),
                name="pool_rule_shares_a_whole",
            ),
            models.CheckConstraint(
                condition=Q(team_hours__gte=F("contracted_hours"), contracted_hours__gte=F("release_hours")),
                name="pool_rule_falls_outwards",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="pool_rule_has_a_reason"),
        )
        indexes = (models.Index(fields=("organization", "since"), name="pool_rule_organization"),)
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("how a house shares out is what its partners ask", STAFF)
        identifying = ("set_by",)
        clinical = ()
        operational = (
            "organization", "specialty", "session", "since", "partner_percent", "team_percent", "contracted_percent",
            "team_hours", "contracted_hours", "release_hours", "reason", "set_at",
        )  # fmt: skip
