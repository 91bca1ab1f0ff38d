"""What hospitals owe centres, who is posted, and what a week kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.rules import (
    Nominee,
    may_be_posted,
    title_words,
)
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.period import Period, week
from kangqiao.kernel.states import State
from kangqiao.policy import Value, at

# Half-days that count as kept by the hospital: held, or confirmed and not written off (ZH-3.2.1a).
KEPT_STATES = ("confirmed", "done")


STANDING_STATES = ("planned", "confirmed", "done", "missed")


MEASURE_HALF_DAYS, MEASURE_EXPERTS = "half_days_per_week", "posted_experts"


def zone() -> ZoneInfo:
    """The local zone in which half-days are counted."""
    return ZoneInfo(timezone.get_default_timezone_name())


def named(thing: Organization | Place | Concept | State, *, short: bool = True) -> str:
    """The name in the reader's language; organisations by their short one."""
    if (translation.get_language() or "").startswith("en") and thing.en:
        return thing.en.removesuffix(" Community Health Centre") if short else thing.en
    return thing.short_zh if short and isinstance(thing, Organization) else thing.zh


def specialty_names() -> dict[str, str]:
    """The specialties experts are posted in, by code, in the reader's language."""
    return {concept.code: named(concept) for concept in terminology.concepts("specialty")}


def parameters_for(place_code: str, on: date) -> RosterParameters:
    """The roster policy of a place on a day. Raises NoPolicyInForce."""
    return RosterParameters.read(at(place_code, on))


@dataclass(frozen=True, slots=True)
class Duties:
    """What a hospital owes a centre on a day: half-days a week and experts, by the agreement between them."""

    agreement: Agreement
    half_days: int
    experts: int
    half_days_clause: str = ""
    experts_clause: str = ""

    @property
    def centre(self) -> Organization:
        """The centre that is owed."""
        return self.agreement.centre

    @property
    def hospital(self) -> Organization:
        """The hospital that owes."""
        return self.agreement.hospital


def duties_in(place_code: str | None, on: date) -> list[Duties]:
    """What every centre of a place (of all places without a code) is owed on a day, one row per centre, in their order.

    Figures come from the agreement's own duties; a relation written without them is read from the policy in force.
    A centre bound to two hospitals is owed the larger figure by the one that owes most.
    """
    held = agreements.in_force(on, place_code).prefetch_related(
        Prefetch("duties", queryset=Duty.objects.filter(measure__in=(MEASURE_HALF_DAYS, MEASURE_EXPERTS)))
    )
    best: dict[int, Duties] = {}
    for agreement in held.order_by("centre__place", "centre__code", "kind", "id"):
        found = {duty.measure: duty for duty in agreement.duties.all() if duty.target is not None}
        if not found and agreement.kind not in agreements.RELATIONS:
            continue
        owed = _owed(agreement, found, on)
        known = best.get(agreement.centre_id)
        if known is None or (owed.half_days, owed.experts) > (known.half_days, known.experts):
            best[agreement.centre_id] = owed
    return list(best.values())


def _owed(agreement: Agreement, found: Mapping[str, Duty], on: date) -> Duties:
    figures = parameters_for(agreement.centre.place.code, on) if len(found) < 2 else None

    def figure(measure: str, value: Value | None) -> tuple[int, str]:
        duty = found.get(measure)
        if duty is not None:
            return int(duty.target or 0), duty.clause
        assert value is not None
        return value.integer(), value.clause

    half_days, clause = figure(MEASURE_HALF_DAYS, figures.visits_per_week_min if figures else None)
    experts, experts_clause = figure(MEASURE_EXPERTS, figures.experts_per_centre_min if figures else None)
    return Duties(agreement, half_days, experts, clause, experts_clause)


def experts_posted(centre_ids: Iterable[int], on: date) -> dict[int, int]:
    """How many experts are posted to each centre on a day (SZ16-2.1a).

    A posting that was ended still counts on the days before its last one.
    """
    served = StatusChange.objects.filter(
        subject_type=Posting._meta.label_lower, subject_id=OuterRef("pk"), action="post"
    )
    rows = (
        Posting.objects.filter(centre__in=list(centre_ids), starts_on__lte=on, ends_on__gt=on)
        .filter(Q(status="posted") | (Q(status="ended") & Exists(served)))
        .values("centre")
        .annotate(people=Count("practitioner", distinct=True))
        .order_by()
    )
    return {row["centre"]: row["people"] for row in rows}


