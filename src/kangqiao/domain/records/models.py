"""Encounters, observations, conditions, allergies, medicines, immunisations and documents."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.workforce.models import Practitioner

OF_LEDGER = Rows("whom the ledger lets one see", OF_RESIDENT)


class Encounter(BaseModel):
    """One visit of a resident at a centre or hospital (FHIR Encounter)."""

    class Origin(models.TextChoices):
        WALK_IN = "walk_in", _("直接就诊")
        BOOKING = "booking", _("预约就诊")
        GP = "gp", _("基层代约就诊")
        REFERRAL = "referral", _("转诊就诊")

    class Outcome(models.TextChoices):
        TREATED = "treated", _("已处理，回家")
        TESTED = "tested", _("先做检查")
        REFERRED = "referred", _("转上级医院")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, null=True, blank=True, related_name="+")
    specialty = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    origin = models.CharField(max_length=16, choices=Origin)
    is_emergency = models.BooleanField(default=False, db_default=False)
    # Set when a posted expert saw the resident at the centre.
    is_posted_expert = models.BooleanField(default=False)
    diagnosis = models.CharField(max_length=40, blank=True)
    summary = models.TextField(blank=True)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    differential = models.CharField(max_length=200, blank=True, db_default="")
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True, db_default="")
    next_visit_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            # A visit written on the page of the consulting room has a reason, and does not end without an outcome.
            models.CheckConstraint(condition=Q(reason="") | ~Q(outcome=""), name="encounter_ends_with_outcome"),
        )
        indexes = (
            models.Index(fields=("resident", "started_at"), name="encounter_resident"),
            models.Index(fields=("organization", "started_at"), name="encounter_organization"),
        )
        ordering = ("started_at", "id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident",)
        clinical = ("specialty", "diagnosis", "summary", "origin", "is_emergency", "reason", "differential", "outcome",
                    "next_visit_on")  # fmt: skip
        operational = ("organization", "practitioner", "started_at", "is_posted_expert")


class Observation(BaseModel):
    """One value measured or told, with its unit, when, by whom and from where (FHIR Observation).

    A correction is a row of its own that names the former one, with its reason; the row nobody corrected holds.
    """

    class Source(models.TextChoices):
        VISIT = "visit", _("就诊时")
        HOME = "home", _("在家自测")
        HISTORY = "history", _("读入的历史")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="observations")
    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=24)
    value = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    text = models.CharField(max_length=200, blank=True, db_default="")
    unit = models.CharField(max_length=16, blank=True, db_default="")
    taken_at = models.DateTimeField()
    source = models.CharField(max_length=8, choices=Source)
    # Somebody was asked about an uncommon value and said that it is so.
    is_confirmed = models.BooleanField(default=False, db_default=False)
    recorded_by = models.CharField(max_length=100)
    recorded_at = models.DateTimeField()
    corrects = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="correction")
    reason = models.CharField(max_length=200, blank=True, db_default="")
    is_void = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(value__isnull=False, text="", is_void=False)
                | (Q(value__isnull=True, is_void=False) & ~Q(text=""))
                | Q(value__isnull=True, text="", is_void=True, corrects__isnull=False),
                name="observation_says_one_thing",
            ),
            models.CheckConstraint(condition=Q(taken_at__lte=F("recorded_at")), name="observation_not_ahead"),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, reason="") | (Q(corrects__isnull=False) & ~Q(reason="")),
                name="observation_correction_has_reason",
            ),
            models.UniqueConstraint(
                fields=("resident", "code", "taken_at", "source"), condition=Q(corrects__isnull=True),
                name="observation_once",
            ),
        )  # fmt: skip
        indexes = (models.Index(fields=("resident", "code", "-taken_at"), name="observation_of_resident"),)
        ordering = ("-taken_at", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "recorded_by")
        clinical = ("code", "value", "text", "unit", "corrects", "reason", "is_void", "is_confirmed")
        operational = ("encounter", "organization", "taken_at", "source", "recorded_at")


class Condition(BaseModel):
    """A problem the resident lives with, such as hypertension, until it is over (FHIR Condition)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    zh = models.CharField(max_length=100)
    since = models.DateField(null=True, blank=True)
    abated_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resident", "code"), name="condition_once"),
            models.CheckConstraint(
                condition=Q(abated_on__isnull=True) | Q(since__isnull=True) | Q(abated_on__gte=F("since")),
                name="condition_term",
            ),
        )

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident",)
        clinical = ("code", "zh", "since", "abated_on")
        operational = ()


