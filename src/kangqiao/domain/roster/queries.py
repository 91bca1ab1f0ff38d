"""Every read of the roster: the planning question, the board of a week, postings, half-days and the work done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from kangqiao.base.models import StatusChange
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.models import Activity, HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    Standing,
    parties,
    posting_parties,
    standing_of,
    visible_half_days,
    visible_postings,
)
from kangqiao.domain.roster.rules import (
    HALVES,
    Names,
    Nominee,
    Shortage,
    half_days_between,
    is_workday,
    may_be_posted,
    shortage,
    title_words,
)
from kangqiao.domain.roster.states import HALF_DAY, POSTING
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.engines.planning import Cell, Centre, Demand, Expert, Pattern, RosterProblem, Wishes
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import Period, week
from kangqiao.kernel.states import Step
from kangqiao.policy import Value, at

# Half-days that count as kept by the hospital: held, or confirmed and not written off (ZH-3.2.1a).
KEPT_STATES = ("confirmed", "done")
STANDING_STATES = ("planned", "confirmed", "done", "missed")
MEASURE_HALF_DAYS, MEASURE_EXPERTS = "expert_half_days", "posted_experts"


def zone() -> ZoneInfo:
    """The local zone in which half-days are counted."""
    return ZoneInfo(timezone.get_default_timezone_name())


def named(thing: Organization | Place, *, short: bool = True) -> str:
    """The name in the reader's language; organisations by their short one."""
    if (translation.get_language() or "").startswith("en") and thing.en:
        return thing.en
    return thing.short_zh if short and isinstance(thing, Organization) else thing.zh


def parameters_for(place_code: str, on: date) -> RosterParameters:
    """The roster policy of a place on a day. Raises NoPolicyInForce."""
    return RosterParameters.read(at(place_code, on))


# Duties and supply


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


def duties_in(place_code: str, on: date) -> list[Duties]:
    """What every centre of a place is owed on a day, one row per centre, in the order of centres.

    Figures come from the agreement's own duties; a relation written without them is read from the policy in force.
    A centre bound to two hospitals is owed the larger figure by the one that owes most.
    """
    held = agreements.in_force(on, place_code).prefetch_related(
        Prefetch("duties", queryset=Duty.objects.filter(measure__in=(MEASURE_HALF_DAYS, MEASURE_EXPERTS)))
    )
    best: dict[int, Duties] = {}
    figures: dict[str, RosterParameters] = {}
    for agreement in held.order_by("centre__place", "centre__code", "kind", "id"):
        found = {duty.measure: duty for duty in agreement.duties.all() if duty.target is not None}
        if not found and agreement.kind not in agreements.RELATIONS:
            continue
        code = agreement.centre.place.code
        if code not in figures:
            figures[code] = parameters_for(code, on)
        owed = _owed(agreement, found, figures[code])
        known = best.get(agreement.centre_id)
        if known is None or (owed.half_days, owed.experts) > (known.half_days, known.experts):
            best[agreement.centre_id] = owed
    return list(best.values())


def _owed(agreement: Agreement, found: Mapping[str, Duty], figures: RosterParameters) -> Duties:
    half_days, experts = found.get(MEASURE_HALF_DAYS), found.get(MEASURE_EXPERTS)
    return Duties(
        agreement,
        int(half_days.target or 0) if half_days else figures.visits_per_week_min.integer(),
        int(experts.target or 0) if experts else figures.experts_per_centre_min.integer(),
        half_days.clause if half_days else figures.visits_per_week_min.clause,
        experts.clause if experts else figures.experts_per_centre_min.clause,
    )


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


def title_check(practitioner: Practitioner, centre: Organization, on: date) -> Decision:
    """Whether an expert meets the title rule of the centre's place on a day (SZ16-1c)."""
    minimum = parameters_for(centre.place.code, on).min_title_grade
    nominee = Nominee(
        practitioner.name,
        title_words(practitioner.title_kind, practitioner.title_grade),
        practitioner.title_kind,
        practitioner.title_grade,
        practitioner.is_licensed,
        practitioner.specialty.code if practitioner.specialty else "",
    )
    codes = set(terminology.concepts("specialty").filter(is_active=True).values_list("code", flat=True))
    return may_be_posted(nominee, minimum=minimum.text(), specialties=codes, clause=minimum.clause)


# The planning question


@dataclass(frozen=True, slots=True)
class Question:
    """A planning question with the words for its identifiers and the rows behind it.

    `standing` are the half-days that stand in the horizon by cell; `postings` the posting behind each pair.
    """

    problem: RosterProblem
    names: Names
    start: date
    standing: Mapping[Cell, HalfDay]
    postings: Mapping[tuple[str, str], Posting]
    policy_ref: str

    def slot_of(self, day: date, half: str) -> int | None:
        """The number of a half-day in the horizon; None when no clinic runs then."""
        wanted = ((day - self.start).days, HALVES.index(half))
        spots = enumerate(self.problem.half_days)
        return next((number for number, spot in spots if (spot.day, spot.half) == wanted), None)

    def when(self, slot: int) -> tuple[date, str]:
        """Day and half of a slot number."""
        spot = self.problem.half_days[slot]
        return self.start + timedelta(days=spot.day), HALVES[spot.half]


