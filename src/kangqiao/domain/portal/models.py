"""What a centre offers, questions to the team with all that was written, and ratings of services."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.accounts.models import User
from kangqiao.domain.contracting.models import Contract, Service, TeamMember
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.portal.rules import STARS
from kangqiao.domain.portal.states import ENQUIRY
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.kernel.states import State

OF_LEDGER = Rows("whom the ledger lets one see", OF_RESIDENT)
OF_ENQUIRY = Rows("seen with the question", "EXISTS (SELECT FROM portal_enquiry one WHERE one.id = enquiry_id)")


class CentreService(BaseModel):
    """One thing a centre offers, with its times, from a day until it ends (FHIR HealthcareService).

    A featured one names the hospital that supports it and the specialty by which its visits are counted.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100, blank=True)
    times = models.CharField(max_length=120)
    since = models.DateField()
    # The first day on which it is no longer offered.
    until = models.DateField(null=True, blank=True)
    supporter = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.CharField(max_length=40, blank=True)
    registered_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(zh="") & ~Q(times=""), name="centre_service_says_when"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="centre_service_term"
            ),
            models.CheckConstraint(
                condition=Q(supporter__isnull=True, specialty="") | (Q(supporter__isnull=False) & ~Q(specialty="")),
                name="centre_service_featured_whole",
            ),
            models.UniqueConstraint(
                fields=("organization", "zh"), condition=Q(until__isnull=True), name="centre_service_once"
            ),
        )
        ordering = ("since", "id")

    class Privacy:
        rows = shared("what a centre offers to everybody, no person")
        identifying = ()
        clinical = ()
        operational = ("organization", "zh", "en", "times", "since", "until", "supporter", "specialty", "registered_at")


class Enquiry(BaseModel):
    """What a contracted resident asks the team, until it is settled (FHIR Task).

    `due_at` runs while the team is to answer. `red_flags` are the words of danger it holds; then it is urgent.
    """

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    holder = models.ForeignKey(TeamMember, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=ENQUIRY.choices(), default=ENQUIRY.initial)
    red_flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    is_urgent = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status="asked", due_at__isnull=False) | (~Q(status="asked") & Q(due_at__isnull=True)),
                name="enquiry_clock_runs_while_asked",
            ),
            models.CheckConstraint(
                condition=Q(is_urgent=False, red_flags=[]) | (Q(is_urgent=True) & ~Q(red_flags=[])),
                name="enquiry_urgent_by_its_words",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | Q(answered_at__gte=F("asked_at")), name="enquiry_answered_after"
            ),
            # What is added while the team has not answered belongs to the same question.
            models.UniqueConstraint(
                fields=("resident", "asked_by"), condition=Q(status="asked"), name="enquiry_one_waiting"
            ),
        )
        indexes = (models.Index(fields=("contract", "status"), name="enquiry_contract"),)
        ordering = ("-asked_at", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "asked_by")
        clinical = ("red_flags",)
        operational = (
            "contract", "holder", "status", "is_urgent", "asked_at", "due_at", "answered_at", "policy_ref", "is_demo",
        )  # fmt: skip

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return ENQUIRY.state(self.status)


class EnquiryMessage(BaseModel):
    """One thing written in a question, by the resident's side or the team (FHIR Communication)."""

    class Side(models.TextChoices):
        RESIDENT = "resident", _("居民")
        TEAM = "team", _("团队")

    enquiry = models.ForeignKey(Enquiry, models.PROTECT, related_name="messages")
    side = models.CharField(max_length=8, choices=Side)
    text = models.TextField()
    by_name = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(text=""), name="enquiry_message_says_something"),)
        ordering = ("at", "id")

    class Privacy:
        rows = OF_ENQUIRY
        identifying = ("by_name",)
        clinical = ("text",)
        operational = ("enquiry", "side", "at")


class Rating(BaseModel):
    """How satisfied a resident was with one service of the contract, once (FHIR QuestionnaireResponse)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    service = models.OneToOneField(Service, models.PROTECT, related_name="+")
    stars = models.PositiveSmallIntegerField(
        validators=(MinValueValidator(STARS.start), MaxValueValidator(STARS.stop - 1))
    )
    words = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="rating_one_to_five"),)
        ordering = ("-at", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident",)
        clinical = ("words",)
        operational = ("service", "stars", "at")
