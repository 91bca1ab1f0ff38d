"""Reading staff."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import BigIntegerField, Q, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.prepared import Prepared, Told
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.domain.workforce.rules import TITLE_ORDER, grade_at_least
from kangqiao.kernel.errors import NotVisible


def practitioner(practitioner_id: int) -> Practitioner:
    """The member of staff of that id. Raises NotVisible."""
    found = _rows().filter(pk=practitioner_id).first()
    if found is None:
        raise NotVisible(_("没有这位人员。"))
    return found


def practitioner_of(user_id: int) -> Practitioner | None:
    """The member of staff behind a user, if the user is one."""
    found: list[Practitioner] = _of_user.models(user=user_id)
    return found[0] if found else None


@Prepared
def _of_user() -> QuerySet[Practitioner]:
    return _rows().filter(user=Told("user", BigIntegerField()))[:1]


def staff_of(organization_id: int) -> QuerySet[Practitioner]:
    """Everybody an organisation employs."""
    return _rows().filter(organization=organization_id)


def experts_of(hospital_id: int, *, minimum: str = "", specialty: str = "") -> QuerySet[Practitioner]:
    """The hospital's licensed physicians, of at least the title `minimum` and of the specialty where given.

    The minimum is the paper's and comes from the caller; without it all physicians are listed, so that a page can
    show who is refused and why.
    """
    rows = staff_of(hospital_id).filter(is_licensed=True, title_kind=Practitioner.TitleKind.PHYSICIAN)
    if minimum:
        rows = rows.filter(title_grade__in=[grade for grade in TITLE_ORDER if grade_at_least(grade, minimum)])
    return rows.filter(specialty__code=specialty) if specialty else rows


def absences_between(practitioner_ids: Iterable[int], starts_on: date, ends_on: date) -> QuerySet[Absence]:
    """The absences of these people that touch the days from `starts_on` to `ends_on`, both included."""
    return Absence.objects.filter(
        Q(starts_on__lte=ends_on) & Q(ends_on__gte=starts_on), practitioner__in=list(practitioner_ids)
    )


def _rows() -> QuerySet[Practitioner]:
    return Practitioner.objects.select_related("organization", "specialty")
