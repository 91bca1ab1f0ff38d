"""Assessments with plans, tasks of a team, surveys after a visit, invitations of people without a contract, groups."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.contracting.models import Act, Contract, Group, Team, TeamMember
from kangqiao.domain.followup.states import ANSWERED, OPEN, PLAN, SURVEY
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.states import State

OF_LEDGER = Rows("whom the ledger lets one see", OF_RESIDENT)


class Assessment(BaseModel):
    """Into which class the facts of the record put a contracted resident on a day (FHIR RiskAssessment).

    `grounds` are the facts that did, in the words of the pack; `grounds_en` the same ones in English.
    """

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    on = models.DateField()
    level = models.CharField(max_length=24)
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100)
    grounds = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    grounds_en = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    by_name = models.CharField(max_length=100)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("contract", "on"), name="assessment_once_a_day"),)
        ordering = ("-on", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "by_name")
        clinical = ("level", "zh", "en", "grounds", "grounds_en")
        operational = ("contract", "on", "policy_ref")

    @property
    def reasons(self) -> list[dict[str, str]]:
        """The grounds in both languages."""
        return [{"zh": zh, "en": en} for zh, en in zip(self.grounds, self.grounds_en, strict=False)]


class CarePlan(BaseModel):
    """What was agreed after an assessment: goals, and when to look again (FHIR CarePlan)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    assessment = models.OneToOneField(Assessment, models.PROTECT, related_name="plan")
    status = models.CharField(max_length=16, choices=PLAN.choices(), default=PLAN.initial)
    goals = models.TextField()
    # The doctor's own words stand here as they were written.
    goals_en = models.TextField()
    review_on = models.DateField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(goals="") & ~Q(goals_en=""), name="care_plan_has_goals"),
            models.UniqueConstraint(fields=("resident",), condition=Q(status="running"), name="care_plan_one_running"),
        )
        ordering = ("-id",)

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident",)
        clinical = ("goals", "goals_en")
        operational = ("contract", "assessment", "status", "review_on")

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return PLAN.state(self.status)

    @property
    def aims(self) -> dict[str, str]:
        """The goals in both languages."""
        return {"zh": self.goals, "en": self.goals_en}


class PlanItem(BaseModel):
    """One thing of a plan to be done by a day, and when it was done; the next is a row of its own (CarePlan.activity).

    `since` is the day from which a service counts as this item.
    """

    plan = models.ForeignKey(CarePlan, models.PROTECT, related_name="items")
    act = models.CharField(max_length=20, choices=Act)
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100)
    every_days = models.PositiveSmallIntegerField()
    since = models.DateField()
    due_on = models.DateField()
    done_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by_name = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(due_on__gte=F("since"), every_days__gte=1), name="plan_item_term"),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, by_name="", note="")
                | (Q(done_on__isnull=False, done_on__gte=F("since")) & ~Q(by_name="")),
                name="plan_item_done_by_somebody",
            ),
            models.UniqueConstraint(
                fields=("plan", "act", "zh"), condition=Q(done_on__isnull=True), name="plan_item_open_once"
            ),
        )
        indexes = (models.Index(fields=("due_on",), condition=Q(done_on__isnull=True), name="plan_item_due"),)
        ordering = ("due_on", "id")

    class Privacy:
        rows = Rows("seen with the plan", "EXISTS (SELECT FROM followup_careplan one WHERE one.id = plan_id)")
        identifying = ("by_name",)
        clinical = ("act", "zh", "en", "note")
        operational = ("plan", "every_days", "since", "due_on", "done_on")


