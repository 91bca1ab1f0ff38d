"""The planning question of a place, and its rosters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.queries.duties import (
    STANDING_STATES,
    Duties,
    duties_in,
    hospital_of,
    named,
    parameters_for,
    specialty_names,
    zone,
)
from kangqiao.domain.roster.rules import (
    HALVES,
    Names,
    half_days_between,
    is_workday,
    no_posting,
    said,
    said_when,
)
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.engines.planning import Cell, Centre, Demand, Expert, Pattern, RosterProblem, Violation, Wishes
from kangqiao.engines.planning import HalfDay as HalfDaySpot
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import Period


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


def workdays(place: Place, start: date, end: date) -> frozenset[date]:
    """The days from `start` up to but not including `end` on which posted experts of a place sit.

    What the place's own calendar says of a day comes before the announced holidays.
    """
    counts = scheduling.day_counts(scheduling.Scope(place, None), start, end - timedelta(days=1))
    return frozenset(day for day, count in counts.items() if is_workday(count))


def question(place: Place, start: date, weeks: int, *, for_move: bool = False) -> Question:
    """Demands, supply and wishes of a place for some weeks from a Monday, as the planning engine reads them.

    An expert is rostered only where a posting covers the horizon; days on which every posting of the expert is over,
    absences, days the own hospital closed, hospital clinics and half-days elsewhere are not available. Half-days that
    a person fixed or that are public stay (`kept`), unless the question is asked to judge a move.

    Raises NoPolicyInForce.
    """
    end = start + timedelta(weeks=weeks)
    figures = parameters_for(place.code, start)
    owed = duties_in(place.code, start)
    postings = postings_between([each.centre.pk for each in owed], start, end)
    chosen, days = _all_of(postings, start, end) if for_move else _coverage(postings, start, end)
    people = {posting.practitioner_id: posting.practitioner for posting in chosen.values()}
    rows = list(
        standing_half_days(Q(practitioner__in=people) | Q(centre__in=[each.centre.pk for each in owed]), start, end)
    )
    here = {each.centre.pk for each in owed}
    away = _away(people, rows, here, start, end, figures)
    spots = half_days_between(start, workdays(place, start, end))
    number = {(spot.day, spot.half): at_ for at_, spot in enumerate(spots)}
    standing = {
        Cell(number[at_], str(row.centre_id), str(row.practitioner_id)): row
        for row in rows
        if row.centre_id in here
        and row.practitioner_id in people
        and (at_ := ((row.day - start).days, HALVES.index(row.half))) in number
    }
    closed = _closed(away, days, spots, start)
    limit = figures.max_half_days_per_expert_week.integer()
    problem = RosterProblem(
        half_days=spots,
        centres=tuple(Centre(str(each.centre.pk), f"centre:{each.centre.pk}") for each in owed),
        experts=tuple(_expert(person, limit, closed[pk]) for pk, person in people.items()),
        demands=tuple(Demand(str(each.centre.pk), each.half_days, min(each.experts, each.half_days)) for each in owed),
        wishes=Wishes(usual=_usual(people, here, start)),
        kept=frozenset() if for_move else frozenset(cell for cell, row in standing.items() if not _is_loose(row)),
        lent=frozenset((str(who), str(centre)) for who, centre in chosen),
    )
    pairs = {(str(who), str(centre)): posting for (who, centre), posting in chosen.items()}
    return Question(problem, names_of(owed, people, away), start, standing, pairs, figures.ref)


def _expert(person: Practitioner, limit: int, closed: set[tuple[int, int]]) -> Expert:
    specialty = person.specialty.code if person.specialty else ""
    return Expert(str(person.pk), str(hospital_of(person).pk), specialty, limit, frozenset(closed))


def _closed(
    away: Iterable[tuple[int, date, str]], days: Mapping[int, set[date]], spots: Iterable[HalfDaySpot], start: date
) -> dict[int, set[tuple[int, int]]]:
    """The half-days on which each expert is not free, in the engine's counting: away, or posted nowhere that day."""
    closed: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for pk, day, half in away:
        closed[pk].add(((day - start).days, HALVES.index(half)))
    for spot in spots:
        for pk, covered in days.items():
            if start + timedelta(days=spot.day) not in covered:
                closed[pk].add((spot.day, spot.half))
    return closed


