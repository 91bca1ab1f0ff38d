"""Who is reached and who is not: key groups, residents signed and not served, and what was done for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, DateField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.domain.accounts.permissions import Seat, any_seat, told_of
from kangqiao.domain.contracting.models import (
    Contract,
    Group,
    KeyPerson,
    PackageItem,
    Service,
    Team,
    TeamDuty,
    TeamMember,
    Zone,
)
from kangqiao.domain.contracting.parameters import ContractingParameters, Way, contracting_at, ways_at
from kangqiao.domain.contracting.permissions import running_in_house
from kangqiao.domain.contracting.queries.teams import members_of, open_teams
from kangqiao.domain.contracting.rules import read_address
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import visible_to
from kangqiao.domain.residents.queries import residents_of


def groups_held(resident_ids: Iterable[int]) -> dict[int, set[str]]:
    """The key groups of each of these residents."""
    found: dict[int, set[str]] = {pk: set() for pk in resident_ids}
    rows = KeyPerson.objects.filter(resident__in=list(found), until__isnull=True)
    for pk, group in rows.values_list("resident_id", "group"):
        found[pk].add(group)
    return found


def responsible_team(resident: Resident) -> Team | None:
    """The one team that answers for the resident's address (ZH-4.5c); None where no zone holds it."""
    found = read_address(resident.address)
    if found is None:
        return None
    street, number = found
    rows = Zone.objects.select_related("team__organization").filter(street=street, first__lte=number, last__gte=number)
    zone = rows.exclude(team__status="closed").first()
    return zone.team if zone else None


def months_before(on: date, months: int) -> date:
    """The same day that many months earlier; the 28th where the month is shorter."""
    years, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(years, month + 1, min(on.day, 28))


@dataclass(frozen=True, slots=True)
class Panel:
    """The contracts of a team that run longer than the grace: how many, and the numbers of those without a service."""

    settled: int
    unserved: list[int]

    @property
    def served(self) -> int:
        """How many had a service within the set months."""
        return self.settled - len(self.unserved)


def panel_of(seat: Seat, team: Team, on: date) -> Panel:
    """Signed and not served: running for longer than the grace, and no service within the set months (SZ17-B9.a).

    The contract before a renewal counts with it, and a service under any contract of the resident. The longest first.
    """
    terms = contracting_at(team.organization.place.code, on)
    since = on - timedelta(days=terms.unserved_grace_days.integer())
    after = months_before(on, terms.unserved_months.integer())
    rows = _settled.ask(seat.role, team=team.pk, since=since, after=after, on=on, **told_of(seat))
    return Panel(len(rows), [pk for pk, is_served in rows if not is_served])


@Prepared
def _settled(role: str) -> QuerySet[Contract, Any]:
    since, after, on = (Told(name, DateField()) for name in ("since", "after", "on"))
    begun = Q(starts_on__lte=since) | Q(previous__starts_on__lte=since)
    served = Service.objects.filter(contract__resident=OuterRef("resident_id"), on__gt=after, on__lte=on)
    team = Told("team", BigIntegerField())
    rows = Contract.objects.filter(running_in_house(any_seat(role)), begun, team=team).order_by("starts_on", "pk")
    return rows.annotate(is_served=Exists(served)).values_list("pk", "is_served")


def unserved(seat: Seat, numbers: Sequence[int]) -> list[Contract]:
    """Contracts of a panel with their resident, in the order told; `last_on` is the day of the last service of each."""
    found = {one.pk: one for one in _lines.models(seat.role, rows=list(numbers), **told_of(seat))}
    return [found[one] for one in numbers if one in found]


@Prepared
def _lines(role: str) -> QuerySet[Contract]:
    services = Service.objects.filter(contract=OuterRef("pk")).order_by().values("contract")
    last_on = Subquery(services.annotate(last_on=Max("on")).values("last_on"))
    rows = Contract.objects.filter(running_in_house(any_seat(role)), among("id", "rows")).select_related("resident")
    return rows.annotate(last_on=last_on)


@dataclass(frozen=True, slots=True)
class KeyCount:
    """One key group at a centre: how many there are and how many are signed."""

    group: str
    name: str
    people: int
    signed: int

    @property
    def share(self) -> float:
        """The signed part, from 0 to 1."""
        return self.signed / self.people if self.people else 0.0

    @property
    def percent(self) -> int:
        """The signed part of a hundred, rounded down so that nothing short of all reads as all."""
        return self.signed * 100 // self.people if self.people else 0


def key_counts(seat: Seat, centre_id: int) -> list[KeyCount]:
    """The key groups among the people registered at a centre, the widest gap first (XH23-5.2.1c)."""
    signed = Contract.objects.filter(resident=OuterRef("resident_id"), status__in=RUNNING)
    rows = KeyPerson.objects.filter(resident__in=residents_of(seat).filter(centre=centre_id), until__isnull=True)
    counted: Any = rows.annotate(has=Exists(signed)).order_by().values_list("group")
    found = counted.annotate(n=Count("pk"), signed=Count("pk", filter=Q(has=True)))
    lines = [KeyCount(group, str(Group(group).label), people, number) for group, people, number in found]
    return sorted(lines, key=lambda line: (line.share, line.group))


