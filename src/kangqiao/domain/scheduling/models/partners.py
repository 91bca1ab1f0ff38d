"""What one paired centre gets at least and at most of a hospital's sessions, and how much of it is taken."""

from django.db import models
from django.db.models import F, Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import Rows, shared
from kangqiao.domain.accounts.models import STAFF
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models.sessions import Session


class PartnerRule(BaseModel):
    """How many reserved places of each session one paired centre gets at least, and at most, with the reason.

    Of a hospital or one department; the narrowest counts, of those the one from the latest day, of those the last set.
    `most` is none where there is no limit.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=40, blank=True)
    since = models.DateField()
    least = models.PositiveSmallIntegerField(default=0)
    most = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    set_by = models.CharField(max_length=100)
    set_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(most=None) | Q(most__gte=F("least")), name="partner_rule_in_order"),
            models.CheckConstraint(condition=~Q(reason=""), name="partner_rule_has_a_reason"),
        )
        indexes = (models.Index(fields=("organization", "since"), name="partner_rule_organization"),)
        ordering = ("since", "id")

    class Privacy:
        rows = Rows("how a house shares out is what its partners ask", STAFF)
        identifying = ("set_by",)
        clinical = ()
        operational = ("organization", "centre", "specialty", "since", "least", "most", "reason", "set_at")


class PartnerCount(BaseModel):
    """How many reserved places of a session a centre has taken; the row itself refuses one more than may be.

    Places that had been released to everyone are in no count.
    """

    session = models.ForeignKey(Session, models.PROTECT, related_name="partner_counts")
    centre = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    most = models.PositiveSmallIntegerField(null=True, blank=True)
    taken = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(most=None) | Q(taken__lte=F("most")), name="partner_count_within_most"),
            models.UniqueConstraint(fields=("session", "centre"), name="partner_count_once"),
        )
        ordering = ("session", "centre")

    class Privacy:
        rows = shared("counters of places")
        identifying = ()
        clinical = ()
        operational = ("session", "centre", "most", "taken")
