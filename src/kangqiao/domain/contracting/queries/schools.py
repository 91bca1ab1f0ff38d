"""Schools as those see them who look after health there: which ones, and one name of the list by its number."""

from __future__ import annotations

from datetime import date

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.contracting.models import Community, SchoolHealthWorker
from kangqiao.domain.contracting.permissions import SCHOOL
from kangqiao.domain.residents.permissions import user_id_of
from kangqiao.kernel.errors import NotVisible

# Places with students.
SCHOOLS = (Community.Kind.SCHOOL, Community.Kind.CAMPUS)


def schools_of(by: Actor) -> list[Community]:
    """The schools somebody looks after now, each with the centre that serves it."""
    if by.role not in SCHOOL:
        return []
    held = SchoolHealthWorker.objects.filter(user_id=user_id_of(by) or 0, until__isnull=True).values("community")
    return list(Community.objects.select_related("organization__place").filter(pk__in=held).order_by("zh"))


def health_workers_of(community: Community) -> list[SchoolHealthWorker]:
    """Who looks after health at a school now; no other place has any."""
    if community.kind not in SCHOOLS:
        return []
    return list(SchoolHealthWorker.objects.select_related("user").filter(community=community, until__isnull=True))


def get_health_worker(worker_id: int) -> SchoolHealthWorker:
    """Somebody who looks after health at a school now. Raises NotVisible."""
    rows = SchoolHealthWorker.objects.select_related("user", "community__organization")
    found = rows.filter(pk=worker_id, until__isnull=True).first()
    if found is None:
        raise NotVisible(_("没有这个学校账号，或已经停用。"), next_step=_("请从学校的页面操作。"))
    return found


def may_report(community: Community, on: date) -> list[tuple[int, str]]:
    """The school accounts of the centre that do not report for this school yet: id and name."""
    there = SchoolHealthWorker.objects.filter(community=community, until__isnull=True).values("user_id")
    in_force = Q(until__isnull=True) | Q(until__gt=on)
    house = community.organization_id
    rows = Membership.objects.filter(in_force, since__lte=on, role=Role.SCHOOL_HEALTH, organization=house)
    return list(rows.exclude(user__in=there).order_by("user_id").values_list("user_id", "user__name").distinct())


def student_named(community_id: int, identifier: str, on: date) -> str:
    """The name that stands beside a number on the list of one's own school; empty where there is none.

    The database hands out this one name, and only to who looks after health there.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT kangqiao_student(%s, %s, %s)", [community_id, identifier, on])
        row = cursor.fetchone()
    return (row[0] if row else None) or ""
