"""Every read of the roster: the planning question, the board of a week, postings, half-days and the work done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Min, OuterRef, Prefetch, Q, QuerySet, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob

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
    can_record,
    is_dispatcher_of,
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
    kinds_of_work,
    may_be_posted,
    may_sit,
    no_posting,
    said,
    said_when,
    shortage,
    title_words,
)
from kangqiao.domain.roster.states import HALF_DAY, POSTING, ROSTER
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.terminology import queries as terminology
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce import queries as workforce
from kangqiao.domain.workforce.models import Absence, Practitioner
from kangqiao.engines.planning import Cell, Centre, Demand, Expert, Move, Pattern, RosterProblem, Violation, Wishes
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.errors import NotVisible
from kangqiao.kernel.period import Period, week
from kangqiao.kernel.states import State, Step
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


def title_check(practitioner: Practitioner, centre: Organization, on: date) -> Decision:
    """Whether an expert meets the title rule of the centre's place on a day (SZ16-1c)."""
    minimum = parameters_for(centre.place.code, on).min_title_grade
    codes = set(terminology.concepts("specialty").values_list("code", flat=True))
    return may_be_posted(nominee_of(practitioner), minimum=minimum.text(), specialties=codes, clause=minimum.clause)


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
    chosen, days = _all_of(postings, start, end) if for_move else _coverage(postings, start, end)
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
        demands=tuple(Demand(str(each.centre.pk), each.half_days, min(each.experts, each.half_days)) for each in owed),
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


def _all_of(
    postings: list[Posting], start: date, end: date
) -> tuple[dict[tuple[int, int], Posting], dict[int, set[date]]]:
    """Every posting of the horizon, for judging a move whose own day is checked against its posting apart."""
    every = set(Period(start, end).days())
    return (
        {(posting.practitioner_id, posting.centre_id): posting for posting in postings},
        {posting.practitioner_id: every for posting in postings},
    )


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


def _names(owed: list[Duties], people: Mapping[int, Practitioner], away: Mapping[tuple[int, date, str], str]) -> Names:
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


# The board of a week


@dataclass(frozen=True, slots=True)
class Entry:
    """One expert in one cell: `look` is `set`, `new` (not there last week) or `ask` (a side has still to confirm)."""

    half_day: HalfDay
    name: str
    title: str
    specialty: str
    shape: int
    look: str
    is_selected: bool
    is_demo: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One half of one day at one centre; `target` says whether the move in hand may end here, and why not."""

    key: str
    day: date
    half: str
    is_open: bool
    entries: tuple[Entry, ...]
    is_selected: bool = False
    target: Decision | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One centre in a week with its cells and what it is owed."""

    duties: Duties
    centre: str
    hospital: str
    slots: tuple[Slot, ...]
    half_days: int
    experts: int

    @property
    def missing(self) -> int:
        """Half-days still missing this week."""
        return max(0, self.duties.half_days - self.half_days)

    @property
    def experts_needed(self) -> int:
        """Distinct experts owed in a week; never more than half-days."""
        return min(self.duties.experts, self.duties.half_days)

    @property
    def has_enough_experts(self) -> bool:
        """Whether enough different experts come this week."""
        return self.experts >= self.experts_needed


@dataclass(frozen=True, slots=True)
class Obligation:
    """One figure over all centres: how many meet it; `value` says whether the paper or the region set it."""

    label: str
    value: Value
    clause: str
    dots: tuple[tuple[str, bool], ...]

    @property
    def met(self) -> int:
        """How many meet it."""
        return sum(is_met for _name, is_met in self.dots)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.dots)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expert who could take a half-day, and whether the rules let him or her."""

    posting: Posting
    name: str
    title: str
    specialty: str
    shape: int
    half_days: int
    verdict: Decision


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the panel shows for the chosen cell: the half-day with its steps, or a free place and who could take it."""

    slot: Slot
    centre: str
    entry: Entry | None
    starts_at: datetime
    ends_at: datetime
    slots_open: int
    elsewhere: tuple[str, ...]
    week_count: int
    week_limit: int
    steps: tuple[Step, ...]
    waiting_for: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def state(self) -> State | None:
        """The state of the half-day, for its pill."""
        return HALF_DAY.state(self.entry.half_day.status) if self.entry else None

    @property
    def can_change(self) -> bool:
        """Whether the half-day has not ended yet, so that a dispatcher may move it."""
        return self.state is not None and not self.state.final