def posting_of(practitioner_id: int, centre_id: int, on: date) -> Posting | None:
    """The posting that lets an expert sit at a centre on a day, if there is one."""
    return (
        Posting.objects.select_related("agreement", "practitioner", "centre__place")
        .filter(practitioner=practitioner_id, centre=centre_id, status="posted", starts_on__lte=on, ends_on__gt=on)
        .first()
    )


def hospital_of(practitioner: Practitioner) -> Organization:
    """The hospital that employs an expert; staff of a department belong to the hospital above it."""
    employer = practitioner.organization
    if employer.kind != Organization.Kind.HOSPITAL and employer.part_of is not None:
        return employer.part_of
    return employer


def nominee_of(practitioner: Practitioner) -> Nominee:
    """What the title rule looks at."""
    return Nominee(
        practitioner.name,
        title_words(practitioner.title_kind, practitioner.title_grade),
        practitioner.title_kind,
        practitioner.title_grade,
        practitioner.is_licensed,
        practitioner.specialty.code if practitioner.specialty else "",
    )


def specialty_codes() -> set[str]:
    """The specialties the region keeps in its code list."""
    return set(terminology.concepts("specialty").values_list("code", flat=True))


def title_check(
    practitioner: Practitioner, centre: Organization, on: date, specialties: Collection[str] | None = None
) -> Decision:
    """Whether an expert meets the title rule of the centre's place on a day (SZ16-1c).

    Who asks for many hands over `specialty_codes()`.
    """
    minimum = parameters_for(centre.place.code, on).min_title_grade
    codes = specialty_codes() if specialties is None else specialties
    return may_be_posted(nominee_of(practitioner), minimum=minimum.text(), specialties=codes, clause=minimum.clause)


def half_days_per_week(centre_ids: Iterable[int], period: Period) -> dict[int, dict[date, dict[str, int]]]:
    """Half-days by centre, Monday of the ISO week and state in a period, the cancelled ones among them."""
    rows = HalfDay.objects.filter(centre__in=list(centre_ids), day__gte=period.start)
    if period.end is not None:
        rows = rows.filter(day__lt=period.end)
    found: dict[int, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for centre, day, status in rows.values_list("centre", "day", "status"):
        found[centre][week(day).start][status] += 1
    return {centre: {monday: dict(by) for monday, by in weeks.items()} for centre, weeks in found.items()}


@dataclass(frozen=True, slots=True)
class WeekShortfall:
    """A centre whose hospital kept fewer half-days in a week than the agreement asks for (ZH-3.2.1a)."""

    duties: Duties
    kept: int

    @property
    def needed(self) -> int:
        """Half-days owed that week."""
        return self.duties.half_days


def week_shortfalls(place_code: str | None, of: Period) -> list[WeekShortfall]:
    """The centres of a place (without a code: of all) that got fewer half-days in a week than they were owed."""
    owed = duties_in(place_code, of.start)
    counts = half_days_per_week([each.centre.pk for each in owed], of)
    found = []
    for each in owed:
        by_status = counts.get(each.centre.pk, {}).get(of.start, {})
        kept = sum(by_status.get(status, 0) for status in KEPT_STATES)
        if kept < each.half_days:
            found.append(WeekShortfall(each, kept))
    return found


def month_of(day: date) -> Period:
    """The calendar month that holds a day."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1))


def described(person: Practitioner) -> str:
    """A person in a list to choose from: name, title, specialty."""
    specialty = named(person.specialty) if person.specialty else _("无专科")
    return f"{person.name}　{title_words(person.title_kind, person.title_grade)}　{specialty}"


def title_rule(seat: Seat, on: date) -> Value | None:
    """The title rule in force at the seat's place, to be shown with its clause."""
    return at(seat.place_code, on).get("roster", "min_title_grade")
