"""Residents, the ledger of bases, and what residents allowed or refused."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, ForeignObjectRel, Func, Q
from django.db.models.functions import Collate, Reverse
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, ME, ROLE, Rows
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.states import QUESTION

# Conditions on rows: the ledger of bases answers, as in `permissions.bases_of`. The first is for every table with a
# resident; modules above take it from here.
OF_RESIDENT = "kangqiao_sees(resident_id)"
HELD = (
    f"(organization_id = {HOUSE} AND (SELECT kangqiao_treats())) OR (user_id = {ME} AND kangqiao_holds(kind))"
    f" OR {OF_RESIDENT}"
)
LOOKED = f"user_id = {ME} OR kangqiao_watches(organization_id)"
ASKED = (
    f"asked_by_id = {ME} OR (kind = 'review' AND reader_id = {ME}) OR kangqiao_watches(organization_id)"
    f" OR (kind = 'resident' AND {ROLE} = '{Role.RESIDENT}' AND {OF_RESIDENT})"
)


class Resident(BaseModel):
    """A person living in the area, registered at one centre (FHIR Patient)."""

    class Sex(models.TextChoices):
        MALE = "male", _("男")
        FEMALE = "female", _("女")
        UNKNOWN = "unknown", _("未知")

    class Insurance(models.TextChoices):
        EMPLOYEE = "employee", _("职工医保")
        RESIDENT = "resident", _("居民医保")
        OTHER = "other", _("其他")
        NONE = "none", _("未参保")

    class IdentifierKind(models.TextChoices):
        CITIZEN = "citizen", _("居民身份证")
        PASSPORT = "passport", _("护照")
        PERMIT = "permit", _("港澳台居民证件")
        FOREIGNER = "foreigner", _("外国人永久居留身份证")
        BIRTH = "birth", _("出生医学证明")
        NONE = "none", _("没有证件")
        OTHER = "other", _("其他证件")

    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=100)
    sex = models.CharField(max_length=10, choices=Sex)
    birth_date = models.DateField()
    identifier = models.CharField(max_length=40, unique=True)
    identifier_kind = models.CharField(
        max_length=12, choices=IdentifierKind, default=IdentifierKind.OTHER, db_default=IdentifierKind.OTHER
    )
    # Seventeen digits: division, street, committee, serial.
    record_number = models.CharField(max_length=17, unique=True, null=True, blank=True)
    mother = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    phone = models.CharField(max_length=30, blank=True)
    address = models.CharField(max_length=200, blank=True)
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    insurance = models.CharField(max_length=16, choices=Insurance, default=Insurance.RESIDENT)
    deceased_on = models.DateField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    keys = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        indexes = (
            GinIndex(fields=("keys",), name="resident_keys"),
            GinIndex(Func(F("keys"), function="kangqiao_pieces"), name="resident_pieces"),
            models.Index(Collate(Reverse("identifier"), "C"), name="resident_identifier_end"),
            models.Index(Collate(Reverse("phone"), "C"), name="resident_phone_end"),
            models.Index(fields=("centre", "birth_date"), name="resident_centre_birth"),
            models.Index(fields=("birth_date",), name="resident_birth"),
        )
        ordering = ("id",)

    class Privacy:
        rows = Rows("whom the ledger lets one see", "kangqiao_sees(id)")
        identifying = (
            "user", "name", "sex", "birth_date", "identifier", "identifier_kind", "record_number", "mother", "phone",
            "address", "keys",
        )  # fmt: skip
        clinical = ("deceased_on",)
        operational = ("centre", "insurance", "is_demo")

    def __str__(self) -> str:
        return self.name


class Merge(BaseModel):
    """Two registrations of one person became one; what was moved is kept, so that it can be undone (FHIR Patient.link).

    `moved` names the rows that changed from the one that went to the one kept, by table.
    """

    kept = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    gone = models.ForeignKey(Resident, models.PROTECT, related_name="merges")
    moved = models.JSONField(default=dict)
    reason = models.CharField(max_length=200)
    merged_by = models.CharField(max_length=100)
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=100, blank=True)
    undone_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="merge_of_two"),
            models.CheckConstraint(condition=~Q(reason=""), name="merge_has_reason"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_why="") | (Q(undone_at__isnull=False) & ~Q(undone_why="")),
                name="merge_undone_with_reason",
            ),
            models.UniqueConstraint(fields=("gone",), condition=Q(undone_at__isnull=True), name="merge_gone_once"),
        )
        ordering = ("-merged_at", "-id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", "kangqiao_sees(kept_id)")
        identifying = ("kept", "gone", "merged_by", "undone_by")
        clinical = ("moved", "reason", "undone_why")
        operational = ("merged_at", "undone_at")


class Basis(BaseModel):
    """Why an organisation or a person may see a resident, from when until when (FHIR Consent.provision)."""

    class Kind(models.TextChoices):
        OWN = "own", _("本人")
        REGISTERED = "registered", _("登记中心")
        BOOKING = "booking", _("预约")
        REFERRAL = "referral", _("转诊")
        CONTRACT = "contract", _("签约团队")
        ENCOUNTER = "encounter", _("就诊")
        GUARDIAN = "guardian", _("监护人")
        PROXY = "proxy", _("代办人")
        EMERGENCY = "emergency", _("紧急查阅")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="bases")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind)
    source = models.CharField(max_length=80)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(organization__isnull=False, user__isnull=True)
                | Q(organization__isnull=True, user__isnull=False),
                name="basis_has_one_holder",
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="basis_term"),
            models.UniqueConstraint(
                fields=("resident", "organization", "user", "kind", "source"),
                name="basis_once",
                nulls_distinct=False,
            ),
        )
        indexes = (
            models.Index(fields=("organization", "resident"), name="basis_by_organization"),
            models.Index(fields=("user", "resident"), name="basis_by_user"),
            # What ends every basis of a booking or a letter: a ledger of a city has millions.
            models.Index(fields=("source",), name="basis_by_source"),
        )

    class Privacy:
        rows = Rows("the own house's or one's own, and all of whom one sees", HELD)
        identifying = ("resident", "user")
        clinical = ("kind", "source")
        operational = ("organization", "since", "until")


class Consent(BaseModel):
    """What a resident, or the guardian of a child, allowed or refused, until withdrawn (FHIR Consent).

    A refusal keeps an organisation out whatever basis it has; a permission opens what no basis opens.
    """

    class Decision(models.TextChoices):
        PERMIT = "permit", _("同意")
        REFUSE = "refuse", _("拒绝")

    class Purpose(models.TextChoices):
        RECORD = "record", _("查看档案")
        SENSITIVE = "sensitive", _("查看特殊保护的病情")
        PROXY = "proxy", _("替我办事")
        EDUCATION = "education", _("推送健康科普")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="consents")
    decision = models.CharField(max_length=8, choices=Decision)
    purpose = models.CharField(max_length=16, choices=Purpose)
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    is_by_guardian = models.BooleanField(default=False)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(organization__isnull=False, person__isnull=True)
                | Q(organization__isnull=True, person__isnull=False),
                name="consent_has_one_addressee",
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gt=F("since")), name="consent_term"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="consent_withdrawn_by_somebody",
            ),
            models.UniqueConstraint(
                fields=("resident", "decision", "purpose", "organization", "person"),
                condition=Q(withdrawn_at__isnull=True),
                name="consent_open_once",
                nulls_distinct=False,
            ),
        )
        indexes = (models.Index(fields=("organization", "resident"), name="consent_by_organization"),)
        ordering = ("-since", "-id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "person", "given_by", "withdrawn_by")
        clinical = ("decision", "purpose")
        operational = ("organization", "is_by_guardian", "since", "until", "withdrawn_at")


class Emergency(BaseModel):
    """Somebody opened a record without a relation, in an emergency, and wrote why (FHIR Consent, purpose BTG)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    reason = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="emergency_term"),
            models.CheckConstraint(condition=~Q(reason=""), name="emergency_has_reason"),
        )
        indexes = (models.Index(fields=("organization", "since"), name="emergency_by_organization"),)
        ordering = ("-since", "-id")

    class Privacy:
        rows = Rows("one's own looks, and those one watches over", LOOKED)
        identifying = ("resident", "user")
        clinical = ("reason",)
        operational = ("organization", "since", "until")