@dataclass(frozen=True, slots=True)
class Board:
    """The week of a place: grid, obligations, unmet demands with reasons, proof of the plan."""

    place: Place
    span: Period
    days: tuple[date, ...]
    rows: tuple[Row, ...]
    roster: Roster | None
    obligations: tuple[Obligation, ...]
    qualified: int
    experts: int
    title_value: Value
    unmet: tuple[Shortage, ...]
    legend: tuple[tuple[int, str], ...]
    counts: Mapping[str, int]
    can_plan: bool
    mode: str
    chosen: Chosen | None
    weeks: int

    @property
    def roster_state(self) -> State | None:
        """The state of the roster, for its pill."""
        return ROSTER.state(self.roster.status) if self.roster else None

    @property
    def number(self) -> int:
        """The number of the week in the year (ISO)."""
        return self.span.start.isocalendar().week

    @property
    def last_day(self) -> date:
        """The last day shown."""
        return self.days[-1]

    @property
    def earlier(self) -> date:
        """Monday of the week before."""
        return self.span.start - timedelta(weeks=1)

    @property
    def later(self) -> date:
        """Monday of the week after."""
        return self.span.start + timedelta(weeks=1)

    @property
    def by_day(self) -> list[tuple[date, list[tuple[str, str, Entry]]]]:
        """The sittings day by day, for a narrow screen: centre, half and who."""
        return [
            (
                day,
                [(row.centre, slot.half, entry) for half in HALVES for row in self.rows for slot in row.slots
                 if (slot.day, slot.half) == (day, half) for entry in slot.entries],
            )
            for day in self.days
        ]  # fmt: skip

    @property
    def can_publish(self) -> bool:
        """Whether there is a draft this reader may publish."""
        return self.can_plan and self.roster is not None and self.roster.status == "draft"


@dataclass
class _Week:
    """What the parts of a board share: read once."""

    seat: Seat
    place: Place
    who: Standing
    span: Period
    figures: RosterParameters
    owed: list[Duties]
    rows: list[HalfDay]
    habits: set[tuple[int, int, int, str]]
    postings: list[Posting]
    shapes: dict[str, int]
    labels: dict[str, str]
    is_planner: bool
    asked: Question | None = None
    by_place: dict[tuple[int, date, str], list[HalfDay]] = field(default_factory=lambda: defaultdict(list))


def board(seat: Seat, place: Place, day: date, cell: str = "", mode: str = "") -> Board:
    """The board of the week that holds a day, as this seat may see it.

    `cell` chooses a cell as `centre.date.half`, `mode` is `move` or `replace` while a dispatcher changes the half-day
    in it. A hospital sees its own centres, a centre itself, planners and bureaus all. The number of queries does not
    grow with centres or half-days. Raises NoPolicyInForce.
    """
    here = _week(seat, place, week(day))
    roster = roster_on(place.pk, here.span.start)
    chosen_slot = _parsed(cell, here)
    days = tuple(each for each in here.span.days() if each.weekday() < 5 or is_workday(each) or _sits(here, each))
    mode = mode if here.is_planner and mode in ("move", "replace") else ""
    if here.is_planner and chosen_slot is not None:
        here.asked = question(place, here.span.start, 1, for_move=True)
    rows = tuple(_row(here, each, days, chosen_slot, mode) for each in here.owed)
    qualified = [_is_qualified(here, posting) for posting in _one_each(here.postings)]
    waiting = sum(entry.look == "ask" for row in rows for slot in row.slots for entry in slot.entries)
    return Board(
        place=place,
        span=here.span,
        days=days,
        rows=rows,
        roster=roster,
        obligations=_obligations(here, rows),
        qualified=sum(qualified),
        experts=len(qualified),
        title_value=here.figures.min_title_grade,
        unmet=_unmet_this_week(here, roster, rows),
        legend=tuple((number, here.labels.get(code, code)) for code, number in here.shapes.items()),
        counts={
            "hospitals": len({each.hospital.pk for each in here.owed}),
            "experts": len({row.practitioner_id for row in here.rows}),
            "centres": len(here.owed),
            "half_days": len(here.rows),
            "waiting": waiting,
            "changed": _changed_since_planned(roster),
            "new": sum(entry.look == "new" for row in rows for slot in row.slots for entry in slot.entries),
        },
        can_plan=here.is_planner,
        mode=mode,
        chosen=_chosen(here, rows, chosen_slot),
        weeks=here.figures.planning_weeks.integer(),
    )


