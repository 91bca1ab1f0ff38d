"""What the region's institutions did since last year: postings, half-days, and the weeks to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day

from django.utils import timezone

from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.base.bulk import count_anew
from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.records import actions as records
from kangqiao.domain.roster import actions as rosters
from kangqiao.domain.roster.models import HalfDay, Posting, Roster
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import ORDERED
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.kernel.errors import RuleBroken
from kangqiao.kernel.period import week
from kangqiao.pathways.demonstration import weekly
from kangqiao.pathways.demonstration.network import CITY, ZHUHAI
from kangqiao.pathways.demonstration.run import Run

# Experts a centre has, out of the first so many of its hospital; the others hold clinics at the hospital itself.
POSTED_PER_CENTRE, POSTED_POOL = 4, 6
# Of so many half-days one was missed, so that compliance is a figure and not a wish; of each, so many visits.
ONE_MISSED_IN, VISITS_PER_HALF_DAY = 23, 9
WEEKS_AHEAD = 4
# Three half-days for each of up to three centres of a hospital, none of them shared.
HALF_DAYS = tuple((weekday, half) for half in ("am", "pm") for weekday in (0, 2, 4, 1, 3))
CLINIC_DAYS = (1, 3)
MORNING = (time_of_day(8, 30), time_of_day(11, 30))
# Examinations and admissions, after the visits of the morning.
AFTERNOON = (time_of_day(14, 0), time_of_day(16, 0))


@dataclass(frozen=True, slots=True)
class Pair:
    """One pairing of the annex: its hospital and its centre."""

    hospital: Organization
    centre: Organization


def pairs() -> list[Pair]:
    """The pairings in the order of the annex."""
    known = {row.code: row for row in institutions.organizations_in(CITY)}
    rows = policy.default().pack(ZHUHAI).data("network")["centres"]
    return [Pair(known[row["hospital"]], known[row["id"]]) for row in rows]


def person(role: Role, organization: Organization) -> Actor:
    """The invented person who holds a role at an organisation, as the actor of a step. Raises DoesNotExist."""
    found = Membership.objects.select_related("user").filter(role=role.value, organization=organization).order_by("pk")
    one = found[0]
    return Actor(f"user:{one.user_id}", one.user.name, organization.pk, organization.zh, role.value)


def load_postings(run: Run) -> int:
    """Every centre's experts: those of last year, whose term is over, and those who serve now."""
    this_year = date(run.today.year, 1, 1)
    over, serving, offices = [], [], {}
    for pair, experts in _experts_by_pair():
        agreement = _relation(pair)
        offices[pair.centre.pk] = person(Role.GUIDANCE_OFFICE, pair.hospital)
        for number, expert in enumerate(experts):
            same = {"practitioner": expert, "centre": pair.centre, "agreement": agreement}
            serving.append(Posting(**same, starts_on=this_year, ends_on=date(this_year.year + 2, 1, 1)))
            if number:
                last_year = {"starts_on": run.start, "ends_on": this_year, "policy_ref": agreement.policy_ref}
                over.append(Posting(**same, **last_year, status="ended"))
    rosters.import_posted(
        postings=serving, office=lambda posting: offices[posting.centre_id], by=run.by,
        at=_instant(this_year, time_of_day(9)),
    )  # fmt: skip
    rosters.import_past(postings=over, half_days=[], rosters=[], by=run.by, at=run.at)
    return len(over) + len(serving)


def load_past_half_days(run: Run) -> int:
    """The half-days from the first week of last year to the last week that is over."""
    city, monday = institutions.place(CITY), _next_monday(run.today)
    past = [
        Roster(
            place=city,
            starts_on=start,
            ends_on=end,
            status="published",
            planned_at=_instant(start, time_of_day(9)),
            policy_ref=str(policy.at(place=CITY, date=start).ref),
        )
        for start, end in _quarters(week(run.start).start + timedelta(weeks=1), monday)
    ]
    half_days = [row for pair, turn in _turns() for row in _past_of(pair, turn, past)]
    rosters.import_past(postings=[], half_days=half_days, rosters=past, by=run.by, at=run.at)
    return len(half_days)


def load_expert_visits(run: Run) -> int:
    """The visits of the half-days that took place."""
    done = HalfDay.objects.filter(status="done").order_by("pk").values_list("practitioner", "centre", "day", "half")
    return records.import_expert_visits(half_days=list(done), most=VISITS_PER_HALF_DAY, by=run.by, at=run.at)


def load_weeks_ahead(run: Run) -> int:
    """The present and coming four weeks, planned by the engine and published; the four after, planned and in draft."""
    city = institutions.place(CITY)
    dispatcher = person(Role.DISPATCHER, institutions.organization("zhuhai-health"))
    monday = _next_monday(run.today)
    published = rosters.plan_roster(place_id=city.pk, starts_on=monday, weeks=WEEKS_AHEAD, by=dispatcher, at=run.at)
    rosters.publish_roster(roster_id=published.pk, by=dispatcher, at=run.at)
    draft = rosters.plan_roster(
        place_id=city.pk, starts_on=monday + timedelta(weeks=WEEKS_AHEAD), weeks=WEEKS_AHEAD, by=dispatcher, at=run.at
    )
    count_anew()
    return published.half_days.count() + draft.half_days.count()


def load_clinics(run: Run) -> int:
    """Clinics, examinations and beds of the coming weeks, a part of each kept for the paired centres first."""
    slots = SlotParameters.read(policy.at(place=CITY, date=run.today))
    opened = sum(_opened(run, _clinics(run, hospital, slots)) for hospital in institutions.hospitals_in(CITY))
    count_anew()
    return opened


