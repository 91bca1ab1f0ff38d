"""Publications: frozen snapshots with a digest and a link to the one before."""

from django.db import models
from django.db.models import Q

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import ACTOR, HOUSE, ROLE, Rows
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.publication.states import PUBLICATION

# Conditions on rows, as in `permissions.visible_to`.
READABLE = (
    f"(status = 'published' AND {ACTOR} <> '')"  # noqa: S608 (constant text)
    f" OR ({ROLE} IN ('{Role.GUIDANCE_OFFICE}', '{Role.HOSPITAL_DIRECTOR}') AND (organization_id = {HOUSE}"
    f" OR organization_id = (SELECT o.part_of_id FROM institutions_organization o WHERE o.id = {HOUSE})))"
    f" OR ({ROLE} = '{Role.BUREAU_OFFICER}' AND organization_id IN (SELECT o.id FROM institutions_organization o"
    " WHERE o.place_id = ANY ((SELECT kangqiao_places())::bigint[])))"
)


class Publication(BaseModel):
    """A hospital's yearly public list of agreements and posted experts.

    `content` is rebuilt from live data while in draft and frozen at submission; `sha256` is the digest of it.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    version = models.PositiveSmallIntegerField(default=1)
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=16, choices=PUBLICATION.choices(), default=PUBLICATION.initial)
    content = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64, blank=True)
    due_on = models.DateField()
    published_at = models.DateTimeField(null=True, blank=True)
    days_late = models.PositiveSmallIntegerField(null=True, blank=True)
    policy_ref = models.CharField(max_length=120)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "year", "version"), name="publication_version_once"),
            models.CheckConstraint(
                condition=~Q(status="published")
                | (Q(published_at__isnull=False, days_late__isnull=False) & ~Q(sha256="")),
                name="publication_published_is_whole",
            ),
        )
        ordering = ("-year", "organization", "-version")

    class Privacy:
        rows = Rows("the published is everybody's, a draft the hospital's and its bureau's", READABLE)
        identifying = ("content",)
        clinical = ()
        operational = (
            "organization", "year", "version", "previous", "status", "sha256", "due_on", "published_at", "days_late",
            "policy_ref",
        )  # fmt: skip