def _is_loose(row: HalfDay) -> bool:
    return row.status == "planned" and not row.is_fixed and row.roster.status == "draft"


def postings_between(centre_ids: list[int], start: date, end: date) -> list[Posting]:
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


def _all_of(
    postings: list[Posting], start: date, end: date
) -> tuple[dict[tuple[int, int], Posting], dict[int, set[date]]]:
    """Every posting of the horizon, for judging a move whose own day is checked against its posting apart."""
    every = set(Period(start, end).days())
    return (
        {(posting.practitioner_id, posting.centre_id): posting for posting in postings},
        {posting.practitioner_id: every for posting in postings},
    )


def standing_half_days(where: Q, start: date, end: date) -> QuerySet[HalfDay]:
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
    """Why an expert is not free on a half-day: the hospital closed, absence, a clinic there, a half-day elsewhere."""
    found: dict[tuple[int, date, str], str] = {}
    shut = scheduling.days_closed_by({hospital_of(one).pk for one in people.values()}, start, end - timedelta(days=1))
    for pk, person in people.items():
        for day in shut.get(hospital_of(person).pk, ()):
            found.update({(pk, day, half): _("医院这天不出诊") for half in HALVES})
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


def names_of(
    owed: list[Duties], people: Mapping[int, Practitioner], away: Mapping[tuple[int, date, str], str]
) -> Names:
    hospitals = {str(each.hospital.pk): named(each.hospital) for each in owed}
    own = {str(pk): hospital_of(person) for pk, person in people.items()}
    return Names(
        experts={str(pk): person.name for pk, person in people.items()},
        centres={str(each.centre.pk): named(each.centre) for each in owed},
        hospitals=hospitals | {str(hospital.pk): named(hospital) for hospital in own.values()},
        specialties=specialty_names(),
        hospital_of_centre={str(each.centre.pk): str(each.hospital.pk) for each in owed},
        hospital_of_expert={key: str(hospital.pk) for key, hospital in own.items()},
        away={(str(pk), day, half): why for (pk, day, half), why in away.items()},
    )


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


def half_day_of_session(session_id: int) -> int | None:
    """The half-day whose session this is, by id; none for a clinic of a hospital."""
    return HalfDay.objects.filter(session=session_id).values_list("pk", flat=True).first()


def planning_place(organization_id: int | None, place: Place) -> Place:
    """The place a hand-made roster belongs to: that of the planner's organisation, for a job the widest around."""
    own = Organization.objects.select_related("place").filter(pk=organization_id or 0).first()
    return own.place if own is not None else institutions.place_chain(place.pk)[-1]


def not_posted(practitioner_id: int, centre_id: int, day: date, half: str) -> str:
    """Why an expert may not be put at a centre on a day: the sentence for the dispatcher."""
    expert = Practitioner.objects.select_related("organization__part_of").filter(pk=practitioner_id).first()
    centre = Organization.objects.filter(pk=centre_id).first()
    if expert is None or centre is None:
        raise NotVisible(_("没有这位专家或这家中心。"))
    owners = [named(each) for each in agreements.paired_hospitals(centre_id, day)]
    own = named(hospital_of(expert))
    owner = _("、").join(owners) if owners and own not in owners else ""
    return no_posting(expert.name, named(centre), said_when(day, half), owner)


def kept_broken(asked: Question, broken: Iterable[Violation]) -> str:
    """Why planning cannot start: a half-day that must stay has become unlawful."""
    first = next(iter(broken))
    return said(first, asked.problem, asked.names, asked.start).reason


def opened_in(roster_id: int) -> int:
    """How many half-days of a roster residents may book."""
    return HalfDay.objects.filter(roster=roster_id, session__status="open").count()


@dataclass(frozen=True, slots=True)
class Run:
    """A planning run in the background: still going, or ended without a roster."""

    is_going: bool
    has_failed: bool


def planning_run(place_id: int, monday: date) -> Run | None:
    """The last planning run for a place and a first week, while it goes on or when it failed; None when it is done."""
    last = (
        ProcrastinateJob.objects.filter(task_name="roster.plan", args__place_id=place_id, args__starts_on=str(monday))
        .order_by("-id")
        .values_list("status", flat=True)
        .first()
    )
    if last in ("todo", "doing"):
        return Run(is_going=True, has_failed=False)
    return Run(is_going=False, has_failed=True) if last == "failed" else None
