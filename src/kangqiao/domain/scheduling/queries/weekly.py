"""Weekly templates of a hospital, what would be opened from them, and what a changed one would do to what is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import groupby

from django.db.models import F, Q, QuerySet, Sum
from django.utils.timezone import localtime, make_aware
from django.utils.translation import gettext as _

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.scheduling.models import ClinicException, ClinicTemplate, Session, Slot
from kangqiao.domain.scheduling.parameters import WeeklyParameters
from kangqiao.domain.scheduling.permissions import sees_pools
from kangqiao.domain.scheduling.queries.calendar import day_counts, scope_of
from kangqiao.domain.scheduling.rules import DayCount, Says, Skip, Weekly, check, cut, places_left, reserved_positions
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.kernel.errors import NotVisible, RuleBroken

NOON = time(12)


def weekly_terms(house: Organization, on: date) -> WeeklyParameters:
    """How far templates of a hospital may go. Raises NoPolicyInForce."""
    return WeeklyParameters.read(policy.at(house.place.code, on))


def weekly_of(template: ClinicTemplate) -> Weekly:
    """The plain values of a template."""
    return Weekly(
        template.practitioner_id, template.specialty, template.room, template.weekday, template.starts, template.ends,
        template.slot_minutes, template.capacity, template.walk_in_percent, template.since, template.until,
    )  # fmt: skip


def templates_of(house: Organization, on: date) -> list[ClinicTemplate]:
    """The templates of a hospital that hold now or will, by weekday and time; those that ended are left out."""
    holds = Q(until=None) | Q(until__gt=on)
    rows = _templates().filter(holds, organization=house)
    return _with_departments([one for one in rows if one.until is None or one.since < one.until])


def get_template(by: Actor, template_id: int) -> ClinicTemplate:
    """A template of a hospital whose week somebody may read. Raises NotVisible."""
    found = _templates().filter(pk=template_id).first()
    if found is None or not sees_pools(by, found.organization):
        raise NotVisible(_("没有这个出诊模板，或不由您查看。"), next_step=_("请从出诊模板的列表里选。"))
    return _with_departments([found])[0]


def _with_departments(templates: list[ClinicTemplate]) -> list[ClinicTemplate]:
    """The same, each with its `department`."""
    codes = {one.specialty for one in templates}
    found = {one.code: one for one in Concept.objects.filter(system=Concept.System.SPECIALTY, code__in=codes)}
    for one in templates:
        one.department = found.get(one.specialty)
    return templates


def _templates() -> QuerySet[ClinicTemplate]:
    return ClinicTemplate.objects.select_related("organization__place", "practitioner__specialty")


def locked_templates(house: Organization) -> list[ClinicTemplate]:
    """A hospital's templates, locked in one order: nobody opens from them or changes one meanwhile."""
    rows = ClinicTemplate.objects.select_for_update(of=("self",)).filter(organization=house).order_by("pk")
    return list(rows.select_related("organization__place"))


def doctors_to_plan(house: Organization) -> list[Practitioner]:
    """Whom a hospital may plan clinics for: its licensed staff."""
    return list(workforce.staff_of(house.pk).filter(is_licensed=True).order_by("specialty__code", "name", "pk"))


def specialties_to_plan() -> list[Concept]:
    """Every specialty a clinic may be of."""
    return list(Concept.objects.filter(system=Concept.System.SPECIALTY).order_by("code"))


def exceptions_of(template: ClinicTemplate, on: date) -> list[ClinicException]:
    """The single days still to come on which a template's clinic is not held."""
    return list(template.exceptions.filter(day__gte=on).order_by("day"))


@dataclass(frozen=True, slots=True)
class Planned:
    """A template on a day: the clinic that would be opened, or why none is."""

    template: ClinicTemplate
    day: date
    starts_at: datetime
    ends_at: datetime
    skip: Skip | None
    why: str

    @property
    def places(self) -> int:
        """How many places it has."""
        return weekly_of(self.template).places


@dataclass(frozen=True, slots=True)
class Plan:
    """What opening the coming weeks would do, day by day; `unannounced` are days of years nobody announced yet."""

    first: date
    last: date
    days: list[tuple[DayCount, list[Planned]]]

    @property
    def opens(self) -> list[Planned]:
        """The clinics that would be opened."""
        return [one for _day, rows in self.days for one in rows if one.skip is None]

    @property
    def skips(self) -> list[Planned]:
        """Those left out for a reason; what was opened before is no news."""
        return [one for _day, rows in self.days for one in rows if one.skip not in (None, Skip.OPENED)]

    @property
    def unannounced(self) -> list[Planned]:
        """Those of days whose year is not announced yet."""
        return [one for one in self.skips if one.skip is Skip.UNANNOUNCED]

    @property
    def places(self) -> int:
        """How many places would be opened."""
        return sum(one.places for one in self.opens)


