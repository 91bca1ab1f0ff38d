"""The board of a week, as one seat sees it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.roster.parameters import RosterParameters
from kangqiao.domain.roster.permissions import (
    Standing,
    is_dispatcher_of,
    standing_of,
)
from kangqiao.domain.roster.queries.duties import (
    STANDING_STATES,
    Duties,
    duties_in,
    named,
    nominee_of,
    parameters_for,
    specialty_names,
    zone,
)
from kangqiao.domain.roster.queries.grid import (
    Board,
    Candidate,
    Chosen,
    Entry,
    Obligation,
    Row,
    Slot,
    sides_missing,
    steps_for,
)
from kangqiao.domain.roster.queries.planning import (
    Question,
    names_of,
    postings_between,
    question,
    roster_on,
    standing_half_days,
    workdays,
)
from kangqiao.domain.roster.rules import (
    HALVES,
    Shortage,
    may_be_posted,
    may_sit,
    said_when,
    shortage,
    title_words,
)
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.engines.planning import Cell, Move
from kangqiao.kernel.decision import Decision
from kangqiao.kernel.period import Period, week


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
    workdays: frozenset[date]
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
    days = tuple(each for each in here.span.days() if each.weekday() < 5 or each in here.workdays or _sits(here, each))
    mode = mode if here.is_planner and mode in ("move", "replace") else ""
    if here.is_planner and chosen_slot is not None:
        here.asked = question(place, here.span.start, 1, for_move=True)
    rows = tuple(_row(here, each, days, chosen_slot, mode) for each in here.owed)
    kept = [row for row in here.rows if row.status != "missed"]  # what was missed is no sitting
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
            "experts": len({row.practitioner_id for row in kept}),
            "centres": len(here.owed),
            "half_days": len(kept),
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
        standing_half_days(Q(centre__in=centres), span.start, span.end).select_related(
            "session", "practitioner__organization"
        )
    )
    last_week = HalfDay.objects.filter(
        centre__in=centres, day__gte=span.start - timedelta(weeks=1), day__lt=span.start, status__in=STANDING_STATES
    ).values_list("practitioner", "centre", "day", "half")
    postings = postings_between(centres, span.start, span.end)
    present = {row.practitioner.specialty for row in rows} | {each.practitioner.specialty for each in postings}
    known = sorted((each for each in present if each), key=lambda each: (each.position, each.code))
    here = _Week(
        seat, place, who, span, parameters_for(place.code, span.start), owed, rows,
        {(person, centre, each.weekday(), half) for person, centre, each, half in last_week},
        postings, {each.code: number for number, each in enumerate(known, 1)}, specialty_names(),
        is_dispatcher_of(who, place), workdays(place, span.start, span.end),
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
    if mode == "move" and chosen is not None and not rows and day in here.workdays:
        leaving = next(iter(here.by_place.get(chosen, [])), None)
        target = _verdict(here, leaving.practitioner_id, centre, day, half, leaving) if leaving else None
    entries = tuple(_entry(here, row, is_chosen) for row in rows)
    return Slot(f"{centre}.{day}.{half}", day, half, day in here.workdays, entries, is_chosen, target)


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
    names = names_of(here.owed, {each.practitioner_id: each.practitioner for each in here.postings}, {})
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
        steps=tuple(steps_for(here.who, half_day, here.figures)) if half_day else (),
        waiting_for=sides_missing(half_day, here.figures) if half_day else (),
        candidates=_candidates(here, centre, day, half, half_day) if here.is_planner else (),
    )


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
