"""Who keeps the network: role by role, place by place."""

from __future__ import annotations

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions import permissions
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, hospital, organization, place

pytestmark = pytest.mark.django_db


def _roles(may: object, house: Organization | None) -> set[str]:
    actors = [Actor("user:1", "演示", house.pk if house else None, role=role.value) for role in Role]
    return {by.role for by in actors if may(by)}  # type: ignore[operator]


def test_a_place_and_what_lies_in_it_are_kept_from_there() -> None:
    city = place()
    district = place("440402", "香洲区", part_of=city)
    office, house = organization("bureau", "health_bureau"), organization("district", "health_bureau", where=district)

    def keeps(who: Organization | None) -> list[bool]:
        by = Actor("user:1", "演示", who.pk if who else None)
        return [permissions.keeps_place(by, pk) for pk in (city.pk, district.pk, place("4403").pk, None)]

    assert keeps(office) == [True, True, False, False]
    assert keeps(house) == [False, True, False, False]
    assert keeps(None) == [False, False, False, False]


def test_the_network_is_kept_by_the_bureau_and_the_system_administrator_of_the_place() -> None:
    here, abroad = organization("bureau", "health_bureau"), organization("b", "health_bureau", where=place("4403"))

    assert _roles(lambda by: permissions.can_keep_network(by, here.place_id), here) == {
        "bureau_officer",
        "system_admin",
    }
    assert _roles(lambda by: permissions.can_keep_network(by, here.place_id), abroad) == set()
    assert permissions.can_keep_network(TESTER, None)


def test_a_guidance_office_is_registered_by_its_hospital_or_the_bureau_of_the_place() -> None:
    own, other = hospital("a"), hospital("b", where=place("4403"))
    bureau = organization("bureau", "health_bureau")

    def may(by: Actor) -> object:
        return permissions.can_register_office(by, own)

    heads, keepers = {"hospital_director", "guidance_office"}, {"bureau_officer", "system_admin"}
    assert _roles(may, own) == heads | keepers
    assert _roles(may, bureau) == keepers
    assert _roles(may, other) == set()
    assert may(TESTER)