def campaign_of_centre(seat: Seat, centre_id: int) -> QuerySet[Resident]:
    """Residents of a centre's key groups without a contract or an application, the eldest first."""
    taken = Contract.objects.filter(resident=OuterRef("pk"), status__in=("applied", "accepted", "signed", *RUNNING))
    key = KeyPerson.objects.filter(resident=OuterRef("pk"), until__isnull=True)
    rows = residents_of(seat).filter(Exists(key), ~Exists(taken), centre=centre_id, deceased_on__isnull=True)
    return rows.order_by("birth_date", "pk")


def campaign(seat: Seat, team: Team, *, group: str = "") -> list[Resident]:
    """Of those the ones a team has to reach: who lives in its zones; without any zone, all of the centre."""
    rows = campaign_of_centre(seat, team.organization_id)
    if group:
        rows = rows.filter(Exists(KeyPerson.objects.filter(resident=OuterRef("pk"), group=group, until__isnull=True)))
    zones = list(team.zones.all())
    if not zones:
        return list(rows)
    return [one for one in rows if _lies_in(one.address, zones)]


def _lies_in(address: str, zones: list[Zone]) -> bool:
    found = read_address(address)
    return found is not None and any(zone.street == found[0] and zone.first <= found[1] <= zone.last for zone in zones)


@dataclass(frozen=True, slots=True)
class PromisedItem:
    """One item of a contract: how often it is due in the term and was done, who of the team does it, how to ask."""

    item: PackageItem
    package: str
    done: int
    last_on: date | None
    who: tuple[str, ...]
    way: Way | None

    @property
    def left(self) -> int:
        """How often it is still due."""
        return max(self.item.times - self.done, 0)


def promised(contract: Contract, on: date) -> list[PromisedItem]:
    """What a contract promises and what was done of it, item by item (XH23-5.2.2a, SZ17-B9.c).

    Raises NoPolicyInForce.
    """
    ways = ways_at(contract.team.organization.place.code, on)
    done = Service.objects.filter(contract=contract).order_by().values_list("item")
    counted = {pk: (n, last) for pk, n, last in done.annotate(n=Count("pk"), last=Max("on"))}
    scopes = {one.kind: set(one.scope) for one in TeamDuty.objects.filter(team=contract.team_id)}
    members = members_of([contract.team_id], on)
    items = PackageItem.objects.select_related("package").filter(package__in=contract.packages.all())
    return [
        PromisedItem(
            item=item,
            package=item.package.zh,
            done=counted.get(item.pk, (0, None))[0],
            last_on=counted.get(item.pk, (0, None))[1],
            who=tuple(one.practitioner.name for one in members if item.act in scopes.get(one.kind, set())),
            way=ways.get(item.act),
        )
        for item in items.order_by("package", "pk")
    ]


@dataclass(frozen=True, slots=True)
class Flag:
    """One key group of a resident with how that is known, in words; `until` where it is over."""

    row: KeyPerson
    name: str
    why: str


def flags_of(seat: Seat, resident: Resident, on: date) -> list[Flag]:
    """The key groups a resident belongs to and belonged to, with the evidence; what holds comes first.

    Raises NoPolicyInForce.
    """
    terms = contracting_at(resident.centre.place.code, on)
    rows = KeyPerson.objects.filter(visible_to(seat, field="resident_id"), resident=resident)
    found = rows.order_by(F("until").desc(nulls_first=True), "since", "pk")
    return [Flag(one, str(Group(one.group).label), _evidence(one, terms)) for one in found]


def _evidence(one: KeyPerson, terms: ContractingParameters) -> str:
    if one.evidence == KeyPerson.Evidence.DECLARED:
        return _("签约时本人说明")
    if one.evidence == KeyPerson.Evidence.RECORD:
        return _("健康档案里的长期问题 %(codes)s") % {"codes": "、".join(terms.conditions.get(one.group, ()))}
    if one.group == Group.CHILD:
        return _("未满 %(years)s 岁") % {"years": terms.child_below_years.integer()}
    return _("年满 %(years)s 岁") % {"years": terms.elderly_from_years.integer()}


def groups_named(resident_id: int) -> list[str]:
    """The key groups of a resident in words."""
    return [str(Group(one).label) for one in sorted(groups_held([resident_id])[resident_id])]


def teams_to_choose(resident: Resident) -> list[Team]:
    """The teams a resident can choose: those of the own centre, the one responsible for the address first."""
    first = responsible_team(resident)
    rows = open_teams(resident.centre_id)
    return sorted(rows, key=lambda team: first is None or team.pk != first.pk)


def members_by_team(teams: Iterable[Team], on: date) -> list[tuple[Team, list[TeamMember]]]:
    """Each team with those who serve in it."""
    rows = list(teams)
    members = members_of([one.pk for one in rows], on)
    return [(team, [one for one in members if one.team_id == team.pk]) for team in rows]