def _changed_since_planned(roster: Roster | None) -> int:
    """How many half-days of a planned roster a person changed, so that its proof no longer speaks of the whole."""
    if roster is None or roster.gap is None:
        return 0
    return HalfDay.objects.filter(Q(is_fixed=True) | Q(status="cancelled"), roster=roster).count()


def _week(seat: Seat, place: Place, span: Period) -> _Week:
    who = standing_of(seat)
    owed = [each for each in duties_in(place.code, span.start) if _may_see(who, each)]
    centres = [each.centre.pk for each in owed]
    assert span.end is not None
    rows = list(
        _half_days(Q(centre__in=centres), span.start, span.end).select_related("session", "practitioner__organization")
    )
    last_week = HalfDay.objects.filter(
        centre__in=centres, day__gte=span.start - timedelta(weeks=1), day__lt=span.start, status__in=STANDING_STATES
    ).values_list("practitioner", "centre", "day", "half")
    postings = _postings_between(centres, span.start, span.end)
    present = {row.practitioner.specialty for row in rows} | {each.practitioner.specialty for each in postings}
    known = sorted((each for each in present if each), key=lambda each: (each.position, each.code))
    here = _Week(
        seat, place, who, span, parameters_for(place.code, span.start), owed, rows,
        {(person, centre, each.weekday(), half) for person, centre, each, half in last_week},
        postings, {each.code: number for number, each in enumerate(known, 1)}, specialty_names(),
        is_dispatcher_of(who, place),
    )  # fmt: skip
    for row in rows:
        here.by_place[row.centre_id, row.day, row.half].append(row)
    return here


def _may_see(who: Standing, duties: Duties) -> bool:
    if who.role in ("guidance_office", "hospital_director"):
        return duties.hospital.pk in who.houses or duties.centre.part_of_id in who.houses
    return who.role != "centre_manager" or duties.centre.pk == who.organization_id


def _parsed(cell: str, here: _Week) -> tuple[int, date, str] | None:
    centre, _dot, rest = cell.partition(".")
    day, _dot, half = rest.partition(".")
    try:
        found = (int(centre), date.fromisoformat(day), half)
    except ValueError:
        return None
    known = {each.centre.pk for each in here.owed}
    return found if found[0] in known and found[1] in here.span and half in HALVES else None


def _sits(here: _Week, day: date) -> bool:
    return any(row.day == day for row in here.rows)


def _row(here: _Week, duties: Duties, days: tuple[date, ...], chosen: tuple[int, date, str] | None, mode: str) -> Row:
    centre = duties.centre
    found = [row for row in here.rows if row.centre_id == centre.pk]
    slots = [_slot(here, centre.pk, day, half, chosen, mode) for day in days for half in HALVES]
    counted = [row for row in found if row.status != "missed"]
    free = [number for number, slot in enumerate(slots) if slot.is_open and not slot.entries]
    missing = max(0, duties.half_days - len(counted)) if here.rows else 0
    for number in free[len(free) - missing :] if missing else ():
        slots[number] = replace(slots[number], is_missing=True)
    return Row(
        duties,
        named(centre),
        named(duties.hospital),
        tuple(slots),
        len(counted),
        len({row.practitioner_id for row in counted}),
    )


