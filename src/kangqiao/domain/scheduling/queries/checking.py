"""What a weekly template is held against before it is kept: asked once for any number of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models import ClinicTemplate, Weekday
from kangqiao.domain.scheduling.queries.weekly import doctors_to_plan, specialties_to_plan, weekly_of, weekly_terms
from kangqiao.domain.scheduling.rules import Weekly, check, meet
from kangqiao.kernel.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Held:
    """A template that is kept, or would be: its values, whose and where."""

    weekly: Weekly
    who: str
    where: str


class WeekCheck:
    """The doctors, departments and templates of a hospital, and of its doctors elsewhere."""

    def __init__(self, house: Organization, today: date) -> None:
        self.today, self.terms = today, weekly_terms(house, today)
        self.doctors = {one.pk: one for one in doctors_to_plan(house)}
        self.specialties = {one.code: one for one in specialties_to_plan()}
        rows = ClinicTemplate.objects.select_related("organization", "practitioner")
        rows = rows.filter(Q(practitioner__in=self.doctors) | Q(organization=house))
        self.held = {
            one.pk: Held(weekly_of(one), one.practitioner.name, one.organization.short_zh)
            for one in rows
            if one.until is None or one.since < one.until
        }

    def check(self, weekly: Weekly, *, template_id: int | None = None, was: Weekly | None = None) -> None:
        """Raises RuleBroken when the values make no clinic, begin or end in the past, or the doctor sits elsewhere.

        `was` are the values of the template that is changed: what stays as it was is not asked again.
        """
        check(weekly, self.terms)
        if weekly.since < self.today and (was is None or weekly.since != was.since):
            raise RuleBroken(_("第一天已经过去。"), next_step=_("请选今天或以后的一天。"))
        if weekly.until is not None and weekly.until <= self.today and (was is None or weekly.until != was.until):
            raise RuleBroken(_("最后一天已经过去。"), next_step=_("请选今天或以后的一天。"))
        # Whoever left since then stays in what was: else their template could be neither ended nor mended.
        is_new = was is None or weekly.practitioner_id != was.practitioner_id
        if is_new and weekly.practitioner_id not in self.doctors:
            raise RuleBroken(_("这位医生不在这家医院，或没有在册的执业资格。"), next_step=_("请从本院的医生里选。"))
        is_new = was is None or weekly.specialty != was.specialty
        if is_new and weekly.specialty not in self.specialties:
            raise RuleBroken(_("没有这个科室。"), next_step=_("请选一个科室。"))
        for number, other in self.held.items():
            if number != template_id and meet(weekly, other.weekly):
                raise _overlap(other)


def _overlap(other: Held) -> RuleBroken:
    weekly = other.weekly
    words = {
        "who": other.who, "day": Weekday(weekly.weekday).label, "where": other.where,
        "hours": f"{weekly.starts:%H:%M}–{weekly.ends:%H:%M}", "since": weekly.since.isoformat(),
    }  # fmt: skip
    return RuleBroken(
        _("%(who)s从%(since)s起%(day)s%(hours)s已有%(where)s的出诊模板。") % words,
        next_step=_("请改时间，或先改原来的模板。"),
    )
