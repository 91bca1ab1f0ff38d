"""Who waits for a place, holds one, has one, lost one, or did not come."""

from datetime import date, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kangqiao.base.codes import code_of
from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows
from kangqiao.domain.accounts.models import STAFF, User
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import OF_RESIDENT, Resident
from kangqiao.domain.scheduling.models.sessions import InstantRange, Session, Slot
from kangqiao.domain.scheduling.models.weekly import DayRange
from kangqiao.domain.scheduling.states import APPEAL, BOOKING, DISPLACED, WAITING


class Waiting(BaseModel):
    """Somebody in line for a place: of a specialty at a house, or of one session (FHIR Appointment, waitlist).

    Whoever was asked less often comes first, then whoever came first. An offer is a hold that names its line.
    """

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=40)
    session = models.ForeignKey(Session, models.PROTECT, null=True, blank=True, related_name="+")
    # The centre whose family doctor put the resident in line: its places are theirs, too.
    centre = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=WAITING.choices(), default=WAITING.initial)
    joined_by = models.CharField(max_length=100)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("resident", "organization", "specialty"),
                condition=Q(status="waiting"),
                name="waiting_once_in_a_line",
            ),
        )
        indexes = (models.Index(fields=("organization", "specialty", "status", "joined_at"), name="waiting_line"),)
        ordering = ("joined_at", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "joined_by")
        clinical = ("specialty",)
        operational = ("organization", "session", "centre", "status", "joined_at")


class Hold(BaseModel):
    """A place kept for one resident for some minutes, while somebody looks once more (FHIR Appointment, pending).

    It runs from `since` to `until`; released or booked it ends earlier. Kept until a job sweeps it away. With `waiting`
    it is an offer to the next in that line.
    """

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="holds")
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    waiting = models.ForeignKey(Waiting, models.PROTECT, null=True, blank=True, related_name="offers")
    held_by = models.CharField(max_length=100)
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="hold_ends_after_it_began"),
            # Whoever waits in a line is asked about one place at a time.
            ExclusionConstraint(
                name="hold_one_offer_at_a_time",
                expressions=(
                    ("waiting", RangeOperators.EQUAL),
                    (InstantRange("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
                condition=Q(waiting__isnull=False),
            ),
            # A person cannot be in two places: holds that run at once are for different hours.
            ExclusionConstraint(
                name="hold_one_at_a_time",
                expressions=(
                    ("resident", RangeOperators.EQUAL),
                    (InstantRange("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    (InstantRange("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
            ),
        )
        indexes = (
            models.Index(fields=("slot", "until"), name="hold_slot"),
            models.Index(fields=("resident", "until"), name="hold_resident"),
        )
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "held_by")
        clinical = ("slot",)
        operational = ("waiting", "starts_at", "ends_at", "since", "until")


class OverbookRight(BaseModel):
    """Who may add somebody beyond the places of a session, named by the hospital, from a day until another, and why.

    `until` is the first day without it. No FHIR resource: it belongs to no appointment but goes with each one added.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField()
    reason = models.CharField(max_length=200)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="overbook_right_ends"),
            models.CheckConstraint(condition=~Q(reason=""), name="overbook_right_has_a_reason"),
            ExclusionConstraint(
                name="overbook_right_one_at_a_time",
                expressions=(
                    ("organization", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (DayRange("since", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                ),
            ),
        )
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("who may add patients is known to whoever works here", STAFF)
        identifying = ("user", "set_by")
        clinical = ()
        operational = ("organization", "since", "until", "reason", "set_at")

    @property
    def last_day(self) -> date:
        """The last day with it."""
        return self.until - timedelta(days=1)


# What a code is for that somebody is checked in by.
CHECK_IN = "scheduling.check_in"


class Booking(BaseModel):
    """One resident's place in a slot (FHIR Appointment)."""

    class Channel(models.TextChoices):
        SELF = "self", _("本人预约")
        GP = "gp", _("家庭医生代约")
        REFERRAL = "referral", _("转诊占号")

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="bookings")
    session = models.ForeignKey(Session, models.PROTECT, related_name="bookings")
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=BOOKING.choices(), default=BOOKING.initial)
    channel = models.CharField(max_length=16, choices=Channel)
    # The pool the place was taken from: the slot's own, or everyone's once it had been released.
    pool = models.CharField(max_length=16, choices=Slot.Pool, default=Slot.Pool.PUBLIC)
    # The paired centre whose reserved place it took; none for a place that had been released.
    centre = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    # Added beyond the places, by a named right and with a reason: real in all but the counts of places.
    right = models.ForeignKey(OverbookRight, models.PROTECT, null=True, blank=True, related_name="bookings")
    extra_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    # An emergency's place is never counted against whoever did not come.
    is_emergency = models.BooleanField(default=False)
    booked_by = models.CharField(max_length=100)
    booked_at = models.DateTimeField()
    # The caller's key: the same attempt sent twice is one booking.
    attempt = models.CharField(max_length=80, unique=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(right=None) | ~Q(extra_reason=""),
                name="booking_extra_has_a_reason",
            ),
            # A person has one place in a session; a cancelled or missed one does not count.
            models.UniqueConstraint(
                fields=("session", "resident"),
                condition=Q(status__in=("booked", "arrived", "fulfilled")),
                name="booking_one_place_per_session",
            ),
        )
        indexes = (
            models.Index(fields=("resident", "status"), name="booking_resident"),
            models.Index(fields=("slot", "status"), name="booking_slot"),
        )
        ordering = ("booked_at", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "booked_by")
        clinical = ("slot", "session", "extra_reason")
        operational = ("status", "channel", "pool", "centre", "right", "is_emergency", "booked_at", "attempt")

    @property
    def code(self) -> str:
        """What the resident's phone shows and the desk scans."""
        return code_of(CHECK_IN, self.pk)


class Displaced(BaseModel):
    """Somebody whose place was lost when a session was called off, until they have another or let go.

    The house that called it off owes them an answer: they stand on its worklist, however long (FHIR Task).
    """

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="displaced")
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=DISPLACED.choices(), default=DISPLACED.initial)
    since = models.DateTimeField()
    instead = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("booking",), condition=Q(status="open"), name="displaced_once"),
            models.CheckConstraint(
                condition=Q(status="placed", instead__isnull=False) | (~Q(status="placed") & Q(instead=None)),
                name="displaced_placed_somewhere",
            ),
        )
        indexes = (
            models.Index(fields=("organization", "status", "since"), name="displaced_organization"),
            models.Index(fields=("resident", "status"), name="displaced_resident"),
        )
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident",)
        clinical = ("booking", "instead")
        operational = ("organization", "status", "since")


class Appeal(BaseModel):
    """A resident says why they did not come; granted, the absence no longer counts (FHIR cancelationReason).

    Whether somebody is suspended is read from the absences themselves and nowhere written down.
    """

    booking = models.OneToOneField(Booking, models.PROTECT, related_name="appeal")
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="+")
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=APPEAL.choices(), default=APPEAL.initial)
    reason = models.CharField(max_length=500)
    made_at = models.DateTimeField()
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.CharField(max_length=100, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="appeal_has_a_reason"),
            models.CheckConstraint(
                condition=Q(status="made", answered_at=None) | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="appeal_answered_in_words",
            ),
        )
        indexes = (models.Index(fields=("organization", "status"), name="appeal_organization"),)
        ordering = ("made_at", "id")

    class Privacy:
        rows = Rows("whom the ledger lets one see", OF_RESIDENT)
        identifying = ("resident", "answered_by")
        clinical = ("booking", "reason", "answer")
        operational = ("organization", "status", "made_at", "answered_at")
