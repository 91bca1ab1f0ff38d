"""Referrals in both directions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, ME, ROLE, Rows
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import quoted
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.contracting.models import Community
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral.states import DOWN, SCHOOL_CASE, UP
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.scheduling.models import Booking
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.states import State

# An open letter gives both its ends a basis (`actions.parts`), so the ledger is not asked about each of thousands;
# whoever keeps the house out, and what is over, is left to it.
OPEN = tuple(sorted({*UP.open_keys(), *DOWN.open_keys()}))
AT_END = (
    f"(status IN ({quoted(OPEN)}) AND (SELECT kangqiao_treats())"
    " AND (from_organization_id = ANY ((SELECT kangqiao_houses())::bigint[])"
    " OR to_organization_id = ANY ((SELECT kangqiao_houses())::bigint[]))"
    " AND resident_id NOT IN (SELECT kangqiao_refused()))"
)
OF_REFERRAL = "EXISTS (SELECT 1 FROM referral_referral seen WHERE seen.id = referral_id)"

# A school's case is seen by who looks after health there, by its centre, and with the letter that came of it.
OF_SCHOOL_CASE = (
    f"({ROLE} = '{Role.SCHOOL_HEALTH.value}' AND EXISTS (SELECT FROM contracting_schoolhealthworker worker"
    f" WHERE worker.community_id = referral_schoolcase.community_id AND worker.user_id = {ME}"
    " AND worker.until IS NULL))"
    f" OR ({ROLE} IN ('{Role.GP.value}', '{Role.CENTRE_MANAGER.value}') AND organization_id = {HOUSE})"
    f" OR {OF_REFERRAL}"
)


class Referral(BaseModel):
    """One patient sent to the other side of an agreement, up or down (FHIR ServiceRequest)."""

    class Direction(models.TextChoices):
        UP = "up", "上转"
        DOWN = "down", "下转"

    class Urgency(models.TextChoices):
        ROUTINE = "routine", "常规"
        URGENT = "urgent", "加急"
        EMERGENCY = "emergency", "急诊"

    number = models.CharField(max_length=40, unique=True)
    direction = models.CharField(max_length=8, choices=Direction)
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    from_organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    to_organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    from_practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, blank=True, related_name="+")
    # The referral this one answers or continues: a down-referral names its up-referral.
    origin = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="continuations")
    # The visit that gave rise to it, such as an expert's session at the centre.
    origin_encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.CharField(max_length=40)
    urgency = models.CharField(max_length=12, choices=Urgency, default=Urgency.ROUTINE)
    diagnosis = models.CharField(max_length=100)
    reason_code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    history = models.TextField(blank=True)
    examination = models.TextField(blank=True)
    question = models.TextField(blank=True)
    medicines = models.TextField(blank=True)
    allergies = models.TextField(blank=True)
    has_consent = models.BooleanField(default=False)
    is_green_channel = models.BooleanField(default=False)
    # Why the patient stands where in a queue: points by reason, as they were at sending.
    points = models.JSONField(default=dict, blank=True)
    plan = models.TextField(blank=True)
    # What the record told when the letter was sent, frozen, with its fingerprint.
    summary = models.JSONField(default=dict, blank=True)
    summary_sha256 = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=16, choices=[*UP.choices(), *DOWN.choices()])
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    reply = models.TextField(blank=True)
    sent_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    # When the patient first came to the hospital; until then the custody is the centre's.
    arrived_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    # Since when it stands where it stands; with `due_at` it tells how much of the limit is used.
    clock_from = models.DateTimeField()
    # Until when the receiver had to answer; kept when the next clock starts, so that "in time" can be counted.
    answer_by = models.DateTimeField()
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(from_organization=F("to_organization")), name="referral_between_two_organizations"
            ),
            models.CheckConstraint(
                condition=Q(summary={}, summary_sha256="") | Q(summary_sha256__regex="^[0-9a-f]{64}$"),
                name="referral_summary_has_fingerprint",
            ),
            models.CheckConstraint(condition=~(Q(reason_code="") & Q(reason="")), name="referral_has_reason"),
            # A second open referral for the same problem at the same hospital is joined, not doubled.
            models.UniqueConstraint(
                fields=("resident", "to_organization", "specialty", "direction"),
                condition=Q(status__in=("sent", "unplaced", "returned", "accepted", "proposed", "declined")),
                name="referral_open_once",
            ),
        )
        indexes = (
            models.Index(fields=("to_organization", "status", "due_at"), name="referral_inbox"),
            models.Index(fields=("from_organization", "status", "sent_at"), name="referral_outbox"),
            models.Index(fields=("resident", "sent_at"), name="referral_resident"),
        )
        ordering = ("-sent_at", "-id")

    class Privacy:
        rows = Rows("an open letter at its ends, and of whom the ledger shows", f"{AT_END} OR {OF_RESIDENT}")
        identifying = ("resident",)
        clinical = (
            "origin", "origin_encounter", "specialty", "urgency", "diagnosis", "reason_code", "reason", "history",
            "examination", "question", "medicines", "allergies", "plan", "booking", "encounter", "reply",
            "points", "summary",
        )  # fmt: skip
        operational = (
            "number", "direction", "from_organization", "to_organization", "from_practitioner", "agreement",
            "has_consent", "is_green_channel", "status", "sent_at", "answered_at", "arrived_at", "due_at", "clock_from",
            "answer_by", "policy_ref", "summary_sha256",
        )  # fmt: skip


class Part(BaseModel):
    """One examination or bed kept with a letter, beside its visit (FHIR Appointment based on the ServiceRequest)."""

    class Kind(models.TextChoices):
        ECG = "ecg", _("心电图")
        CT = "ct", "CT"
        ULTRASOUND = "ultrasound", _("超声")
        LABORATORY = "laboratory", _("检验")
        WARD = "ward", _("住院床位")

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="parts")
    kind = models.CharField(max_length=12, choices=Kind)
    booking = models.OneToOneField(Booking, models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(kind__in=ORDERED), name="referral_part_kind_known"),)
        ordering = ("id",)

    class Privacy:
        rows = Rows("seen with the letter", OF_REFERRAL)
        identifying = ()
        clinical = ("referral", "kind", "booking")
        operational = ()


class Attachment(BaseModel):
    """A file that travels with a letter, sealed; taken back it is empty, and who read it stands in the audit.

    FHIR DocumentReference. `name` is what the sender called it, made plain; `kind` what its bytes are.
    """

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        JPEG = "jpg", "JPG"
        PNG = "png", "PNG"

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    by_id = models.CharField(max_length=64)
    by_name = models.CharField(max_length=100)
    added_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)
    taken_back_why = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(taken_back_at__isnull=True, taken_back_why="")
                | (Q(taken_back_at__isnull=False, content=b"") & ~Q(taken_back_why="")),
                name="attachment_taken_back_is_empty",
            ),
            models.UniqueConstraint(
                fields=("referral", "sha256"), condition=Q(taken_back_at__isnull=True), name="attachment_once"
            ),
        )
        ordering = ("id",)

    class Privacy:
        rows = Rows("seen with the letter", OF_REFERRAL)
        identifying = ("by_name",)
        clinical = ("referral", "name", "content")
        operational = ("kind", "size", "sha256", "by_id", "added_at", "taken_back_at", "taken_back_why")

    def __str__(self) -> str:
        return self.name


class SchoolCase(BaseModel):
    """A student fell ill or was hurt at school; the centre that serves it sends them on or answers (FHIR Task).

    `organization` is that centre. Who the student is comes from the school's list where a number is given, else by name
    alone; the register is asked when the case goes to a hospital (FT18-2.3d).
    """

    class Consciousness(models.TextChoices):
        AWAKE = "awake", _("清醒")
        DROWSY = "drowsy", _("叫得应，反应慢")
        UNRESPONSIVE = "unresponsive", _("叫不应")

    class Breathing(models.TextChoices):
        NORMAL = "normal", _("呼吸正常")
        DIFFICULT = "difficult", _("呼吸困难")
        ABSENT = "absent", _("没有呼吸")

    class Sign(models.TextChoices):
        BLEEDING = "bleeding", _("出血")
        INJURY = "injury", _("外伤或骨折")
        CONVULSION = "convulsion", _("抽搐")
        CHEST_PAIN = "chest_pain", _("胸痛")
        ABDOMINAL_PAIN = "abdominal_pain", _("腹痛")
        VOMITING = "vomiting", _("呕吐")
        RASH = "rash", _("皮疹或过敏")
        POISONING = "poisoning", _("误食或中毒")
        BURN = "burn", _("烫伤")

    class Answer(models.TextChoices):
        STAYS = "stays", _("留在学校观察")
        COMES = "comes", _("来中心看")
        AMBULANCE = "ambulance", _("急救车已叫")

    community = models.ForeignKey(Community, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    student = models.CharField(max_length=100)
    grade = models.CharField(max_length=40, blank=True)
    identifier = models.CharField(max_length=40, blank=True)
    contact = models.CharField(max_length=60)
    contact_phone = models.CharField(max_length=40)
    happened_at = models.DateTimeField()
    what = models.TextField()
    consciousness = models.CharField(max_length=16, choices=Consciousness)
    breathing = models.CharField(max_length=16, choices=Breathing)
    temperature = models.DecimalField(max_digits=3, decimal_places=1, null=True, blank=True)
    signs = ArrayField(models.CharField(max_length=16, choices=Sign), default=list, blank=True)
    findings = models.TextField(blank=True)
    is_ambulance_called = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=SCHOOL_CASE.choices(), default=SCHOOL_CASE.initial)
    opened_at = models.DateTimeField()
    # Until when the centre has to answer; empty once it did.
    due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_kind = models.CharField(max_length=16, choices=Answer, blank=True)
    answer = models.TextField(blank=True)
    referral = models.OneToOneField(Referral, models.PROTECT, null=True, blank=True, related_name="school_case")
    policy_ref = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(status="forwarded", referral__isnull=False)
                | (~Q(status="forwarded") & Q(referral__isnull=True)),
                name="school_case_forwarded_has_letter",
            ),
            models.CheckConstraint(
                condition=(Q(status="answered") & ~Q(answer_kind="") & ~Q(answer=""))
                | (~Q(status="answered") & Q(answer_kind="", answer="")),
                name="school_case_answered_has_words",
            ),
            # The same student is reported once as long as nobody has answered: by number, or by name and class.
            models.UniqueConstraint(
                fields=("community", "identifier"),
                condition=Q(status="open") & ~Q(identifier=""),
                name="school_case_open_once_by_number",
            ),
            models.UniqueConstraint(
                fields=("community", "student", "grade"),
                condition=Q(status="open", identifier=""),
                name="school_case_open_once_by_name",
            ),
        )
        indexes = (
            models.Index(fields=("organization", "opened_at"), condition=Q(status="open"), name="school_case_waiting"),
            models.Index(fields=("community", "-opened_at"), name="school_case_of_school"),
        )
        ordering = ("-opened_at", "-id")

    class Privacy:
        rows = Rows("the school that reported it, its centre, and whoever sees the letter", OF_SCHOOL_CASE)
        identifying = ("student", "grade", "identifier", "contact", "contact_phone", "opened_by")
        clinical = (
            "what", "consciousness", "breathing", "temperature", "signs", "findings", "is_ambulance_called",
            "answer_kind", "answer", "referral", "happened_at",
        )  # fmt: skip
        operational = (
            "community", "organization", "status", "opened_at", "due_at", "answered_at", "policy_ref", "is_demo",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.student

    @property
    def state(self) -> State:
        """The state as the table names and draws it."""
        return SCHOOL_CASE.state(self.status)

    @property
    def is_life_threat(self) -> bool:
        """Whether what was seen calls for an ambulance before anything else."""
        return self.consciousness == self.Consciousness.UNRESPONSIVE or self.breathing != self.Breathing.NORMAL
