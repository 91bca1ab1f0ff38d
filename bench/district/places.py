"""The district itself: six hospitals, their centres, everybody at work, the register, and clinics for the demand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from bench.district.demand import Demand
from kangqiao import policy
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts import actions as accounts
from kangqiao.domain.accounts.models import Membership, Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import actions as agreements
from kangqiao.domain.institutions import actions as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.parameters import SlotParameters
from kangqiao.domain.scheduling.rules import BEDS, Weekly
from kangqiao.domain.terminology import actions as terminology
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce import actions as workforce
from kangqiao.domain.workforce.models import Practitioner

CHINA = ZoneInfo("Asia/Shanghai")
LOADER = Actor.system("district")
CITY, DISTRICT = "4404", "440402"
# Of a hundred residents so many are contracted with their centre; of the demand so much more or less is offered.
CONTRACTED, OFFERED = 40, 1.04
# What letters ask for beside the visit, and how much of it is offered for each visit of the hospital.
PARTS, PER_VISIT = ("ct", BEDS), 0.05
# A psychiatrist sits at the first two hospitals alone: letters to the others have to go on.
ONLY_AT_SOME = {"psychiatry": 2}
HALF_DAYS = tuple((day, half) for day in range(1, 6) for half in (time(8), time(14)))
PIECE = 100_000
Row = TypeVar("Row")


@dataclass(slots=True)
class House:
    """A hospital or a centre, and who works there by role."""

    body: Organization
    seats: dict[str, Seat] = field(default_factory=dict)


@dataclass(slots=True)
class District:
    """Everything that stands before the first day. `people` are the ids of those whom the year brings somewhere."""

    hospitals: list[House]
    centres: list[House]
    lead: list[int]
    people: dict[int, int]
    users: dict[int, Actor]
    slot_minutes: int


def made(demand: Demand, starts_on: date, told: Callable[[str], None]) -> District:
    """Makes the district of a demand, as of the evening before its first day."""
    at = datetime.combine(starts_on - timedelta(days=1), time(18), CHINA)
    terminology.load_concepts(by=LOADER, at=at)
    hospitals, centres = _bodies(demand, at)
    _staff([*hospitals, *centres], at)
    _agreements(demand, hospitals, centres, starts_on, at)
    told(f"{len(hospitals)} hospitals, {len(centres)} centres")
    people, users = _register(demand, centres, at, told)
    read = SlotParameters.read(policy.at(DISTRICT, starts_on))
    district = District(hospitals, centres, list(demand.lead), people, users, read.slot_minutes)
    told(f"{_clinics(demand, district, starts_on, read, at)} weekly clinics")
    return district


def _bodies(demand: Demand, at: datetime) -> tuple[list[House], list[House]]:
    city = institutions.create_place(code=CITY, zh="演示市", en="Demo City", by=LOADER, at=at)
    district = institutions.create_place(
        code=DISTRICT, zh="演示区", en="Demo District", part_of_id=city.pk, by=LOADER, at=at
    )

    def body(kind: str, number: int, zh: str, **more: Any) -> House:
        code = f"{kind}-{number}"
        made = institutions.create_organization(
            code=code, kind=kind, zh=zh, place_id=district.pk, is_demo=True, by=LOADER, at=at, **more
        )
        return House(Organization.objects.select_related("place").get(pk=made.pk))

    for kind, zh in (("health_bureau", "演示区卫生局"), ("finance_bureau", "演示区财政局")):
        body(kind, 0, zh)
    hospitals = [
        body("hospital", n, f"演示第{n + 1}医院", level=3, ownership="district") for n in range(demand.hospitals)
    ]
    return hospitals, [body("centre", n, f"演示第{n + 1}社区卫生服务中心") for n in range(len(demand.lead))]


def _staff(houses: list[House], at: datetime) -> None:
    """A desk and a director at each hospital, a doctor and a manager at each centre."""
    wanted = [
        (house, role)
        for house in houses
        for role in (
            (Role.REFERRAL_DESK, Role.HOSPITAL_DIRECTOR)
            if house.body.kind == "hospital"
            else (Role.GP, Role.CENTRE_MANAGER)
        )
    ]
    names = [(f"{role}-{house.body.code}", "演示") for house, role in wanted]
    users = accounts.import_demo_people(people=names, password="not-used", by=LOADER, at=at)
    rows = [
        Membership(user=users[name], organization=house.body, role=role.value, since=date(2020, 1, 1))
        for (house, role), (name, _zh) in zip(wanted, names, strict=True)
    ]
    accounts.import_memberships(memberships=rows, by=LOADER, at=at)
    for (house, role), row in zip(wanted, rows, strict=True):
        body = house.body
        house.seats[role] = Seat(
            row.user_id, "演示", row.pk, role, str(Role(role).label), body.pk, body.zh, body.kind, body.place.code,
            body.place_id, None,
        )  # fmt: skip


def _agreements(
    demand: Demand, hospitals: list[House], centres: list[House], starts_on: date, at: datetime
) -> None:  # fmt: skip
    first = date(starts_on.year - 1, 1, 1)
    drafts = [
        agreements.draft_agreement(
            kind="joint_building", hospital_id=hospitals[lead].body.pk, centre_id=centre.body.pk, starts_on=first,
            ends_on=date(first.year + 3, 1, 1), is_demo=True, by=LOADER, at=at,
        )
        for centre, lead in zip(centres, demand.lead, strict=True)
    ]  # fmt: skip
    agreements.import_signed(drafts=drafts, signer=lambda _party: LOADER, by=LOADER, at=at)


def _register(
    demand: Demand, centres: list[House], at: datetime, told: Callable[[str], None]
) -> tuple[dict[int, int], dict[int, Actor]]:
    """Everybody is read into the register; whom the year brings somewhere is known by row, and may book online."""
    booking = sorted(demand.booking_online)
    names = [(f"resident-{row}", "演示") for row in booking]
    users: dict[str, User] = {}
    for some in _pieces(iter(names), 20_000):
        users |= accounts.import_demo_people(people=some, password="not-used", by=LOADER, at=at)
    ids: dict[int, int] = {}
    acting: dict[int, Actor] = {}
    wanted, count = demand.whom(), 0
    for some in _pieces(enumerate(demand.population.residents()), PIECE):
        rows = [
            Resident(
                name=one.name, sex=one.sex, birth_date=one.birth_date, identifier=one.citizen_id, phone=one.phone,
                address="演示路1号", centre=centres[one.centre].body, insurance=one.insured, is_demo=True,
                user=users.get(f"resident-{row}"),
            )
            for row, one in some
        ]  # fmt: skip
        residents.import_residents(residents=rows, since=at - timedelta(days=365), by=LOADER, at=at)
        Resident.objects.bulk_update([one for one in rows if one.user_id is not None], ("user",), batch_size=2_000)
        signed = [one for (row, _one), one in zip(some, rows, strict=True) if row * 61 % 100 < CONTRACTED]
        residents.import_bases(
            rows=[
                (
                    one.pk, one.centre_id, Basis.Kind.CONTRACT.value, f"contract:district-{one.pk}",
                    at - timedelta(days=200), at + timedelta(days=800),
                )
                for one in signed
            ],
            by=LOADER, at=at,
        )  # fmt: skip
        for (row, _one), resident in zip(some, rows, strict=True):
            if row in wanted:
                ids[row] = resident.pk
            if resident.user_id is not None:
                centre = centres[int(demand.population.centre[row])].body
                acting[row] = Actor(f"user:{resident.user_id}", "演示", centre.pk, centre.zh, Role.RESIDENT.value)
        count += len(rows)
        told(f"{count:,} residents")
    return ids, acting


def _pieces(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while some := list(islice(rows, size)):
        yield some


def _clinics(demand: Demand, district: District, starts_on: date, read: SlotParameters, at: datetime) -> int:
    """Weekly templates with about as many places as the demand asks for, so that now and then there is none."""
    concepts = {one.code: one for one in Concept.objects.filter(system=Concept.System.SPECIALTY)}
    count = 0
    for number, hospital in enumerate(district.hospitals):
        wanted: Counter[str] = Counter()
        for specialty, visits in demand.visits_a_week(number).items():
            if number < ONLY_AT_SOME.get(specialty, len(district.hospitals)):
                wanted[specialty] = math.ceil(visits * OFFERED)
        total = sum(wanted.values())
        wanted |= dict.fromkeys(PARTS, math.ceil(total * PER_VISIT))
        for specialty, places in wanted.items():
            clinics = _cut(max(places, 2), read)
            doctors = [
                Practitioner(
                    name=f"演示{specialty[:4]}{n}", sex="female", licence_number=f"D{number}-{specialty}-{n}",
                    title_kind="physician", title_grade="associate_senior", organization=hospital.body,
                    specialty=concepts[specialty], is_demo=True,
                )
                for n in range(math.ceil(len(clinics) / len(HALF_DAYS)))
            ]  # fmt: skip
            workforce.import_practitioners(practitioners=doctors, by=LOADER, at=at)
            for turn, times in enumerate(clinics):
                weekday, begins = HALF_DAYS[(turn * 3 + number + len(specialty)) % len(HALF_DAYS)]
                weekly = Weekly(
                    doctors[turn // len(HALF_DAYS)].pk, specialty, "", weekday, begins,
                    _after(begins, times * read.slot_minutes), read.slot_minutes, 1, 0, starts_on, None,
                )  # fmt: skip
                scheduling.add_template(
                    organization_id=hospital.body.pk, weekly=weekly, by=hospital.seats[Role.REFERRAL_DESK].actor,
                    at=at,
                )  # fmt: skip
                count += 1
    return count


def _cut(places: int, read: SlotParameters) -> list[int]:
    """How many times each clinic of a week has."""
    whole, rest = divmod(places, read.slots_per_session)
    return [read.slots_per_session] * whole + ([rest] if rest else [])


def _after(begins: time, minutes: int) -> time:
    return (datetime.combine(date(2000, 1, 1), begins) + timedelta(minutes=minutes)).time()


def system(name: str) -> Actor:
    """A job of the product, as it names itself."""
    return replace(LOADER, id=Actor.system(name).id)
