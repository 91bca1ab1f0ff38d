"""A small Zhuhai for the tests of figures, appraisal and money: places, hospitals, centres, pairings, people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.test import Client

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.actions import create_user, grant_membership
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.residents.models import Resident

AT = datetime(2026, 1, 20, 2, 0, tzinfo=UTC)
YEAR = 2025
BY = Actor.system("test")


@dataclass
class Network:
    """What a test made, by short name."""

    city: Place
    places: dict[str, Place]
    organizations: dict[str, Organization] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)


def make_network() -> Network:
    """Zhuhai with Xiangzhou, Jinwan and the zone Hengqin, and the city's health bureau."""
    city = Place.objects.create(code="4404", zh="珠海市")
    places = {
        "xiangzhou": Place.objects.create(code="440402", zh="香洲区", part_of=city),
        "jinwan": Place.objects.create(code="440404", zh="金湾区", part_of=city),
    }
    places["hengqin"] = Place.objects.create(
        code="440402-HQ", zh="横琴新区", part_of=places["xiangzhou"], is_functional_zone=True
    )
    network = Network(city, places)
    add_organization(network, "bureau", Organization.Kind.HEALTH_BUREAU, city)
    return network


def add_organization(network: Network, code: str, kind: str, place: Place, **fields: object) -> Organization:
    """One organisation of the network."""
    organization = Organization.objects.create(
        code=code, kind=kind, zh=fields.pop("zh", code), short_zh=code, place=place, **fields
    )
    network.organizations[code] = organization
    return organization


def add_hospital(network: Network, code: str, ownership: str, place: Place | None = None) -> Organization:
    """A level-two hospital of the given ownership."""
    return add_organization(
        network, code, Organization.Kind.HOSPITAL, place or network.places["xiangzhou"], ownership=ownership, level=2
    )


def add_pairing(network: Network, hospital: str, centre: str, place: str, half_days: int | None = None) -> Agreement:
    """A centre and its joint-building agreement since 2024."""
    home = network.places[place]
    paired = add_organization(network, centre, Organization.Kind.CENTRE, home)
    agreement = Agreement.objects.create(
        kind=Agreement.Kind.JOINT_BUILDING,
        number=f"LJ-{centre}",
        hospital=network.organizations[hospital],
        centre=paired,
        starts_on=date(2024, 1, 1),
        ends_on=date(2029, 1, 1),
        status="in_force",
        policy_ref="zhuhai-lianjian@1.0.0#2024-01-01",
    )
    network.agreements[centre] = agreement
    if half_days is not None:
        Duty.objects.create(
            agreement=agreement, side="hospital", measure="half_days_per_week", zh="坐诊", target=half_days,
            unit="half_day/week", clause="ZH-3.2.1a", policy_ref=agreement.policy_ref,
        )  # fmt: skip
    return agreement


def sit(organization: Organization, role: str, name: str = "韩景天") -> Seat:
    """Somebody with a seat in that role at the organisation."""
    user = create_user(
        username=f"{role}-{organization.code}", name=name, password="long enough for a test", is_demo=True, by=BY, at=AT
    )
    grant_membership(
        user=user, organization=organization, role=Role(role), since=date(2012, 1, 1), until=None, by=BY, at=AT
    )
    found = seat_of(user, None)
    assert found is not None
    return found


def signed_in(seat: Seat) -> Client:
    """A browser in which the person of the seat is signed in."""
    client = Client()
    client.force_login(User.objects.get(pk=seat.user_id))
    return client


def came(resident: Resident, hospital: Organization, ways: Iterable[tuple[str, bool]], at: datetime) -> None:
    """Visits at a hospital: how the resident came, and whether it was an emergency."""
    Encounter.objects.bulk_create(
        Encounter(resident=resident, organization=hospital, started_at=at, origin=origin, is_emergency=is_emergency)
        for origin, is_emergency in ways
    )
