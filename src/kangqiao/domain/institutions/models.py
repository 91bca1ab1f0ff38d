"""Places by administrative division and the tree of organisations."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from kangqiao.base.models import BaseModel
from kangqiao.base.rows import shared


class Place(BaseModel):
    """An administrative division (GB/T 2260) or a functional zone that has no division code of its own."""

    code = models.CharField(max_length=20, unique=True)
    zh = models.CharField(max_length=60)
    en = models.CharField(max_length=100, blank=True)
    part_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="parts")
    is_functional_zone = models.BooleanField(default=False)

    class Meta:
        ordering = ("code",)

    class Privacy:
        rows = shared("divisions of the country")
        identifying = ()
        clinical = ()
        operational = ("code", "zh", "en", "part_of", "is_functional_zone")

    def __str__(self) -> str:
        return self.zh


class Organization(BaseModel):
    """A legal body or a unit of one: bureau, hospital, centre, station, clinic, office (FHIR Organization)."""

    class Kind(models.TextChoices):
        HEALTH_BUREAU = "health_bureau", _("卫生行政部门")
        FINANCE_BUREAU = "finance_bureau", _("财政部门")
        HOSPITAL_AUTHORITY = "hospital_authority", _("医院管理中心")
        HOSPITAL = "hospital", _("医院")
        CENTRE = "centre", _("社区卫生服务中心")
        STATION = "station", _("社区卫生服务站")
        CLINIC = "clinic", _("诊所、医务室")
        DEPARTMENT = "department", _("科室")
        GUIDANCE_OFFICE = "guidance_office", _("社区卫生服务指导科")
        GROUP = "group", _("医疗集团")
        INSURER = "insurer", _("医保经办机构")

    class Ownership(models.TextChoices):
        MUNICIPAL = "municipal", _("市属")
        DISTRICT = "district", _("区属")
        UNIVERSITY = "university", _("大学附属")
        PROVINCIAL_BRANCH = "provincial_branch", _("省级医院分院")
        PRIVATE = "private", _("社会办")
        IN_HOUSE = "in_house", _("单位内设")

    code = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=24, choices=Kind)
    zh = models.CharField(max_length=120)
    short_zh = models.CharField(max_length=40)
    en = models.CharField(max_length=200, blank=True)
    place = models.ForeignKey(Place, models.PROTECT, related_name="organizations")
    part_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="parts")
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    ownership = models.CharField(max_length=24, choices=Ownership, blank=True)
    opened_on = models.DateField(null=True, blank=True)
    population_served = models.PositiveIntegerField(null=True, blank=True)
    specialty = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    is_stand_in = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    keys = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(level__isnull=True) | models.Q(level__range=(1, 3)), name="organization_level_1_to_3"
            ),
        )
        indexes = (
            GinIndex(fields=("keys",), name="organization_keys"),
            models.Index(fields=("kind", "place"), name="organization_kind_place"),
        )
        ordering = ("place", "kind", "code")

    class Privacy:
        rows = shared("bodies, not people")
        identifying = ()
        clinical = ()
        operational = (
            "code", "kind", "zh", "short_zh", "en", "place", "part_of", "level", "ownership", "opened_on",
            "population_served", "specialty", "address", "phone", "longitude", "latitude", "is_stand_in", "is_demo",
            "keys",
        )  # fmt: skip

    def __str__(self) -> str:
        return self.zh


def naming_organizations() -> list[models.ForeignObjectRel]:
    """Every column of every table that names an organisation, also of modules above."""
    found = Organization._meta.get_fields(include_hidden=True)
    return [one for one in found if isinstance(one, models.ForeignObjectRel)]