def _slot(here: _Week, centre: int, day: date, half: str, chosen: tuple[int, date, str] | None, mode: str) -> Slot:
    is_chosen = chosen == (centre, day, half)
    rows = here.by_place.get((centre, day, half), [])
    target = None
    if mode == "move" and chosen is not None and not rows and is_workday(day):
        leaving = next(iter(here.by_place.get(chosen, [])), None)
        target = _verdict(here, leaving.practitioner_id, centre, day, half, leaving) if leaving else None
    entries = tuple(_entry(here, row, is_chosen) for row in rows)
    return Slot(f"{centre}.{day}.{half}", day, half, is_workday(day), entries, is_chosen, target)


def _entry(here: _Week, row: HalfDay, is_selected: bool) -> Entry:
    person = row.practitioner
    code = person.specialty.code if person.specialty else ""
    is_habit = (person.pk, row.centre_id, row.day.weekday(), row.half) in here.habits
    look = "set"
    if row.status == "planned" and here.figures.needs_both_sides:
        look = "ask"
    elif row.status == "planned" and here.habits and not is_habit:
        look = "new"
    return Entry(
        row, person.name, title_words(person.title_kind, person.title_grade), here.labels.get(code, code),
        here.shapes.get(code, 1), look, is_selected, person.is_demo,
    )  # fmt: skip


def _verdict(here: _Week, person: int, centre: int, day: date, half: str, leaving: HalfDay | None) -> Decision | None:
    """Whether this expert may sit there; None when there is no posting, so the cell is no target at all."""
    asked = here.asked
    posting = next((each for each in here.postings if (each.practitioner_id, each.centre_id) == (person, centre)), None)
    if asked is None or posting is None or not posting.starts_on <= day < posting.ends_on:
        return None
    slot = asked.slot_of(day, half)
    if slot is None:
        return None
    take = next((cell for cell, row in asked.standing.items() if leaving is not None and row.pk == leaving.pk), None)
    move = Move(take, Cell(slot, str(centre), str(person)))
    return may_sit(asked.problem, list(asked.standing), move, asked.names, asked.start)


def _one_each(postings: list[Posting]) -> list[Posting]:
    return list({posting.practitioner_id: posting for posting in postings}.values())


def _is_qualified(here: _Week, posting: Posting) -> bool:
    minimum = here.figures.min_title_grade
    decision = may_be_posted(
        nominee_of(posting.practitioner), minimum=minimum.text(), specialties=here.labels, clause=minimum.clause
    )
    return decision.allowed


def _obligations(here: _Week, rows: tuple[Row, ...]) -> tuple[Obligation, ...]:
    figures = here.figures
    half_days, experts = figures.visits_per_week_min, figures.experts_per_centre_min
    return (
        Obligation(
            _("每中心每周 ≥%(number)s 个半天") % {"number": half_days.integer()}, half_days, half_days.clause,
            tuple((row.centre, row.missing == 0) for row in rows),
        ),
        Obligation(
            _("每中心每周 ≥%(number)s 名专家轮换") % {"number": experts.integer()}, experts, experts.clause,
            tuple((row.centre, row.has_enough_experts) for row in rows),
        ),
    )  # fmt: skip


def _unmet_this_week(here: _Week, roster: Roster | None, rows: tuple[Row, ...]) -> tuple[Shortage, ...]:
    """What the week misses now, with the solver's reason where it still fits what is missing."""
    if roster is None:
        return ()
    known = {(item["centre"], item["what"], item["week"]): item for item in roster.unmet}
    names = _names(here.owed, {each.practitioner_id: each.practitioner for each in here.postings}, {})
    names = replace(names, experts={**names.experts, **_people_named(roster)})
    found = []
    for row in rows:
        centre = str(row.duties.centre.pk)
        figures = (
            ("half_day", row.half_days, row.duties.half_days),
            ("expert_per_week", row.experts, row.experts_needed),
        )
        for what, got, needed in figures:
            if got < needed:
                stored = known.get((centre, what, str(here.span.start)))
                base = stored if stored is not None and stored["got"] == got else _CHANGED
                found.append(shortage({**base, "centre": centre, "what": what, "got": got, "needed": needed}, names))
    return tuple(found)


