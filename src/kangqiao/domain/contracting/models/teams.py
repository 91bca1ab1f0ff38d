"""Teams, who serves in them, what each kind of member does, and for which house numbers a team answers."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import SEATED, Rows, shared
from kangqiao.domain.accounts.models import User
from kangqiao.domain.contracting.models.packages import Act
from kangqiao.domain.contracting.states import TEAM
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.states import State


class NumberRange(Func):
    """The SQL range of two whole numbers."""

    function = "INT4RANGE"
    output_field = IntegerRangeField()


class Team(BaseModel):
    """A family doctor with those who work with them, of one centre and beyond (FHIR CareTeam).

    `taken` counts the contracts that hold a place; the database never lets it pass `ceiling`.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=16, choices=TEAM.choices(), default=TEAM.initial)
    ceiling = models.PositiveIntegerField()
    taken = models.PositiveIntegerField(default=0)
    phone = models.CharField(max_length=40, blank=True)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(taken__lte=F("ceiling")), name="team_never_overfull"),
            models.UniqueConstraint(
                fields=("organization", "zh"), condition=~Q(status="closed"), name="team_name_once"
            ),
        )
        ordering = ("organization", "id")

    class Privacy:
        rows = shared("teams are published, residents choose among them")
        identifying = ()
        clinical = ()
        operational = (
            "organization", "zh", "en", "status", "ceiling", "taken", "phone", "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.zh

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return TEAM.state(self.status)

    @property
    def room(self) -> int:
        """Places still free."""
        return self.ceiling - self.taken

    @property
    def share(self) -> float:
        """How full the panel is, from 0 to 1."""
        return self.taken / self.ceiling if self.ceiling else 1.0


class TeamMember(BaseModel):
    """Somebody who serves in a team, from when until when (FHIR CareTeam.participant)."""

    class Kind(models.TextChoices):
        GP = "gp", _("家庭医生")
        NURSE = "nurse", _("护士")
        PUBLIC_HEALTH = "public_health", _("公共卫生人员")
        TCM = "tcm", _("中医师")
        PHARMACIST = "pharmacist", _("药师")
        NUTRITIONIST = "nutritionist", _("营养师")
        SPECIALIST = "specialist", _("专科医师")

    team = models.ForeignKey(Team, models.PROTECT, related_name="members")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    is_lead = models.BooleanField(default=False)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="team_member_term"),
            models.CheckConstraint(condition=Q(is_lead=False) | Q(kind="gp"), name="team_led_by_family_doctor"),
            models.UniqueConstraint(
                fields=("team", "practitioner"), condition=Q(until__isnull=True), name="team_member_once"
            ),
            models.UniqueConstraint(
                fields=("team",), condition=Q(until__isnull=True, is_lead=True), name="team_one_lead"
            ),
        )
        ordering = ("-is_lead", "kind", "id")

    class Privacy:
        rows = Rows("residents choose a team by who is in it, colleagues find each other", SEATED)
        identifying = ("practitioner",)
        clinical = ()
        operational = ("team", "kind", "is_lead", "since", "until")


class Helper(BaseModel):
    """Somebody without a licence who helps a team, with limited rights (FHIR CareTeam.participant).

    They see contact, appointments and the visits they were sent on, never what concerns health (XH23-5.2.3b).
    """

    class Kind(models.TextChoices):
        WORKSTATION = "workstation", _("社区工作站人员")
        SOCIAL_WORKER = "social_worker", _("社会工作者")
        HEALTH_MANAGER = "health_manager", _("健康管理师")
        CARER = "carer", _("长护险护理员")
        VOLUNTEER = "volunteer", _("志愿者")

    team = models.ForeignKey(Team, models.PROTECT, related_name="helpers")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="helper_term"),
            models.UniqueConstraint(fields=("team", "user"), condition=Q(until__isnull=True), name="helper_once"),
        )
        indexes = (models.Index(fields=("user",), condition=Q(until__isnull=True), name="helper_of_team"),)
        ordering = ("kind", "id")

    class Privacy:
        rows = Rows("residents choose a team by who is in it, colleagues find each other", SEATED)
        identifying = ("user",)
        clinical = ()
        operational = ("team", "kind", "since", "until")


class TeamDuty(BaseModel):
    """What one kind of member of a team does, by which standard, and within which scope (FHIR PractitionerRole.code).

    Copied from the pack when the first of the kind joins; the centre words it from then on (FT18-2.4d).
    """

    team = models.ForeignKey(Team, models.PROTECT, related_name="duties")
    kind = models.CharField(max_length=16, choices=[*TeamMember.Kind.choices, *Helper.Kind.choices])
    duties = models.TextField()
    standard = models.TextField(blank=True)
    scope = ArrayField(models.CharField(max_length=20, choices=Act), default=list, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("team", "kind"), name="team_duty_once"),)
        ordering = ("team", "id")

    class Privacy:
        rows = shared("what a team promises is published")
        identifying = ()
        clinical = ()
        operational = ("team", "kind", "duties", "standard", "scope")

    @property
    def scope_words(self) -> list[str]:
        """The acts of the scope in words."""
        return [str(Act(one).label) for one in self.scope]


class Zone(BaseModel):
    """House numbers of one street for which one team answers, as a part of a community or a grid (FHIR Location)."""

    class Kind(models.TextChoices):
        COMMUNITY = "community", _("社区")
        GRID = "grid", _("网格")

    team = models.ForeignKey(Team, models.PROTECT, related_name="zones")
    kind = models.CharField(max_length=16, choices=Kind)
    zh = models.CharField(max_length=60)
    street = models.CharField(max_length=120)
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="zone_numbers_run_forwards"),
            # Every address has one responsible team: no house number lies in two zones (ZH-4.5c).
            ExclusionConstraint(
                name="zone_one_team_per_address",
                expressions=(
                    ("street", RangeOperators.EQUAL),
                    (NumberRange("first", "last", Value("[]")), RangeOperators.OVERLAPS),
                ),
            ),
        )
        ordering = ("zh", "street", "first")

    class Privacy:
        rows = shared("streets and the team that answers for them")
        identifying = ()
        clinical = ()
        operational = ("team", "kind", "zh", "street", "first", "last")
