"""Places where people work, study or live together, who belongs to them, and the days a team comes there."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, ROLE, Rows, shared
from kangqiao.domain.accounts.models import STAFF, Role, User
from kangqiao.domain.contracting.models.packages import DateRange
from kangqiao.domain.contracting.models.teams import Team
from kangqiao.domain.contracting.states import COMMUNITY_VISIT
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.states import State

OF_HOUSE = (
    f"{ROLE} IN ('{Role.GP.value}', '{Role.CENTRE_MANAGER.value}') AND EXISTS"
    f" (SELECT FROM contracting_community place WHERE place.id = community_id AND place.organization_id = {HOUSE})"
)


class Community(BaseModel):
    """A place people belong to by work, study or residence, and the centre that serves it (FHIR Group).

    `head_count` is how many the place says it has, on which day and by which list.
    """

    class Kind(models.TextChoices):
        ENTERPRISE = "enterprise", _("企业")
        INDUSTRIAL_PARK = "industrial_park", _("产业园区")
        OFFICE_BUILDING = "office_building", _("商务楼宇")
        CAMPUS = "campus", _("校园")
        SCHOOL = "school", _("学校")
        CARE_HOME = "care_home", _("养老机构")

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    zh = models.CharField(max_length=60)
    address = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    head_count = models.PositiveIntegerField(null=True, blank=True)
    counted_on = models.DateField(null=True, blank=True)
    counted_by = models.CharField(max_length=100, blank=True)
    keys = ArrayField(models.CharField(max_length=200), default=list)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "zh"), name="community_once"),
            models.CheckConstraint(
                condition=Q(head_count__isnull=True, counted_on__isnull=True, counted_by="")
                | (Q(head_count__gt=0, counted_on__isnull=False) & ~Q(counted_by="")),
                name="community_count_has_day_and_source",
            ),
        )
        ordering = ("kind", "zh")

    class Privacy:
        rows = shared("places, not people")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "kind", "zh", "address", "phone", "head_count", "counted_on", "counted_by", "keys",
            "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.zh


class Affiliation(BaseModel):
    """Somebody works, studies or lives at a place, by its own list: a name and a number of papers (FHIR Group.member).

    Whether there is a record is read from the register by that number, so it is true at every moment. `ends_on` is the
    first day they no longer belong.
    """

    community = models.ForeignKey(Community, models.PROTECT, related_name="people")
    name = models.CharField(max_length=100)
    identifier = models.CharField(max_length=40)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    keys = ArrayField(models.CharField(max_length=200), default=list)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="affiliation_term"
            ),
            models.CheckConstraint(condition=~Q(identifier=""), name="affiliation_has_number"),
            # Nobody is counted twice at one place on one day.
            ExclusionConstraint(
                name="affiliation_once_at_a_time",
                expressions=(
                    ("community", RangeOperators.EQUAL),
                    ("identifier", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
            ),
        )
        indexes = (models.Index(fields=("identifier",), name="affiliation_identifier"),)
        ordering = ("id",)

    class Privacy:
        rows = Rows("the centre that serves the place", OF_HOUSE)
        identifying = ("name", "identifier", "keys")
        clinical = ()
        operational = ("community", "starts_on", "ends_on", "is_demo")

    def __str__(self) -> str:
        return self.name


class SchoolHealthWorker(BaseModel):
    """Who looks after health at a school and reports emergencies of its students (FHIR PractitionerRole).

    They see their own school's cases and nothing of records (FT18-2.3d). `until` is the first day they no longer do.
    """

    community = models.ForeignKey(Community, models.PROTECT, related_name="health_workers")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="school_health_worker_term"
            ),
            models.UniqueConstraint(
                fields=("community", "user"), condition=Q(until__isnull=True), name="school_health_worker_once"
            ),
        )
        indexes = (models.Index(fields=("user",), condition=Q(until__isnull=True), name="school_health_worker_of"),)
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("whom to call at a school is known to whoever works here", STAFF)
        identifying = ("user",)
        clinical = ()
        operational = ("community", "since", "until")


class CommunityVisit(BaseModel):
    """A team comes to a place on a day, to sign people up and to look after them (FHIR Appointment)."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="visits")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    on = models.DateField()
    status = models.CharField(max_length=16, choices=COMMUNITY_VISIT.choices(), default=COMMUNITY_VISIT.initial)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("community", "team", "on"), condition=Q(status="planned"), name="community_visit_once_a_day"
            ),
        )
        indexes = (models.Index(fields=("community", "on"), name="community_visit_on"),)
        ordering = ("on", "id")

    class Privacy:
        rows = shared("when a team comes is told to everybody at the place")
        identifying = ()
        clinical = ()
        operational = ("community", "team", "on", "status")

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return COMMUNITY_VISIT.state(self.status)