_CHANGED: Mapping[str, Any] = {"reason": "changed", "params": {}, "remedies": (), "specialty": ""}


def _people_named(roster: Roster) -> dict[str, str]:
    keys: set[int] = set()
    for item in roster.unmet:
        keys.update(int(key) for key in item["params"].get("experts", ()))
        keys.update(int(each["params"]["expert_id"]) for each in item["remedies"] if "expert_id" in each["params"])
    return {str(pk): name for pk, name in Practitioner.objects.filter(pk__in=keys).values_list("pk", "name")}


def _chosen(here: _Week, rows: tuple[Row, ...], chosen: tuple[int, date, str] | None) -> Chosen | None:
    if chosen is None:
        return None
    centre, day, half = chosen
    row = next(each for each in rows if each.duties.centre.pk == centre)
    slot = next((each for each in row.slots if each.is_selected), None)
    if slot is None:
        return None
    entry = slot.entries[0] if slot.entries else None
    starts_at, ends_at = here.figures.instants(day, half, zone())
    half_day = entry.half_day if entry else None
    own = [each for each in here.rows if half_day is not None and each.practitioner_id == half_day.practitioner_id]
    return Chosen(
        slot=slot,
        centre=row.centre,
        entry=entry,
        starts_at=starts_at,
        ends_at=ends_at,
        slots_open=half_day.session.slots.count() if half_day and half_day.session else 0,
        elsewhere=tuple(
            _("%(centre)s%(when)s") % {"centre": named(each.centre), "when": said_when(each.day, each.half)}
            for each in own
            if half_day is not None and each.pk != half_day.pk
        ),
        week_count=len(own),
        week_limit=here.figures.max_half_days_per_expert_week.integer(),
        steps=tuple(_steps(here.who, half_day, here.figures)) if half_day else (),
        waiting_for=_waiting_for(half_day, here.figures) if half_day else (),
        candidates=_candidates(here, centre, day, half, half_day) if here.is_planner else (),
    )


def _steps(who: Standing, half_day: HalfDay, figures: RosterParameters) -> list[Step]:
    """The steps of the table this reader may take now; who has confirmed has nothing left to confirm."""
    sides = parties(who, half_day)
    done = {
        side
        for side, stamp in (("hospital", half_day.hospital_confirmed_at), ("centre", half_day.centre_confirmed_at))
        if stamp is not None
    }
    needed = {"hospital", "centre"} if figures.needs_both_sides else {"hospital", "dispatcher"}
    found = HALF_DAY.steps_from(half_day.status, sides)
    return [step for step in found if step.action != "confirm" or (sides - done) & needed]


def _waiting_for(half_day: HalfDay, figures: RosterParameters) -> tuple[str, ...]:
    if half_day.status != "planned" or not figures.needs_both_sides:
        return ()
    sides = ((half_day.hospital_confirmed_at, _("派出医院")), (half_day.centre_confirmed_at, _("社区中心")))
    return tuple(name for stamp, name in sides if stamp is None)


def _candidates(here: _Week, centre: int, day: date, half: str, leaving: HalfDay | None) -> tuple[Candidate, ...]:
    load = Counter(row.practitioner_id for row in here.rows)
    found = []
    for posting in here.postings:
        if posting.centre_id != centre or (leaving is not None and posting.practitioner_id == leaving.practitioner_id):
            continue
        verdict = _verdict(here, posting.practitioner_id, centre, day, half, leaving)
        if verdict is not None:
            person = posting.practitioner
            code = person.specialty.code if person.specialty else ""
            found.append(
                Candidate(
                    posting,
                    person.name,
                    title_words(person.title_kind, person.title_grade),
                    here.labels.get(code, code),
                    here.shapes.get(code, 1),
                    load[person.pk],
                    verdict,
                )
            )
    return tuple(sorted(found, key=lambda each: (not each.verdict.allowed, each.half_days, each.posting.pk)))


# Postings, attendance and work