def question(place: Place, start: date, weeks: int, *, for_move: bool = False) -> Question:
    """Demands, supply and wishes of a place for some weeks from a Monday, as the planning engine reads them.

    An expert is rostered only where a posting covers the horizon; days on which every posting of the expert is over,
    absences, hospital clinics and half-days elsewhere are not available. Half-days that a person fixed or that are
    public stay (`kept`), unless the question is asked to judge a move. Raises NoPolicyInForce.
    """
    end = start + timedelta(weeks=weeks)
    figures = parameters_for(place.code, start)
    owed = duties_in(place.code, start)
    postings = _postings_between([each.centre.pk for each in owed], start, end)
    chosen, days = _coverage(postings, start, end)
    people = {posting.practitioner_id: posting.practitioner for posting in chosen.values()}
    rows = list(_half_days(Q(practitioner__in=people) | Q(centre__in=[each.centre.pk for each in owed]), start, end))
    here = {each.centre.pk for each in owed}
    away = _away(people, rows, here, start, end, figures)
    spots = half_days_between(start, end)
    number = {(spot.day, spot.half): at_ for at_, spot in enumerate(spots)}
    standing = {
        Cell(number[at_], str(row.centre_id), str(row.practitioner_id)): row
        for row in rows
        if row.centre_id in here
        and row.practitioner_id in people
        and (at_ := ((row.day - start).days, HALVES.index(row.half))) in number
    }
    out_of_posting = {
        (pk, start + timedelta(days=spot.day), HALVES[spot.half])
        for pk in people
        for spot in spots
        if start + timedelta(days=spot.day) not in days[pk]
    }
    closed: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for pk, day, half in [*away, *out_of_posting]:
        closed[pk].add(((day - start).days, HALVES.index(half)))
    limit = figures.max_half_days_per_expert_week.integer()
    problem = RosterProblem(
        half_days=spots,
        centres=tuple(Centre(str(each.centre.pk), f"centre:{each.centre.pk}") for each in owed),
        experts=tuple(
            Expert(
                str(pk),
                str(hospital_of(person).pk),
                person.specialty.code if person.specialty else "",
                limit,
                frozenset(closed[pk]),
            )
            for pk, person in people.items()
        ),
        demands=tuple(
            Demand(str(each.centre.pk), each.half_days, min(each.experts, each.half_days)) for each in owed
        ),
        wishes=Wishes(usual=_usual(people, here, start)),
        kept=frozenset() if for_move else frozenset(cell for cell, row in standing.items() if not _is_loose(row)),
        lent=frozenset((str(who), str(centre)) for who, centre in chosen),
    )
    pairs = {(str(who), str(centre)): posting for (who, centre), posting in chosen.items()}
    return Question(problem, _names(owed, people, away), start, standing, pairs, figures.ref)


def _is_loose(row: HalfDay) -> bool:
    return row.status == "planned" and not row.is_fixed and row.roster.status == "draft"


def _postings_between(centre_ids: list[int], start: date, end: date) -> list[Posting]:
    return list(
        Posting.objects.select_related("practitioner__specialty", "practitioner__organization__part_of", "agreement")
        .filter(centre__in=centre_ids, status="posted", starts_on__lt=end, ends_on__gt=start)
        .order_by("practitioner", "centre")
    )


def _coverage(
    postings: list[Posting], start: date, end: date
) -> tuple[dict[tuple[int, int], Posting], dict[int, set[date]]]:
    """The postings planned with, and the days on which each expert is posted at every one of them.

    An expert whose postings end on different days is planned with those of the longest cover, so that no plan puts
    anyone where the posting is over; the others are left to the dispatcher.
    """
    covered: dict[tuple[int, int], set[date]] = {}
    by_pair: dict[tuple[int, int], Posting] = {}
    for posting in postings:
        pair = (posting.practitioner_id, posting.centre_id)
        span = Period(max(start, posting.starts_on), min(end, posting.ends_on))
        covered.setdefault(pair, set()).update(span.days())
        by_pair.setdefault(pair, posting)
    longest: dict[int, set[date]] = {}
    for (who, _centre), days in covered.items():
        if len(days) > len(longest.get(who, ())):
            longest[who] = days
    return {pair: by_pair[pair] for pair, days in covered.items() if days >= longest[pair[0]]}, longest


def _half_days(where: Q, start: date, end: date) -> QuerySet[HalfDay]:
    return HalfDay.objects.select_related(
        "practitioner__specialty", "centre__place", "roster", "posting__agreement__hospital"
    ).filter(where, day__gte=start, day__lt=end, status__in=STANDING_STATES)