class Question(BaseModel):
    """Why somebody looked: asked by the resident of the security administrator, or by that one of the reader."""

    class Kind(models.TextChoices):
        RESIDENT = "resident", _("居民提问")
        REVIEW = "review", _("安全管理员核查")

    kind = models.CharField(max_length=16, choices=Kind)
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    reader = models.ForeignKey(User, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    looked_at = models.DateTimeField()
    emergency = models.ForeignKey(Emergency, models.PROTECT, null=True, blank=True, related_name="questions")
    text = models.TextField()
    status = models.CharField(max_length=16, choices=QUESTION.choices(), default=QUESTION.initial)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.CharField(max_length=100, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status="asked", answered_at__isnull=True)
                | (Q(status="answered", answered_at__isnull=False) & ~Q(answer="")),
                name="question_answered_in_words",
            ),
        )
        indexes = (models.Index(fields=("organization", "status"), name="question_by_organization"),)
        ordering = ("-asked_at", "-id")

    class Privacy:
        rows = Rows("asked, to be answered or watched over by oneself, or about oneself", ASKED)
        identifying = ("resident", "reader", "asked_by", "answered_by")
        clinical = ("text", "answer")
        operational = ("kind", "organization", "looked_at", "emergency", "status", "asked_at", "answered_at")


def naming_residents() -> list[ForeignObjectRel]:
    """Every column of every table that names a resident, also of modules above."""
    found = Resident._meta.get_fields(include_hidden=True)
    return [one for one in found if isinstance(one, ForeignObjectRel)]
