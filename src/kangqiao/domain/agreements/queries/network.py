"""Who must hold agreements, and how far a place is covered by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import Q

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.parameters import PairingScope
from kangqiao.domain.agreements.permissions import (
    is_overseer,
    region_code,
    visible_to,
)
from kangqiao.domain.agreements.queries.relations import RELATIONS, in_force, own_centres, paired_centres
from kangqiao.domain.agreements.rules import Verdict, centres_count, compliance, in_scope, needs_justification
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.errors import NoPolicyInForce
from kangqiao.kernel.period import years_after
from kangqiao.policy import at


@dataclass(frozen=True, slots=True)
class HospitalInScope:
    """One municipal general hospital: bound or exempt, and how many centres it is paired with (SZ16-1a, SZ16-1f)."""

    hospital: Organization
    is_bound: bool
    bound_from: date | None
    agreements: int
    centres: int
    centres_min: int
    verdict: Verdict
    justification: str
    needs_reason: bool
    clause: str

    @property
    def is_compliant(self) -> bool:
        """Whether the hospital holds the agreements it must hold: none needed while it is exempt."""
        return not self.is_bound or self.agreements > 0


def scope_of(place_code: str, on: date) -> PairingScope | None:
    """Which hospitals of a place must hold pairing agreements; None where its papers ask for none."""
    try:
        return PairingScope.read(at(place_code, on))
    except NoPolicyInForce:
        return None


def hospitals_in_scope(place_code: str, on: date) -> list[HospitalInScope]:
    """The municipal general hospitals of a place, those without a signed agreement first. Raises NoPolicyInForce."""
    scope = PairingScope.read(at(place_code, on))
    general = institutions.hospitals_in(place_code).filter(ownership=Organization.Ownership.MUNICIPAL, specialty="")
    rows = [_in_scope(hospital, scope, on) for hospital in general]
    return sorted(rows, key=lambda row: (row.is_compliant, row.verdict is Verdict.MET, row.hospital.pk))


def centres_of_hospital(hospital_id: int, on: date, *, own_count: bool) -> int:
    """How many centres a hospital is paired with on a day, its own ones included where the paper counts them."""
    paired = frozenset(paired_centres(hospital_id, on).values_list("pk", flat=True))
    own = frozenset(own_centres(hospital_id).values_list("pk", flat=True))
    return centres_count(paired, own, own_count=own_count)


def _in_scope(hospital: Organization, scope: PairingScope, on: date) -> HospitalInScope:
    held = list(in_force(on, kinds=(Agreement.Kind.PAIRING,)).filter(hospital=hospital))
    centres = centres_of_hospital(hospital.pk, on, own_count=scope.own_centres_count)
    is_bound = in_scope(hospital.opened_on, on, scope.exempt_years_open)
    verdict = compliance(scope.centres_min, centres) if is_bound else Verdict.NOT_YET_DUE
    justification = next((row.justification for row in held if row.justification), "")
    return HospitalInScope(
        hospital=hospital,
        is_bound=is_bound,
        bound_from=years_after(hospital.opened_on, scope.exempt_years_open) if hospital.opened_on else None,
        agreements=len(held),
        centres=centres,
        centres_min=scope.centres_min,
        verdict=verdict,
        justification=justification,
        needs_reason=needs_justification(verdict, scope.centres_force, justification),
        clause=scope.centres_clause,
    )


@dataclass(frozen=True, slots=True)
class HospitalNode:
    """A hospital of the network with its relations, its guidance office and whether it sits in the leading group."""

    hospital: Organization
    relations: list[Agreement]
    office: Organization | None
    has_seat: bool | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """A district: its community institutions, those a relation covers, and those it does not (ZH-A2c, ZH-4.3b)."""

    place: Place
    institutions: int
    covered: int
    uncovered: list[Organization]

    @property
    def is_whole(self) -> bool:
        """Whether the district has institutions and all of them are covered."""
        return self.institutions > 0 and not self.uncovered


@dataclass(frozen=True, slots=True)
class Network:
    """The relations a seat sees on a day; coverage only for those who oversee a place."""

    on: date
    hospitals: list[HospitalNode]
    coverage: list[Coverage]

    @property
    def relations(self) -> int:
        """How many relations are drawn."""
        return sum(len(node.relations) for node in self.hospitals)

    @property
    def institutions(self) -> int:
        """Community institutions in the register of the places shown."""
        return sum(row.institutions for row in self.coverage)

    @property
    def covered(self) -> int:
        """Those a relation covers."""
        return sum(row.covered for row in self.coverage)

    @property
    def share(self) -> Fraction | None:
        """The covered share of all community institutions (ZH-4.3b); None without any."""
        return Fraction(self.covered, self.institutions) if self.institutions else None


def network(seat: Seat, on: date) -> Network:
    """Hospitals with their centres by joint building and pairing, as far as the seat may see them (ZH-0b)."""
    held = in_force(on, kinds=RELATIONS).filter(visible_to(seat)).order_by("hospital_id", "centre__place__code", "pk")
    by_hospital: dict[int, list[Agreement]] = {}
    for agreement in held:
        by_hospital.setdefault(agreement.hospital_id, []).append(agreement)
    seats = leading_group_seats(region_code(seat.place_id), on)
    nodes = [
        HospitalNode(rows[0].hospital, rows, institutions.guidance_office_of(pk), _sits(rows[0].hospital, seats))
        for pk, rows in by_hospital.items()
    ]
    return Network(on, nodes, coverage(seat, on))


def coverage(seat: Seat, on: date) -> list[Coverage]:
    """Covered institutions by district, for the places a seat oversees; a district without a centre shows zero."""
    if not is_overseer(seat):
        return []
    code = region_code(seat.place_id) if seat.role == "dispatcher" else seat.place_code
    ids = institutions.place_ids_under(code)
    places = Place.objects.filter(pk__in=ids).order_by("code")
    districts = [place for place in places if len(ids) == 1 or place.code != code]
    covered = set(in_force(on, kinds=RELATIONS).filter(centre__place__in=ids).values_list("centre_id", flat=True))
    own = Q(kind=Organization.Kind.CENTRE) | Q(kind=Organization.Kind.STATION, part_of=None)  # others through a centre
    found: dict[int, list[Organization]] = {}
    for row in Organization.objects.filter(own, place__in=ids):
        found.setdefault(row.place_id, []).append(row)
    return [_coverage(place, found.get(place.pk, []), covered) for place in districts]


def leading_group_seats(place_code: str, on: date) -> frozenset[str]:
    """Codes of the organisations with a seat in the leading group, as the pack's network file prints them."""
    try:
        pack = at(place_code, on).local[0]
    except NoPolicyInForce:
        return frozenset()
    group = pack.data("network").get("leading_group", {}) if "network" in pack.data_files else {}
    return frozenset(str(seat["organisation"]) for seat in group.get("seats", ()) if "organisation" in seat)


def _sits(hospital: Organization, seats: frozenset[str]) -> bool | None:
    return hospital.code in seats if seats else None


def _coverage(place: Place, rows: list[Organization], covered: set[int]) -> Coverage:
    uncovered = [row for row in rows if row.pk not in covered and row.part_of_id not in covered]
    return Coverage(place, len(rows), len(rows) - len(uncovered), uncovered)


def scope_rows(seat: Seat, on: date) -> list[HospitalInScope]:
    """Who must hold agreements in the place the seat oversees; nothing where no paper asks for any (SZ16-1a)."""
    code = region_code(seat.place_id) if seat.role == "dispatcher" else seat.place_code
    if not is_overseer(seat) or scope_of(code, on) is None:
        return []
    return hospitals_in_scope(code, on)