def plan_of(
    house: Organization, first: date, last: date, now: datetime, *, is_unannounced_open: bool = False
) -> Plan:  # fmt: skip
    """What would be opened from a hospital's templates from `first` to `last`, both included, and what not and why.

    Days of a year whose holidays are not announced open nothing unless somebody decided so.
    """
    counts = day_counts(scope_of(house), first, last)
    templates = templates_of(house, first)
    known = _Known(templates, first, last, house)
    days = []
    for day, count in counts.items():
        worked = day.isoweekday() if count.is_closed else count.works_as
        rows = [
            _planned(one, count, known, now, is_unannounced_open=is_unannounced_open)
            for one in templates
            if weekly_of(one).holds_on(day, worked)
        ]
        if rows:
            days.append((count, sorted(rows, key=lambda row: (row.starts_at, row.template.pk))))
    return Plan(first, last, days)


class _Known:
    """Everything that may stand against a planned clinic, asked once for all of them."""

    def __init__(self, templates: Sequence[ClinicTemplate], first: date, last: date, house: Organization) -> None:
        doctors = {one.practitioner_id for one in templates}
        self.staff = {one.pk for one in doctors_to_plan(house)}
        starts, ends = _midnight(first), _midnight(last + timedelta(days=1))
        self.exceptions = {
            (one.template_id, one.day): one.reason
            for one in ClinicException.objects.filter(template__in=templates, day__gte=first, day__lte=last)
        }
        self.opened: dict[tuple[int | None, date | None], set[str]] = {}
        for template_id, day, status in Session.objects.filter(
            template__in=templates, planned_for__gte=first, planned_for__lte=last
        ).values_list("template_id", "planned_for", "status"):
            self.opened.setdefault((template_id, day), set()).add(status)
        self.absences: dict[int, list[Absence]] = {}
        for absence in workforce.absences_between(doctors, first, last):
            self.absences.setdefault(absence.practitioner_id, []).append(absence)
        self.sitting: dict[int, list[Session]] = {}
        for session in Session.objects.select_related("organization").filter(
            practitioner__in=doctors, status="open", starts_at__lt=ends, ends_at__gt=starts
        ):
            self.sitting.setdefault(session.practitioner_id, []).append(session)


def _planned(
    template: ClinicTemplate, count: DayCount, known: _Known, now: datetime, *, is_unannounced_open: bool
) -> Planned:
    starts_at, ends_at = instants(template, count.day)
    skip, why = _against(template, count, starts_at, ends_at, known, now)
    if skip is None and count.says is Says.NOBODY and not is_unannounced_open:
        skip, why = Skip.UNANNOUNCED, count.reason
    return Planned(template, count.day, starts_at, ends_at, skip, why)


def _against(
    template: ClinicTemplate, count: DayCount, starts_at: datetime, ends_at: datetime, known: _Known, now: datetime
) -> tuple[Skip | None, str]:
    """The first reason not to open, gravest first."""
    day, doctor = count.day, template.practitioner_id
    opened = known.opened.get((template.pk, day), set())
    if "open" in opened:
        return Skip.OPENED, _("已开放")
    if opened:
        return Skip.CALLED_OFF, _("这一天已停诊")
    if starts_at <= now:
        return Skip.BEGUN, _("已经开始了")
    if doctor not in known.staff:
        return Skip.LEFT, _("医生已不在本院，或没有在册的执业资格")
    if count.is_closed:
        return Skip.CLOSED, count.reason
    if (template.pk, day) in known.exceptions:
        return Skip.EXCEPTION, known.exceptions[template.pk, day]
    if any(_is_away(one, template, day) for one in known.absences.get(doctor, ())):
        return Skip.ABSENCE, _("医生这天请假")
    for session in known.sitting.get(doctor, ()):
        if session.starts_at < ends_at and session.ends_at > starts_at:
            when = f"{localtime(session.starts_at):%H:%M}–{localtime(session.ends_at):%H:%M}"
            return Skip.CONFLICT, _("%(when)s已在%(where)s出诊") % {
                "when": when,
                "where": session.organization.short_zh,
            }
    return None, ""


def _is_away(absence: Absence, template: ClinicTemplate, day: date) -> bool:
    """Whether an absence of a day or half of it touches the hours of a template."""
    if not absence.starts_on <= day <= absence.ends_on:
        return False
    return {"am": template.starts < NOON, "pm": template.ends > NOON}.get(absence.half, True)


def instants(of: ClinicTemplate | Weekly, day: date) -> tuple[datetime, datetime]:
    """When a template's clinic begins and ends on a day."""
    return make_aware(datetime.combine(day, of.starts)), make_aware(datetime.combine(day, of.ends))


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time()))