def get_half_day(seat: Seat, half_day_id: int) -> HalfDay:
    """A half-day this seat may see. Raises NotVisible."""
    found = _listed(visible_half_days(standing_of(seat))).filter(pk=half_day_id).first()
    if found is None:
        raise NotVisible(_("没有这个半天，或不在您的范围。"))
    return found


def _listed(where: Q) -> QuerySet[HalfDay]:
    return HalfDay.objects.select_related(
        "practitioner__specialty",
        "practitioner__organization",
        "centre__place",
        "roster",
        "posting__agreement__hospital",
        "session",
    ).filter(where)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of recorded work with the name of its kind."""

    row: Activity
    label: str


@dataclass(frozen=True, slots=True)
class Sitting:
    """One half-day on an attendance or own-sittings page with what may be done to it and what was done in it."""

    half_day: HalfDay
    title: str
    starts_at: datetime
    ends_at: datetime
    steps: tuple[Step, ...]
    waiting_for: tuple[str, ...]
    activities: tuple[Work, ...]
    booked: int
    has_begun: bool
    may_record: bool

    @property
    def centre(self) -> str:
        """The centre's name in the reader's language."""
        return named(self.half_day.centre)

    @property
    def state(self) -> State:
        """The state of the half-day, for its pill."""
        return HALF_DAY.state(self.half_day.status)

    @property
    def can_record(self) -> bool:
        """Whether this reader may write down work now: the half-day began and was not cancelled or missed."""
        return self.may_record and self.has_begun and self.half_day.status in KEPT_STATES


def sittings(seat: Seat, span: Period, now: datetime) -> list[Sitting]:
    """The half-days of a period this seat has to do with, oldest first: a centre's attendance, an expert's own week."""
    who = standing_of(seat)
    rows = (
        _listed(visible_half_days(who))
        .filter(day__gte=span.start, status__in=STANDING_STATES)
        .prefetch_related("activities")
        .annotate(
            booked=Count(
                "session__bookings", filter=Q(session__bookings__status__in=("booked", "arrived", "fulfilled"))
            )
        )
        .order_by("day", "half", "centre")
    )
    if span.end is not None:
        rows = rows.filter(day__lt=span.end)
    figures: dict[tuple[str, date], RosterParameters] = {}
    found = []
    for row in rows:
        key = (row.centre.place.code, row.day)
        figures.setdefault(key, parameters_for(*key))
        found.append(_sitting(who, row, figures[key], now))
    return found


def _sitting(who: Standing, row: HalfDay, figures: RosterParameters, now: datetime) -> Sitting:
    starts_at, ends_at = figures.instants(row.day, row.half, zone())
    has_begun = starts_at <= now
    steps = [step for step in _steps(who, row, figures) if has_begun or step.action not in ("complete", "miss")]
    return Sitting(
        half_day=row,
        title=title_words(row.practitioner.title_kind, row.practitioner.title_grade),
        starts_at=starts_at,
        ends_at=ends_at,
        steps=tuple(steps),
        waiting_for=_waiting_for(row, figures),
        activities=tuple(Work(each, kinds_of_work()[each.kind]) for each in row.activities.all()),
        booked=getattr(row, "booked", 0),
        has_begun=has_begun,
        may_record=can_record(who, row).allowed,
    )


@dataclass(frozen=True, slots=True)
class KindOfWork:
    """One of the five kinds of work in a period: how often, and for how many people (SZ16-2.1c)."""

    kind: str
    label: str
    sessions: int
    people: int


def work_done(seat: Seat, centre_id: int, span: Period) -> list[KindOfWork]:
    """What posted experts did at a centre in a period, by kind; all five are listed, also those with nothing."""
    visible = HalfDay.objects.filter(visible_half_days(standing_of(seat)), centre=centre_id, day__gte=span.start)
    if span.end is not None:
        visible = visible.filter(day__lt=span.end)
    rows = (
        Activity.objects.filter(half_day__in=visible)
        .values("kind")
        .annotate(sessions=Count("pk"), people_sum=Sum("people"))
        .order_by()
    )
    by_kind = {row["kind"]: (row["sessions"], row["people_sum"]) for row in rows}
    return [KindOfWork(kind, label, *by_kind.get(kind, (0, 0))) for kind, label in kinds_of_work().items()]


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One posting on the hospital's page with the steps its reader may take."""

    posting: Posting
    title: str
    half_days_done: int
    steps: tuple[Step, ...]

    @property
    def centre(self) -> str:
        """The centre's name in the reader's language."""
        return named(self.posting.centre)

    @property
    def hospital(self) -> str:
        """The hospital's name in the reader's language."""
        return named(self.posting.agreement.hospital)

    @property
    def state(self) -> State:
        """The state of the posting, for its pill."""
        return POSTING.state(self.posting.status)


