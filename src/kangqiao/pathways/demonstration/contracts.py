"""Invented teams at every centre, the packages they offer, and contracts of nearly half of the residents."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from django.db.models import Count, Q

from kangqiao.domain.accounts.models import User
from kangqiao.domain.contracting import actions, rules
from kangqiao.domain.contracting.actions import NewContract, NewTeam
from kangqiao.domain.contracting.models import Act, Contract, Helper, KeyPerson, ServicePackage, Team, TeamMember, Zone
from kangqiao.domain.contracting.parameters import contracting_at
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.terminology.models import Concept
from kangqiao.domain.workforce import actions as workforce
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.contract_services import count_since
from kangqiao.pathways.demonstration.network import CITY
from kangqiao.pathways.demonstration.run import Run
from kangqiao.pathways.demonstration.staff import GIVEN, HELPER, SURNAMES

BUREAU = "zhuhai-health"
# Who joins the family doctors of a centre, without an account of their own.
JOINERS = (
    (TeamMember.Kind.NURSE, Practitioner.TitleKind.NURSE, Practitioner.Field.CLINICAL),
    (TeamMember.Kind.PUBLIC_HEALTH, Practitioner.TitleKind.PHYSICIAN, Practitioner.Field.PUBLIC_HEALTH),
)  # fmt: skip
# A centre has two family doctors with an account; a centre of many people has more teams, as many as have room.
TEAMS, TEAM_WORDS = 2, "一二三四五六七八九十"
HOUSE_NUMBERS = 400
# Of a hundred residents so many are signed; of the key groups more than of the others.
SIGNED, SIGNED_OF_KEY = 40, 62
# One of so many is signed for a year and ends in the next weeks; the others for longer, since the first day told.
SHORT_OF, SHORT_YEARS, LONG_YEARS, WEEKS = 12, 1, 2, 28
# At the centre of the reference story somebody has to sign, and a family waits for an answer.
WAITING_AT, FAMILY, VISITED = "c_xiangwan", 3, 3
WHERE = ("centre", "centre", "home", "centre", "care_home", "enterprise", "centre", "school")


def load_teams(run: Run) -> int:
    """Teams at each of the centres, complete and published, each with its part of the house numbers, and packages.

    Two at a centre, and more where two have no room for those who sign: a register may hold a million people.
    """
    house = institutions.organization(BUREAU)
    packages = actions.adopt_packages(organization_id=house.pk, starts_on=run.start, is_demo=True, by=run.by, at=run.at)
    centres = list(institutions.centres_in(CITY).select_related("place").order_by("pk"))
    numbers = _numbers(run, centres)
    helpers = _helpers(run, centres, numbers)
    doctors: dict[int, list[Practitioner]] = defaultdict(list)
    general = Practitioner.objects.filter(is_demo=True, user__isnull=False, specialty__code="general_practice")
    for doctor in general.order_by("pk"):
        doctors[doctor.organization_id].append(doctor)
    _join_doctors(run, centres, numbers, doctors)
    teams = [
        _team(centre, number, numbers[centre.pk], lead, helpers[centre.pk, number])
        for centre in centres
        for number, lead in enumerate(doctors[centre.pk][: numbers[centre.pk]])
    ]
    actions.import_teams(teams=teams, since=run.start, is_demo=True, by=run.by, at=run.at)
    return len(teams) + len(packages)


def load_contracts(run: Run) -> int:
    """The register of contracts: the same people each time, spread over two years, and what was done for them since.

    At one centre a family waits for an answer, and somebody has to sign.
    """
    actions.flag_key_groups(on=run.today, by=run.by, at=run.at)
    contracts = list(_contracts(run))
    ref = contracting_at(CITY, run.today).ref
    actions.import_contracts(contracts=contracts, policy_ref=ref, is_demo=True, by=run.by, at=run.at)
    counted = count_since(since=run.start_at, by=run.by, at=run.at)
    return len(contracts) + counted + _load_waiting(run) + _load_visits(run)


def _load_visits(run: Run) -> int:
    """Somebody of the workstation helps the first team of the centre and has three people to visit."""
    user = User.objects.filter(username=HELPER, is_demo=True).first()
    team = Team.objects.filter(organization__code=WAITING_AT, status="open").order_by("pk").first()
    if user is None or team is None:
        return 0
    helper = actions.add_helper(team_id=team.pk, user_id=user.pk, kind=Helper.Kind.WORKSTATION, by=run.by, at=run.at)
    held = Contract.objects.filter(team=team, status="active", resident__deceased_on=None)
    people = list(held.order_by("resident__birth_date", "pk").values_list("resident_id", flat=True)[:VISITED])
    for days, pk in enumerate(people):
        actions.plan_visit(
            resident_id=pk, helper_id=helper.pk, act=Act.HOME_VISIT, on=run.today + timedelta(days=days), by=run.by,
            at=run.at,
        )  # fmt: skip
    return 1 + len(people)


def _load_waiting(run: Run) -> int:
    signed = Contract.objects.values("resident_id")
    people = Resident.objects.filter(centre__code=WAITING_AT, user__isnull=True).exclude(pk__in=signed)
    team = Team.objects.filter(organization__code=WAITING_AT, status="open").order_by("pk").first()
    if team is None or not team.room:  # a million residents fill every team there is
        return 0
    found = list(people.order_by("birth_date", "pk").values_list("pk", flat=True)[: 1 + FAMILY])
    for ids in (found[:1], found[1:]):
        made = actions.apply_for_contract(team_id=team.pk, resident_ids=ids, has_consent=True, by=run.by, at=run.at)
        if ids == found[:1]:
            actions.accept_contract(contract_id=made[0].pk, by=run.by, at=run.at)
    return len(found)


def _numbers(run: Run, centres: list[Organization]) -> dict[int, int]:
    """How many teams each centre needs, so that everybody who signs has room in the team of their address."""
    room = contracting_at(CITY, run.start).panel.integer()
    people = dict(Resident.objects.order_by().values_list("centre_id").annotate(n=Count("pk")))
    return {one.pk: max(TEAMS, math.ceil(people.get(one.pk, 0) * SIGNED_OF_KEY / 100 / room)) for one in centres}


def _join_doctors(
    run: Run, centres: list[Organization], numbers: dict[int, int], doctors: dict[int, list[Practitioner]]
) -> None:
    """Family doctors without an account for the teams for which a centre has none with one."""
    general = Concept.objects.get(system=Concept.System.SPECIALTY, code="general_practice")
    joined: list[Practitioner] = []
    for centre in centres:
        for _number in range(len(doctors[centre.pk]), numbers[centre.pk]):
            joined.append(_invented(centre, "G", len(joined) + 1, Practitioner.TitleKind.PHYSICIAN, specialty=general))
            doctors[centre.pk].append(joined[-1])
    if joined:
        workforce.import_practitioners(practitioners=joined, by=run.by, at=run.at)


def _invented(
    centre: Organization, letter: str, number: int, kind: Practitioner.TitleKind, **more: Concept | Practitioner.Field
) -> Practitioner:
    name = SURNAMES[number * 5 % len(SURNAMES)] + GIVEN[number * 11 % len(GIVEN)]
    return Practitioner(
        name=name, sex="female" if number % 2 else "male", licence_number=f"DEMO{letter}{number:07d}", title_kind=kind,
        title_grade=Practitioner.TitleGrade.ATTENDING, organization=centre, is_demo=True,
        **{"field": Practitioner.Field.CLINICAL} | more,
    )  # fmt: skip


def _helpers(
    run: Run, centres: list[Organization], numbers: dict[int, int]
) -> dict[tuple[int, int], list[tuple[str, Practitioner]]]:
    """A nurse and a public health physician for every team."""
    found: dict[tuple[int, int], list[tuple[str, Practitioner]]] = {}
    number = 0
    for centre in centres:
        for team in range(numbers[centre.pk]):
            people = []
            for kind, title, field in JOINERS:
                number += 1
                people.append((kind.value, _invented(centre, "T", number, title, field=field)))
            found[centre.pk, team] = people
    rows = [one for people in found.values() for _kind, one in people]
    workforce.import_practitioners(practitioners=rows, by=run.by, at=run.at)
    return found


def _team(
    centre: Organization, number: int, of: int, lead: Practitioner, helpers: list[tuple[str, Practitioner]]
) -> NewTeam:
    """One of so many teams of a centre, with its part of the house numbers."""
    words = f"{centre.short_zh}第{TEAM_WORDS[number] if number < len(TEAM_WORDS) else number + 1}"
    first, last = number * HOUSE_NUMBERS // of + 1, (number + 1) * HOUSE_NUMBERS // of
    street = f"{centre.place.zh}{centre.short_zh}辖区演示路"
    zone = (Zone.Kind.COMMUNITY.value, f"{words}片区", street, first, last)
    return NewTeam(centre, f"{words}家庭医生团队", ((TeamMember.Kind.GP.value, lead), *helpers), (zone,))


def _contracts(run: Run) -> Iterator[NewContract]:
    zones = list(Zone.objects.filter(team__is_demo=True))
    by_street: dict[str, list[Zone]] = defaultdict(list)
    for zone in zones:
        by_street[zone.street].append(zone)
    groups: dict[int, set[str]] = defaultdict(set)
    for pk, group in KeyPerson.objects.filter(until__isnull=True).values_list("resident_id", "group"):
        groups[pk].add(group)
    places = dict(Team.objects.filter(is_demo=True).values_list("pk", "ceiling"))
    packages = {one.group: one.pk for one in ServicePackage.objects.filter(is_demo=True, code__in=_free(run))}
    people = Resident.objects.filter(Q(user__isnull=True) | Q(pk__in=list(groups)), is_demo=True).order_by("pk")
    for number, (pk, name, address, user_id) in enumerate(people.values_list("pk", "name", "address", "user_id")):
        share = SIGNED_OF_KEY if groups[pk] else SIGNED
        if user_id is None and number * 61 % 100 >= share:
            continue
        place = rules.read_address(address)
        team = next((z.team_id for z in by_street[place[0]] if z.first <= place[1] <= z.last), None) if place else None
        if team is None or not places[team]:
            continue
        places[team] -= 1
        starts_on, ends_on = _term(run, number)
        wanted = (rules.EVERYONE, *sorted(groups[pk]))
        yield NewContract(
            resident_id=pk, team_id=team, starts_on=starts_on, ends_on=ends_on,
            package_ids=tuple(packages[group] for group in wanted if group in packages), signed_by=name,
            where=WHERE[number % len(WHERE)],
        )  # fmt: skip


def _term(run: Run, number: int) -> tuple[date, date]:
    """When somebody's contract began and ends."""
    if number % SHORT_OF == 0:
        ends_on = run.today + timedelta(days=number // SHORT_OF % WEEKS + 1)
        return rules.term_end(ends_on, -SHORT_YEARS), ends_on
    starts_on = run.start + timedelta(days=number * 37 % (run.today - run.start).days)
    return starts_on, rules.term_end(starts_on, LONG_YEARS)


def _free(run: Run) -> tuple[str, ...]:
    """The packages everybody of a group is offered; those that cost are chosen one by one."""
    rows = ServicePackage.objects.filter(is_demo=True).prefetch_related("items")
    return tuple(one.code for one in rows if not one.year_fen)