@dataclass(frozen=True, slots=True)
class Differing:
    """A clinic already open that is not as its template would be: how many are booked, and whether it can follow.

    `still_holds`: the changed template still holds a clinic on that day.
    """

    session: Session
    taken: int
    can_follow: bool
    still_holds: bool


def differing(template: ClinicTemplate, weekly: Weekly, now: datetime) -> list[Differing]:
    """The coming clinics of a template that are not as these values would make them, by time.

    One in which somebody is booked or holds a place, or in which another doctor stands in, never follows.
    Raises RuleBroken when the values make no clinic.
    """
    check(weekly, weekly_terms(template.organization, localtime(now).date()))
    sessions = list(open_of(template, now))
    slots: dict[int, list[Slot]] = {one.pk: [] for one in sessions}
    for slot in Slot.objects.filter(session__in=sessions).order_by("starts_at", "pk"):
        slots[slot.session_id].append(slot)
    found = []
    for one in sessions:
        day = one.planned_for or localtime(one.starts_at).date()
        still_holds = weekly.weekday == template.weekday and weekly.holds_on(day, weekly.weekday)
        if still_holds and _is_as(one, slots[one.pk], weekly, day):
            continue
        free = all(is_empty(s, now) for s in slots[one.pk])
        can_follow = free and one.stands_in_since is None
        found.append(Differing(one, sum(s.taken + s.extra for s in slots[one.pk]), can_follow, still_holds))
    return found


def open_of(template: ClinicTemplate, now: datetime) -> QuerySet[Session]:
    """The coming open clinics of a template, with place and doctor, and `taken`, how many are booked."""
    rows = Session.objects.select_related("organization__place", "practitioner__specialty")
    rows = rows.filter(template=template, status="open", starts_at__gt=now)
    return rows.annotate(taken=Sum(F("slots__taken") + F("slots__extra"))).order_by("starts_at", "pk")


def lock_open_of(template: ClinicTemplate, now: datetime) -> None:
    """Locks the coming open clinics of a template in one order: nobody books or holds a place in them meanwhile."""
    rows = Session.objects.select_for_update().filter(template=template, status="open", starts_at__gt=now)
    list(rows.order_by("pk").values_list("pk"))


def _is_as(session: Session, slots: Sequence[Slot], weekly: Weekly, day: date) -> bool:
    """Whether a clinic is what these values would make on its day."""
    starts_at, ends_at = instants(weekly, day)
    same = (session.practitioner_id, session.specialty, session.room, session.starts_at, session.ends_at)
    if same != (weekly.practitioner_id, weekly.specialty, weekly.room, starts_at, ends_at):
        return False
    times = cut(starts_at, ends_at, weekly.slot_minutes, weekly.times)
    kept = reserved_positions(len(times), Fraction(weekly.walk_in_percent, 100))
    wanted = [(*one, weekly.capacity, n in kept) for n, one in enumerate(times)]
    return [(s.starts_at, s.ends_at, s.capacity, s.is_same_day) for s in slots] == wanted


def by_weekday(templates: Iterable[ClinicTemplate]) -> list[tuple[int, str, list[ClinicTemplate]]]:
    """The templates of each day of the week, Monday first, also of days that have none."""
    found = {day: list(rows) for day, rows in groupby(templates, key=lambda one: one.weekday)}
    labels = dict(ClinicTemplate._meta.get_field("weekday").flatchoices)
    return [(day, str(labels[day]), found.get(day, [])) for day in range(1, 8)]


def is_empty(slot: Slot, at: datetime) -> bool:
    """Whether nobody is booked in a slot, nor added to it, nor holds a place."""
    return not slot.extra and places_left(slot.capacity, slot.taken, slot.held, at) == slot.capacity


def free_of_people(sessions: Sequence[Session], at: datetime) -> list[Session]:
    """Of these clinics, locked in one order, those in which nobody is booked or holds a place."""
    ids = [one.pk for one in sessions]
    locked = list(Session.objects.select_for_update().filter(pk__in=ids, status="open").order_by("pk"))
    busy = {slot.session_id for slot in Slot.objects.filter(session__in=locked) if not is_empty(slot, at)}
    return [one for one in locked if one.pk not in busy]


def given_up(template: ClinicTemplate, today: date) -> Weekly:
    """A template that is given up now: it no longer holds from tomorrow, or never, where it has not begun.

    Raises RuleBroken for one that ends by then anyhow: it would come to hold longer.
    """
    until = max(template.since, today + timedelta(days=template.since <= today))
    if template.until is not None and template.until <= until:
        raise RuleBroken(_("这个出诊模板已经停用。"), next_step=_("请回到出诊模板的列表。"))
    return replace(weekly_of(template), until=until)