def postings_of(seat: Seat, *, is_open: bool | None = None) -> list[PostingLine]:
    """The postings this seat may see, the running ones first: the archive of a hospital's experts (SZ16-4.3a)."""
    who = standing_of(seat)
    rows = (
        Posting.objects.select_related(
            "practitioner__specialty", "practitioner__organization", "centre", "agreement__hospital"
        )
        .filter(visible_postings(who))
        .annotate(done=Count("half_days", filter=Q(half_days__status="done")))
        .order_by("-starts_on", "centre", "id")
    )  # fmt: skip
    if is_open is not None:
        rows = rows.filter(status__in=("nominated", "approved", "posted") if is_open else ("ended", "refused"))
    return [
        PostingLine(
            row, title_words(row.practitioner.title_kind, row.practitioner.title_grade), row.done,
            tuple(POSTING.steps_from(row.status, posting_parties(who, row))),
        )
        for row in rows
    ]  # fmt: skip


def nominees_of(seat: Seat) -> list[Practitioner]:
    """Everybody the seat's hospital may name; whether the title rule lets them is said when they are named."""
    who = standing_of(seat)
    return list(
        Practitioner.objects.select_related("specialty", "organization")
        .filter(Q(organization__in=who.houses) | Q(organization__part_of__in=who.houses))
        .order_by("title_grade", "name")
    )


def centres_of(seat: Seat, on: date) -> list[Organization]:
    """The centres the seat's hospital is bound to on a day."""
    who = standing_of(seat)
    held = agreements.in_force(on, kinds=agreements.RELATIONS).filter(hospital__in=who.houses)
    return list(Organization.objects.filter(pk__in=held.values("centre")).order_by("place", "code"))


def today_at(seat: Seat, now: datetime) -> list[Sitting]:
    """Today's half-days of this seat's centre or expert."""
    today = timezone.localtime(now, zone()).date()
    return sittings(seat, Period(today, today + timedelta(days=1)), now)


def month_of(day: date) -> Period:
    """The calendar month that holds a day."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1))


@dataclass(frozen=True, slots=True)
class Around:
    """A week with its neighbours, for the switch at the top of a page."""

    span: Period

    @property
    def monday(self) -> date:
        """The first day."""
        return self.span.start

    @property
    def last_day(self) -> date:
        """The last working day, Friday."""
        return self.span.start + timedelta(days=4)

    @property
    def number(self) -> int:
        """The number of the week in the year (ISO)."""
        return self.span.start.isocalendar().week

    @property
    def earlier(self) -> date:
        """Monday of the week before."""
        return self.span.start - timedelta(weeks=1)

    @property
    def later(self) -> date:
        """Monday of the week after."""
        return self.span.start + timedelta(weeks=1)


# What the pages say


def cell_of(row: HalfDay) -> str:
    """The grid place of a half-day, as addresses write it."""
    return f"{row.centre_id}.{row.day}.{row.half}"


def where_of(row: HalfDay) -> dict[str, str]:
    """Who sits where and when, in words."""
    where = _("%(centre)s%(when)s") % {"centre": named(row.centre), "when": said_when(row.day, row.half)}
    return {"who": row.practitioner.name, "where": where}


def outcome(row: HalfDay) -> str:
    """What just happened to a half-day, as a sentence."""
    words = where_of(row)
    if row.status == "planned":
        return _("已确认%(who)s在%(where)s的半天，还等另一方确认。") % words
    said_of = {
        "confirmed": _("已确认%(who)s在%(where)s的半天。"),
        "cancelled": _("%(who)s在%(where)s的半天已停诊，已预约的人会收到通知。")
        if row.session_id
        else _("%(who)s在%(where)s的半天已取消，号源还没有开放。"),
        "done": _("已登记%(who)s在%(where)s出诊。"),
        "missed": _("已记%(who)s在%(where)s未出诊。"),
    }
    return said_of[row.status] % words


def posting_outcome(row: Posting) -> str:
    """What just happened to a posting, as a sentence."""
    words = {"who": row.practitioner.name, "centre": named(row.centre), "day": row.ends_on}
    said_of = {
        "approved": _("已批准%(who)s到%(centre)s。"),
        "posted": _("%(who)s已派驻到%(centre)s，可以排班了。"),
        "refused": _("没有批准%(who)s到%(centre)s。"),
        "ended": _("%(who)s在%(centre)s的派驻到%(day)s为止。"),
    }
    return said_of[row.status] % words


def described(person: Practitioner) -> str:
    """A person in a list to choose from: name, title, specialty."""
    specialty = named(person.specialty) if person.specialty else _("无专科")
    return f"{person.name}　{title_words(person.title_kind, person.title_grade)}　{specialty}"


def title_rule(seat: Seat, on: date) -> Value | None:
    """The title rule in force at the seat's place, to be shown with its clause."""
    return at(seat.place_code, on).get("roster", "min_title_grade")


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