def _clinics(run: Run, hospital: Organization, slots: SlotParameters) -> list[scheduling.Opening]:
    found = []
    sitting = [(turn, expert, MORNING) for turn, expert in enumerate(_seniors(hospital)[POSTED_POOL:])]
    week: weekly.Week = {}
    if hospital.code == weekly.HOSPITAL:
        of_each = [(expert, _weekday(day, turn) + 1) for turn, expert, _hours in sitting for day in CLINIC_DAYS]
        desk = person(Role.REFERRAL_DESK, hospital)
        week = weekly.keep_week(run, hospital, of_each, MORNING, slots, desk)
    ordered = Practitioner.objects.filter(organization=hospital, specialty__code__in=ORDERED).order_by("pk")
    sitting += [(turn, one, AFTERNOON) for turn, one in enumerate(ordered.select_related("specialty"))]
    for turn, expert, hours in sitting:
        for day in _clinic_days(run.today, turn):
            starts_at, ends_at = (_instant(day, at) for at in hours)
            kept = week.get((expert.pk, day.isoweekday())) if hours is MORNING else None
            found.append(
                scheduling.Opening(
                    organization_id=hospital.pk, practitioner_id=expert.pk, specialty=_specialty(expert),
                    kind=Session.Kind.HOSPITAL_CLINIC, starts_at=starts_at, ends_at=ends_at,
                    source=f"template:{kept.pk}" if kept else "clinic", parameters=slots,
                    room=kept.room if kept else "", template_id=kept.pk if kept else None,
                    planned_for=day if kept else None,
                )
            )  # fmt: skip
    return found


def _opened(run: Run, openings: list[scheduling.Opening]) -> int:
    """How many could be opened: all at once, or, where somebody sits elsewhere then, all the others."""
    try:
        return len(scheduling.open_sessions(openings=openings, by=run.by, at=run.at))
    except RuleBroken:
        if len(openings) == 1:
            return 0
        return sum(_opened(run, [one]) for one in openings)


_FRIDAY = 4


def _next_monday(today: date) -> date:
    """The first day not yet told as past: this week's Monday, on a weekend the next one's."""
    monday = week(today).start
    return monday + timedelta(weeks=1) if today.weekday() > _FRIDAY else monday


def _relation(pair: Pair) -> Agreement:
    return Agreement.objects.get(kind=Agreement.Kind.JOINT_BUILDING, hospital=pair.hospital, centre=pair.centre)


def _seniors(hospital: Organization) -> list[Practitioner]:
    grades = (Practitioner.TitleGrade.ASSOCIATE_SENIOR, Practitioner.TitleGrade.SENIOR)
    found = Practitioner.objects.filter(organization=hospital, title_kind="physician", title_grade__in=grades)
    return list(found.select_related("specialty").order_by("pk"))


def _turns() -> list[tuple[Pair, int]]:
    """The pairings, each with its number among those of its hospital."""
    seen: dict[int, int] = {}
    found = []
    for pair in pairs():
        found.append((pair, seen.get(pair.hospital.pk, 0)))
        seen[pair.hospital.pk] = found[-1][1] + 1
    return found


def _experts_by_pair() -> list[tuple[Pair, list[Practitioner]]]:
    """The experts of each centre: a run of four out of the pool, begun anew for each centre of the hospital."""
    turns = _turns()
    pools = {hospital: _seniors(hospital)[:POSTED_POOL] for hospital in {pair.hospital for pair, _turn in turns}}
    return [(pair, _run_of(pools[pair.hospital], turn)) for pair, turn in turns]


def _run_of(seniors: list[Practitioner], turn: int) -> list[Practitioner]:
    return [seniors[(turn * 2 + step) % len(seniors)] for step in range(min(POSTED_PER_CENTRE, len(seniors)))]


def _specialty(expert: Practitioner) -> str:
    return expert.specialty.code if expert.specialty else ""


def _past_of(pair: Pair, turn: int, past: list[Roster]) -> Iterator[HalfDay]:
    """Three half-days a week at one centre; each centre of a hospital has half-days of its own."""
    rows = Posting.objects.filter(centre=pair.centre).select_related("practitioner")
    postings = list(rows.order_by("starts_on", "pk"))
    for roster in past:
        for offset in range((roster.ends_on - roster.starts_on).days // 7):
            monday = roster.starts_on + timedelta(weeks=offset)
            for number in range(3):
                weekday, half = HALF_DAYS[number + turn * 3]
                day = monday + timedelta(days=weekday)
                serving = [one for one in postings if one.starts_on <= day < one.ends_on]
                posting = serving[(number + offset) % len(serving)]
                missed = (day.toordinal() + pair.centre.pk + number) % ONE_MISSED_IN == 0
                yield HalfDay(
                    roster=roster, posting=posting, practitioner=posting.practitioner, centre=pair.centre, day=day,
                    half=half, status="missed" if missed else "done", hospital_confirmed_at=roster.planned_at,
                )  # fmt: skip


def _quarters(monday: date, until: date) -> Iterator[tuple[date, date]]:
    while monday < until:
        end = min(monday + timedelta(weeks=13), until)
        yield monday, end
        monday = end


def _clinic_days(today: date, turn: int) -> Iterator[date]:
    monday = week(today).start
    for offset in range(WEEKS_AHEAD + 1):
        for weekday in CLINIC_DAYS:
            day = monday + timedelta(weeks=offset, days=_weekday(weekday, turn))
            if day > today:
                yield day


def _weekday(weekday: int, turn: int) -> int:
    """The day of the week (0 Monday) on which somebody sits who has their turn so much later."""
    return (weekday + turn) % (_FRIDAY + 1)


def _instant(day: date, at: time_of_day) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone.get_default_timezone())