def _away(
    people: Mapping[int, Practitioner],
    rows: list[HalfDay],
    here: set[int],
    start: date,
    end: date,
    figures: RosterParameters,
) -> dict[tuple[int, date, str], str]:
    """Why an expert is not free on a half-day: absence, a clinic in the hospital, a half-day in another place."""
    found: dict[tuple[int, date, str], str] = {}
    for absence in workforce.absences_between(people, start, end):
        found.update(_absent(absence, start, end))
    clinics = Session.objects.filter(
        practitioner__in=list(people), status="open", kind=Session.Kind.HOSPITAL_CLINIC,
        starts_at__lt=datetime.combine(end, time(), zone()), ends_at__gt=datetime.combine(start, time(), zone()),
    )  # fmt: skip
    for session in clinics:
        day = timezone.localtime(session.starts_at, zone()).date()
        for half in HALVES:
            opens, closes = figures.instants(day, half, zone())
            if session.starts_at < closes and session.ends_at > opens:
                found[session.practitioner_id, day, half] = _("医院里有门诊")
    for row in rows:
        if row.centre_id not in here:
            found[row.practitioner_id, row.day, row.half] = _("已在%(centre)s坐诊") % {"centre": named(row.centre)}
    return found


def _absent(absence: Absence, start: date, end: date) -> dict[tuple[int, date, str], str]:
    span = Period(max(start, absence.starts_on), min(end, absence.ends_on + timedelta(days=1)))
    halves = (absence.half,) if absence.half else HALVES
    return {(absence.practitioner_id, day, half): _("请假") for day in span.days() for half in halves}


def _usual(people: Mapping[int, Practitioner], here: set[int], start: date) -> frozenset[Pattern]:
    earlier = HalfDay.objects.filter(
        practitioner__in=list(people), centre__in=here, day__gte=start - timedelta(weeks=2), day__lt=start,
        status__in=STANDING_STATES,
    ).values_list("practitioner", "centre", "day", "half")  # fmt: skip
    return frozenset(
        Pattern(str(who), str(centre), day.weekday(), HALVES.index(half)) for who, centre, day, half in earlier
    )


def _names(
    owed: list[Duties], people: Mapping[int, Practitioner], away: Mapping[tuple[int, date, str], str]
) -> Names:
    hospitals = {str(each.hospital.pk): named(each.hospital) for each in owed}
    own = {str(pk): hospital_of(person) for pk, person in people.items()}
    return Names(
        experts={str(pk): person.name for pk, person in people.items()},
        centres={str(each.centre.pk): named(each.centre) for each in owed},
        hospitals=hospitals | {str(hospital.pk): named(hospital) for hospital in own.values()},
        specialties=terminology.labels("specialty"),
        hospital_of_centre={str(each.centre.pk): str(each.hospital.pk) for each in owed},
        hospital_of_expert={key: str(hospital.pk) for key, hospital in own.items()},
        away={(str(pk), day, half): why for (pk, day, half), why in away.items()},
    )


# Rosters


def get_place(place_id: int) -> Place:
    """The place of that id. Raises NotVisible."""
    found = Place.objects.filter(pk=place_id).first()
    if found is None:
        raise NotVisible(_("没有这个地区。"))
    return found


def roster_on(place_id: int, day: date, *statuses: str) -> Roster | None:
    """The roster that covers a day for a place or a place above it: a draft before the published one, newest first."""
    chain = [place.pk for place in institutions.place_chain(place_id)]
    found = Roster.objects.select_related("place").filter(
        place__in=chain, starts_on__lte=day, ends_on__gt=day, status__in=statuses or ("draft", "published")
    )
    return min(found, key=lambda row: (chain.index(row.place_id), row.status != "draft", -row.pk), default=None)


def board_place(seat: Seat) -> Place:
    """The place whose board a seat looks at: the widest one above its organisation that has a roster, else its own."""
    chain = institutions.place_chain(seat.place_id)
    planned = set(Roster.objects.filter(place__in=[place.pk for place in chain]).values_list("place", flat=True))
    return next((place for place in reversed(chain) if place.pk in planned), chain[0])


def half_days_of(roster_id: int) -> QuerySet[HalfDay]:
    """The half-days of a roster that stand, in the order of the calendar."""
    return (
        HalfDay.objects.select_related("practitioner__specialty", "centre__place", "posting__agreement", "session")
        .filter(roster=roster_id, status__in=STANDING_STATES)
        .order_by("day", "half", "centre")
    )


def half_days_per_week(centre_ids: Iterable[int], period: Period) -> dict[int, dict[date, dict[str, int]]]:
    """Half-days by centre, Monday of the ISO week and state (`planned`, `confirmed`, `done`, `missed`) in a period."""
    rows = HalfDay.objects.filter(centre__in=list(centre_ids), day__gte=period.start, status__in=STANDING_STATES)
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


def week_shortfalls(place_code: str, of: Period) -> list[WeekShortfall]:
    """The centres of a place that got fewer half-days in a week than they were owed at its start."""
    owed = duties_in(place_code, of.start)
    counts = half_days_per_week([each.centre.pk for each in owed], of)
    found = []
    for each in owed:
        by_status = counts.get(each.centre.pk, {}).get(of.start, {})
        kept = sum(by_status.get(status, 0) for status in KEPT_STATES)
        if kept < each.half_days:
            found.append(WeekShortfall(each, kept))
    return found