class Allergy(BaseModel):
    """What a resident must not get, or that nothing is known (FHIR AllergyIntolerance)."""

    class Severity(models.TextChoices):
        UNKNOWN = "unknown", _("程度不详")
        MILD = "mild", _("轻")
        SEVERE = "severe", _("重")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    # The beginning of an ATC code where it is a medicine; the name is empty where nothing is known.
    code = models.CharField(max_length=16, blank=True, db_default="")
    zh = models.CharField(max_length=60, blank=True, db_default="")
    reaction = models.CharField(max_length=100, blank=True, db_default="")
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.UNKNOWN)
    recorded_by = models.CharField(max_length=100)
    recorded_at = models.DateTimeField()
    refuted_at = models.DateTimeField(null=True, blank=True)
    refuted_by = models.CharField(max_length=100, blank=True, db_default="")
    refuted_why = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resident", "zh"), condition=Q(refuted_at__isnull=True), name="allergy_once"
            ),
            models.CheckConstraint(
                condition=Q(refuted_at__isnull=True, refuted_why="")
                | (Q(refuted_at__isnull=False) & ~Q(refuted_why="")),
                name="allergy_refuted_with_reason",
            ),
        )  # fmt: skip
        ordering = ("recorded_at", "id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "recorded_by", "refuted_by")
        clinical = ("code", "zh", "reaction", "severity", "refuted_why")
        operational = ("recorded_at", "refuted_at")


class Medication(BaseModel):
    """A medicine in use, with its dose, from a day to a day (FHIR MedicationStatement)."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=16, blank=True, db_default="")
    zh = models.CharField(max_length=60)
    dose = models.CharField(max_length=60, blank=True, db_default="")
    since = models.DateField()
    recorded_by = models.CharField(max_length=100)
    until = models.DateField(null=True, blank=True)
    stopped_by = models.CharField(max_length=100, blank=True, db_default="")
    stop_reason = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("resident", "zh"), condition=Q(until__isnull=True), name="medication_once"),
            models.CheckConstraint(
                condition=Q(until__isnull=True, stop_reason="")
                | (Q(until__isnull=False, until__gte=F("since")) & ~Q(stop_reason="")),
                name="medication_stopped_with_reason",
            ),
        )  # fmt: skip
        ordering = ("since", "id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "recorded_by", "stopped_by")
        clinical = ("encounter", "code", "zh", "dose", "since", "until", "stop_reason")
        operational = ()


class Immunization(BaseModel):
    """A vaccination given here, or elsewhere as a certificate shows (FHIR Immunization).

    A correction is a row of its own that names the former one, with its reason; the row nobody corrected is current.
    `series` is what it is against, `dose` which one of it, none where nobody counts. `place` names a house elsewhere.
    """

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    # The house that wrote it, which gave it too where it was given here.
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="+")
    vaccine = models.CharField(max_length=24)
    series = models.CharField(max_length=24)
    dose = models.PositiveSmallIntegerField(null=True, blank=True)
    given_on = models.DateField()
    is_here = models.BooleanField()
    place = models.CharField(max_length=60, blank=True, db_default="")
    performer = models.CharField(max_length=60, blank=True, db_default="")
    manufacturer = models.CharField(max_length=60, blank=True, db_default="")
    lot = models.CharField(max_length=40, blank=True, db_default="")
    expires_on = models.DateField(null=True, blank=True)
    site = models.CharField(max_length=12, blank=True, db_default="")
    route = models.CharField(max_length=4, blank=True, db_default="")
    reaction = models.CharField(max_length=200, blank=True, db_default="")
    # Somebody was asked about an odd age, interval or allergy and said that it is so.
    is_confirmed = models.BooleanField(default=False, db_default=False)
    recorded_by = models.CharField(max_length=100)
    recorded_at = models.DateTimeField()
    corrects = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="correction")
    reason = models.CharField(max_length=200, blank=True, db_default="")
    is_current = models.BooleanField(default=True, db_default=True)
    is_void = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, reason="", is_void=False)
                | (Q(corrects__isnull=False) & ~Q(reason="")),
                name="immunization_correction_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(is_here=False)
                | (
                    Q(expires_on__isnull=False, expires_on__gte=F("given_on"))
                    & ~Q(lot="") & ~Q(manufacturer="") & ~Q(performer="")
                ),
                name="immunization_here_is_whole",
            ),
            models.UniqueConstraint(
                fields=("resident", "series", "dose"), condition=Q(is_current=True, is_void=False),
                name="immunization_dose_once",
            ),
            models.UniqueConstraint(
                fields=("resident", "series", "given_on"), condition=Q(is_current=True, is_void=False),
                name="immunization_day_once",
            ),
        )  # fmt: skip
        indexes = (models.Index(fields=("resident", "-given_on"), name="immunization_of_resident"),)
        ordering = ("-given_on", "-id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "performer", "recorded_by")
        clinical = (
            "encounter", "vaccine", "series", "dose", "place", "manufacturer", "lot", "expires_on", "site", "route",
            "reaction", "is_confirmed", "corrects", "reason", "is_void",
        )  # fmt: skip
        operational = ("organization", "given_on", "is_here", "recorded_at", "is_current")


class Document(BaseModel):
    """A signed letter in the record: visit summary, discharge plan (FHIR DocumentReference)."""

    class Kind(models.TextChoices):
        VISIT_SUMMARY = "visit_summary", _("就诊小结")
        REFERRAL_LETTER = "referral_letter", _("转诊单")
        CARE_PLAN = "care_plan", _("康复与随访计划")
        ONLINE_ADVICE = "online_advice", _("网上咨询")

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    encounter = models.ForeignKey(Encounter, models.PROTECT, null=True, blank=True, related_name="documents")
    kind = models.CharField(max_length=24, choices=Kind)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    signed_by = models.CharField(max_length=100)
    signed_at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ("signed_at", "id")

    class Privacy:
        rows = OF_LEDGER
        identifying = ("resident", "signed_by")
        clinical = ("encounter", "kind", "text")
        operational = ("organization", "signed_at")