class TeamTask(BaseModel):
    """What a visit gave another member of the team to do by a day, and when it was done (FHIR Task).

    `member` is who does it; nobody yet where the team has no member of that `kind`. `source` is the visit and the key.
    """

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=TeamMember.Kind)
    member = models.ForeignKey(TeamMember, models.PROTECT, null=True, blank=True, related_name="+")
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100)
    source = models.CharField(max_length=60, unique=True)
    since = models.DateField()
    due_on = models.DateField()
    done_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by_name = models.CharField(max_length=100, blank=True)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(due_on__gte=F("since")), name="team_task_term"),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, by_name="", note="")
                | (Q(done_on__isnull=False, done_on__gte=F("since")) & ~Q(by_name="") & ~Q(note="")),
                name="team_task_done_by_somebody",
            ),
        )
        indexes = (models.Index(fields=("due_on",), condition=Q(done_on__isnull=True), name="team_task_due"),)
        ordering = ("due_on", "id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "by_name")
        clinical = ("zh", "en", "note")
        operational = ("contract", "kind", "member", "source", "since", "due_on", "done_on", "policy_ref")


class Survey(BaseModel):
    """Some days after a visit a resident is asked how it goes, and the doctor reads it (FHIR QuestionnaireResponse).

    `organization` is the house of the visit, `desk` the centre that looks after the resident; both may be the same.
    `source` names the row that shows the visit.
    """

    class Kind(models.TextChoices):
        VISIT = "visit", _("就诊后")
        SPECIALIST = "specialist", _("医院就诊后")
        DISCHARGE = "discharge", _("下转回社区后")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    source = models.CharField(max_length=40, unique=True)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    desk = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    visit_on = models.DateField()
    ask_on = models.DateField()
    answer_by = models.DateField()
    status = models.CharField(max_length=16, choices=SURVEY.choices(), default=SURVEY.initial)
    answered_at = models.DateTimeField(null=True, blank=True)
    by_name = models.CharField(max_length=100, blank=True)
    is_worrying = models.BooleanField(default=False)
    words = models.TextField(blank=True)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(ask_on__gte=F("visit_on"), answer_by__gte=F("ask_on")), name="survey_term"
            ),
            models.CheckConstraint(
                condition=(Q(status__in=ANSWERED, answered_at__isnull=False) & ~Q(by_name=""))
                | (~Q(status__in=ANSWERED) & Q(answered_at__isnull=True, by_name="", words="", is_worrying=False)),
                name="survey_answered_by_somebody",
            ),
            # Who comes often is asked once at a time, not for each visit.
            models.UniqueConstraint(
                fields=("resident", "desk", "kind"), condition=Q(status__in=OPEN), name="survey_one_open"
            ),
        )
        indexes = (
            models.Index(fields=("desk", "status"), name="survey_desk"),
            models.Index(fields=("status", "ask_on"), condition=Q(status__in=OPEN), name="survey_open"),
        )
        ordering = ("-visit_on", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "by_name")
        clinical = ("words", "is_worrying")
        operational = (
            "kind", "source", "organization", "desk", "practitioner", "visit_on", "ask_on", "answer_by", "status",
            "answered_at", "policy_ref",
        )  # fmt: skip

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return SURVEY.state(self.status)


class SurveyAnswer(BaseModel):
    """What was said to one question, in the words it was asked with that day (QuestionnaireResponse.item)."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="answers")
    key = models.CharField(max_length=24)
    zh = models.CharField(max_length=100)
    en = models.CharField(max_length=160)
    choice = models.CharField(max_length=24)
    choice_zh = models.CharField(max_length=60)
    choice_en = models.CharField(max_length=100)
    is_worrying = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("survey", "key"), name="survey_answer_once"),)
        ordering = ("id",)

    class Privacy:
        rows = Rows("seen with the survey", "EXISTS (SELECT FROM followup_survey one WHERE one.id = survey_id)")
        identifying = ()
        clinical = ("key", "zh", "en", "choice", "choice_zh", "choice_en", "is_worrying")
        operational = ("survey",)

    @property
    def said(self) -> dict[str, str]:
        """The choice in both languages."""
        return {"zh": self.choice_zh, "en": self.choice_en}


class Invitation(BaseModel):
    """Somebody of a key group without a contract was asked, and what they said (FHIR Communication)."""

    class Way(models.TextChoices):
        PHONE = "phone", _("电话")
        VISIT = "visit", _("上门")
        CENTRE = "centre", _("来中心时")

    class Outcome(models.TextChoices):
        AGREED = "agreed", _("愿意签约")
        LATER = "later", _("再想想")
        UNREACHED = "unreached", _("没联系上")
        REFUSED = "refused", _("不愿意")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    group = models.CharField(max_length=16, choices=Group)
    on = models.DateField()
    way = models.CharField(max_length=8, choices=Way)
    outcome = models.CharField(max_length=12, choices=Outcome)
    # When to ask again; who refused is not asked again.
    again_on = models.DateField(null=True, blank=True)
    by_name = models.CharField(max_length=100)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome__in=("later", "unreached"), again_on__gt=F("on"))
                | Q(outcome__in=("agreed", "refused"), again_on__isnull=True),
                name="invitation_followed_up",
            ),
            models.UniqueConstraint(fields=("resident", "on"), name="invitation_once_a_day"),
        )
        ordering = ("-on", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "by_name")
        clinical = ("group",)
        operational = ("team", "on", "way", "outcome", "again_on")


class GroupChannel(BaseModel):
    """A group a team keeps on another platform: whose, for whom, how many; never who is in it (FHIR Group)."""

    class Kind(models.TextChoices):
        CHRONIC = "chronic", _("慢病管理群")
        MOTHERS = "mothers", _("宝妈群")
        ELDERLY = "elderly", _("夕阳红群")
        FAMILY_DOCTOR = "family_doctor", _("家庭医生群")

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    platform = models.CharField(max_length=30)
    zh = models.CharField(max_length=60)
    owner = models.ForeignKey(TeamMember, models.PROTECT, related_name="+")
    people = models.PositiveIntegerField()
    posts = models.PositiveIntegerField(default=0)
    counted_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("team", "zh"), condition=Q(ended_on__isnull=True), name="channel_once"),
        )
        ordering = ("team", "kind", "id")

    class Privacy:
        rows = shared("counts of groups, no person")
        identifying = ()
        clinical = ()
        operational = ("team", "kind", "platform", "zh", "owner", "people", "posts", "counted_on", "ended_on")