def as_table(found: Board) -> tuple[list[str], list[list[object]]]:
    """The board as a plain table: a row per centre, a column per half-day."""
    half = {"am": _("上午"), "pm": _("下午")}
    columns = [(day, each) for day in found.days for each in HALVES]
    heads = [
        _("社区中心"),
        _("责任医院"),
        *(f"{day:%m-%d} {half[each]}" for day, each in columns),
        _("半天"),
        _("专家"),
    ]
    rows: list[list[object]] = []
    for row in found.rows:
        cells = [_("、").join(f"{entry.name} {entry.specialty}" for entry in slot.entries) for slot in row.slots]
        counts = (f"{row.half_days}/{row.duties.half_days}", f"{row.experts}/{row.experts_needed}")
        rows.append([row.centre, row.hospital, *cells, *counts])
    return heads, rows


def to_complete(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many half-days before today the centre has not attested, and the day of the oldest."""
    today = timezone.localtime(now, zone()).date()
    return _waiting_days(
        HalfDay.objects.filter(visible_half_days(standing_of(seat)), status="confirmed", day__lt=today)
    )


def own_this_week(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many half-days an expert still has this week; nothing about them is late."""
    today = timezone.localtime(now, zone()).date()
    rows = HalfDay.objects.filter(
        visible_half_days(standing_of(seat)),
        status__in=("planned", "confirmed"),
        day__gte=today,
        day__lt=week(today).end,
    )
    return rows.count(), None


def to_publish(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many planned half-days of draft rosters wait for the dispatcher, and since when the oldest was planned."""
    rows = HalfDay.objects.filter(visible_half_days(standing_of(seat)), status="planned", roster__status="draft")
    found = rows.aggregate(count=Count("pk"), oldest=Min("roster__planned_at"))
    return found["count"], found["oldest"]


def to_approve(seat: Seat, now: datetime) -> tuple[int, datetime | None]:
    """How many nominations the hospital has to decide, and since when the oldest waits."""
    open_ones = Posting.objects.filter(visible_postings(standing_of(seat)), status="nominated").values("pk")
    steps = StatusChange.objects.filter(
        subject_type=Posting._meta.label_lower, subject_id__in=open_ones, action="begin"
    )
    found = steps.aggregate(count=Count("pk"), oldest=Min("at"))
    return found["count"], found["oldest"]


def _waiting_days(rows: QuerySet[HalfDay]) -> tuple[int, datetime | None]:
    found = rows.aggregate(count=Count("pk"), oldest=Min("day"))
    oldest = found["oldest"]
    return found["count"], oldest and datetime.combine(oldest, time(), tzinfo=zone())
