"""Who reads, prepares and approves a public list, role by role."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import Q

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.tests.factories import actor, seat
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, hospital, organization, place
from kangqiao.domain.publication import permissions
from kangqiao.domain.publication.models import Publication

pytestmark = pytest.mark.django_db
HOSPITAL = {"guidance_office", "hospital_director"}
LEVELS = {"city", "district", "zone"}


class World:
    """A hospital at each of three levels of a city with a draft, one in another city, and one published there."""

    def __init__(self) -> None:
        city = place()
        district = place("440402", "香洲区", part_of=city)
        zone, abroad = place("440402-HQ", "横琴新区", part_of=district), place("4403", "深圳市")
        places = {"city": city, "district": district, "zone": zone, "abroad": abroad}
        self.houses = {code: hospital(code, where=where) for code, where in places.items()}
        self.bureaus = {code: organization(f"b-{code}", "health_bureau", where=where) for code, where in places.items()}
        self.office = organization("office", "guidance_office", part_of_id=self.houses["city"].pk)
        for house in self.houses.values():
            self._made(house)
        self._made(hospital("public", where=abroad), status="published", published_at=NOW, days_late=0, sha256="0" * 64)

    def _made(self, house: Organization, **more: object) -> Publication:
        return Publication.objects.create(
            organization=house, year=2026, due_on=date(2026, 3, 1), policy_ref="test", **more
        )


@pytest.fixture
def world() -> World:
    return World()


def _found(scope: Q) -> set[str]:
    return {one.organization.code for one in Publication.objects.filter(scope)}


def test_the_published_is_everybodys_a_draft_the_hospitals_and_the_bureaus(world: World) -> None:
    bureau, house = world.bureaus["city"], world.houses["city"]
    for role in Role:
        of_place = LEVELS if role == "bureau_officer" else set()
        own = {"city"} if role in HOSPITAL else set()
        assert _found(permissions.visible_to(seat(bureau, role))) == {"public"} | of_place
        if role != "bureau_officer":
            assert _found(permissions.visible_to(seat(house, role))) == {"public"} | own
            assert _found(permissions.visible_to(seat(world.office, role))) == {"public"} | own
    assert _found(permissions.visible_to(None)) == {"public"}


def test_a_bureau_reads_the_drafts_of_its_place_and_below(world: World) -> None:
    below = {"city": LEVELS, "district": {"district", "zone"}, "zone": {"zone"}, "abroad": {"abroad"}}
    for code, bureau in world.bureaus.items():
        assert _found(permissions.visible_to(seat(bureau))) == below[code] | {"public"}


def test_one_works_with_the_lists_of_the_own_hospital_or_place(world: World) -> None:
    below = {"city": LEVELS, "district": {"district", "zone"}, "zone": {"zone"}, "abroad": {"abroad", "public"}}
    for code, bureau in world.bureaus.items():
        assert _found(permissions.of_seat(seat(bureau))) == below[code]
    for role in HOSPITAL:
        assert _found(permissions.of_seat(seat(world.houses["city"], role))) == {"city"}
        assert _found(permissions.of_seat(seat(world.office, role))) == {"city"}


def test_the_sides_of_a_list_are_its_hospital_and_the_approving_office() -> None:
    house, bureau, other = 1, 2, 3
    made = Publication(organization_id=house)

    def sides(where: int) -> dict[str, set[str]]:
        by_role = {}
        for role in Role:
            by = Actor("user:1", "演示", where, role=role.value)
            by_role[role.value] = permissions.parties(by, made, frozenset({where}), bureau)
        return {role: found for role, found in by_role.items() if found}

    assert sides(house) == {role: {"hospital"} for role in HOSPITAL}
    assert sides(bureau) == {"bureau_officer": {"bureau"}}
    assert sides(other) == {}
    assert permissions.parties(TESTER, made, frozenset(), None) == {"hospital", "bureau", "system"}


def test_a_hospital_prepares_its_own_list(world: World) -> None:
    house, other = world.houses["city"], world.houses["district"]

    def may(role: str, of: Organization) -> bool:
        return bool(permissions.can_draft(actor(house, role), of.pk, frozenset({house.pk})))

    assert {role.value for role in Role if may(role.value, house)} == HOSPITAL
    assert not any(may(role.value, other) for role in Role)
    assert permissions.can_draft(TESTER, other.pk, frozenset())
    assert set(permissions.STAFF) == HOSPITAL | {"bureau_officer"}
