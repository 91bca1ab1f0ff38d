"""Notices to a seat or to one person."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import HOUSE, ME, ROLE, Rows
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.institutions.models import Organization

TO_ME = (
    f"user_id = {ME} OR (user_id IS NULL AND organization_id = {HOUSE}"
    f" AND (role = {ROLE} OR (role = '' AND {ROLE} <> '{Role.RESIDENT}')))"
)


class Notice(BaseModel):
    """One message to everybody in a role at an organisation, or to one person (FHIR Communication)."""

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, blank=True, related_name="+")
    role = models.CharField(max_length=24, choices=Role, blank=True)
    user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    clause = models.CharField(max_length=30, blank=True)
    # One notice per cause: the job that finds a shortfall again does not tell it again.
    cause = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(organization__isnull=False), name="notice_has_addressee"
            ),
        )
        indexes = (models.Index(fields=("organization", "role", "read_at"), name="notice_inbox"),)
        ordering = ("-created_at", "-id")

    class Privacy:
        rows = Rows("to oneself, or to the seat one sits at", TO_ME)
        identifying = ("user", "read_by")
        clinical = ("subject", "body")
        operational = ("organization", "role", "kind", "url", "clause", "cause", "created_at", "read_at")
