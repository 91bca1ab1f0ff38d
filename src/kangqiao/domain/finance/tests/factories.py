"""A small Zhuhai for money tests: places, hospitals, centres and pairings as the paper names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from kangqiao.base.actor import Actor
from kangqiao.domain.agreements.models import Agreement, Duty
from kangqiao.domain.appraisal import actions as appraisal_actions
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.finance import actions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.kernel.money import to_fen

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


def add_pairing(
    network: Network, hospital: str, centre: str, place: str, population: int, half_days: int | None = None
) -> Agreement:
    """A centre, its verified population and its joint-building agreement since 2024."""
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
    actions.record_figure(
        kind="population_served", place_id=home.pk, organization_id=paired.pk, year=YEAR, quantity=population,
        source="测试用数", verified=True, by=BY, at=AT,
    )  # fmt: skip
    return agreement


def add_fund(network: Network, place: str, yuan: int, *, verified: bool = True, year: int = YEAR) -> None:
    """The basic public health fund of a district."""
    actions.record_figure(
        kind="basic_public_health_fund", place_id=network.places[place].pk, year=year, amount_fen=to_fen(yuan),
        source="测试用数", verified=verified, by=BY, at=AT,
    )  # fmt: skip


def scored(network: Network, hospital: str) -> Appraisal:
    """The hospital's appraisal of the year, opened and scored by the city's bureau."""
    opened = appraisal_actions.open_appraisal(
        subject_id=network.organizations[hospital].pk,
        authority_id=network.organizations["bureau"].pk,
        year=YEAR,
        by=BY,
        at=AT,
    )
    return appraisal_actions.score_appraisal(appraisal_id=opened.pk, by=BY, at=AT)
