"""Whose network one keeps: that of the own place and the places under it, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.institutions import actions
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.institutions.permissions import can_register_office, keeps_place
from kangqiao.domain.institutions.rules import COLUMNS, Fault
from kangqiao.domain.institutions.tests.factories import NOW, hospital, organization, place
from kangqiao.kernel.errors import Denied

pytestmark = pytest.mark.django_db


@dataclass
class Region:
    """A city with two districts, each with its bureau, and what the city's and one district's people enter."""

    city: Place
    district: Place
    other: Place
    bureau: Organization
    district_bureau: Organization

    def officer(self, role: str = "bureau_officer") -> Actor:
        """Of the city."""
        return Actor("user:1", "市局", self.bureau.pk, role=role)

    def district_officer(self, role: str = "bureau_officer") -> Actor:
        """Of the first district."""
        return Actor("user:2", "区局", self.district_bureau.pk, role=role)


@pytest.fixture
def region() -> Region:
    """As above."""
    city = place()
    district, other = place("440402", "香洲区", city), place("440403", "斗门区", city)
    bureau = organization("bureau", "health_bureau", where=city)
    return Region(city, district, other, bureau, organization("d-bureau", "health_bureau", where=district))


def enters(by: Actor, where: Place, **more: Any) -> Organization:
    """A centre enters the network."""
    return actions.create_organization(code="new", kind="centre", zh="新中心", place_id=where.pk, by=by, at=NOW, **more)


def test_place_reaches_downwards_only(region: Region) -> None:
    city, district = region.officer(), region.district_officer()

    assert [keeps_place(city, one.pk) for one in (region.city, region.district, region.other)] == [True] * 3
    assert [keeps_place(district, one.pk) for one in (region.city, region.district, region.other)] == [
        False, True, False
    ]  # fmt: skip
    assert not keeps_place(city, None)
    assert not keeps_place(Actor("user:3", "无单位", role="bureau_officer"), region.city.pk)


@pytest.mark.parametrize("role", ["bureau_officer", "system_admin"])
def test_organisation_enters_by_its_own_place(region: Region, role: str) -> None:
    with pytest.raises(Denied):
        enters(region.district_officer(role), region.other)
    with pytest.raises(Denied):
        enters(region.district_officer(role), region.city)

    assert enters(region.district_officer(role), region.district).place_id == region.district.pk


@pytest.mark.parametrize("role", ["hospital_director", "guidance_office", "dispatcher", "security_admin", "gp"])
def test_other_roles_of_the_place_enter_nothing(region: Region, role: str) -> None:
    with pytest.raises(Denied):
        enters(region.officer(role), region.city)


def test_nobody_makes_a_part_of_an_organisation_of_others(region: Region) -> None:
    elsewhere = hospital("elsewhere", where=region.other)

    with pytest.raises(Denied):
        enters(region.district_officer(), region.district, part_of_id=elsewhere.pk)
    assert enters(region.officer(), region.district, part_of_id=elsewhere.pk).part_of_id == elsewhere.pk


def test_places_are_entered_inside_the_own_place(region: Region) -> None:
    def under(by: Actor, part_of_id: int | None) -> Place:
        return actions.create_place(code="440499", zh="新区", part_of_id=part_of_id, by=by, at=NOW)

    with pytest.raises(Denied):
        under(region.district_officer(), region.city.pk)
    with pytest.raises(Denied):
        under(region.officer(), None)
    assert under(region.officer(), region.city.pk).part_of_id == region.city.pk


def test_population_is_entered_by_the_place_of_the_centre(region: Region) -> None:
    here, there = (organization(one.code, "centre", where=one) for one in (region.district, region.other))

    with pytest.raises(Denied):
        actions.set_population_served(organization_id=there.pk, population=1, by=region.district_officer(), at=NOW)
    actions.set_population_served(organization_id=here.pk, population=2, by=region.district_officer(), at=NOW)

    here.refresh_from_db()
    assert here.population_served == 2


def row(code: str, where: Place, **more: str) -> dict[str, str]:
    """A line of a list of institutions."""
    given = {"代码": code, "种类": str(Organization.Kind.CENTRE.label), "名称": f"{code}中心", "地区代码": where.code}
    return dict.fromkeys(COLUMNS, "") | given | more


def test_list_names_the_lines_that_belong_to_others(region: Region) -> None:
    elsewhere = hospital("elsewhere", where=region.other)
    rows = [
        row("a", region.district),
        row("b", region.other),
        row("c", region.district, 上级机构代码=elsewhere.code),
    ]
    by = region.district_officer("system_admin")

    found = actions.judge_organizations(rows=rows, by=by, at=NOW)

    assert [[one.fault for one in line] for line in found] == [[], [Fault.OF_OTHERS], [Fault.OF_OTHERS]]
    with pytest.raises(Denied):
        actions.import_organizations(rows=rows[:2], by=by, at=NOW)
    assert not Organization.objects.filter(code="a").exists()
    assert len(actions.import_organizations(rows=rows[:1], by=by, at=NOW)) == 1


def test_parts_may_stand_before_what_they_are_part_of_and_rings_are_refused(region: Region) -> None:
    by, here = region.officer("system_admin"), region.district
    rows = [row("b", here, 上级机构代码="a"), row("a", here)]
    ring = [row("x", here, 上级机构代码="y"), row("y", here, 上级机构代码="x"), row("z", here, 上级机构代码="z")]

    made = actions.import_organizations(rows=rows, by=by, at=NOW)

    assert Organization.objects.get(pk=made[0]).part_of_id == made[1]
    assert [[one.fault for one in line] for line in actions.judge_organizations(rows=ring, by=by, at=NOW)] == [
        [Fault.UNKNOWN]
    ] * 3


def test_what_nothing_stands_on_is_taken_back(region: Region) -> None:
    by, here = region.officer("system_admin"), region.district
    rows = [row("a", here), row("b", here, 上级机构代码="a"), row("c", here), row("d", here, 上级机构代码="c")]
    whole, part, other, used = actions.import_organizations(rows=rows, by=by, at=NOW)
    organization("later", "station", where=here, part_of_id=used)

    with pytest.raises(Denied):
        actions.take_back(organization_ids=[whole], by=region.officer("gp"), at=NOW)
    stay = actions.take_back(organization_ids=[whole, part, other, used], by=by, at=NOW)

    assert stay == dict.fromkeys((other, used), "institutions.organization")
    assert set(Organization.objects.filter(code__in="abcd").values_list("code", flat=True)) == {"c", "d"}


@pytest.mark.parametrize(
    ("role", "house", "may"),
    [
        ("hospital_director", "own", True), ("guidance_office", "own", True), ("hospital_director", "bureau", False),
        ("bureau_officer", "bureau", True), ("system_admin", "bureau", True), ("bureau_officer", "d-bureau", False),
        ("centre_manager", "own", False), ("referral_desk", "own", False),
    ],
)  # fmt: skip
def test_office_is_registered_by_the_hospital_or_the_bureau_of_its_place(
    region: Region, role: str, house: str, may: bool
) -> None:
    own = hospital("own", where=region.city)
    by = Actor("user:9", "某人", Organization.objects.get(code=house).pk, role=role)

    assert bool(can_register_office(by, own)) is may
