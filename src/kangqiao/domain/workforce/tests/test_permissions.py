"""Who keeps staff data: role by role, house by house."""

from __future__ import annotations

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, hospital, organization, place
from kangqiao.domain.workforce import permissions
from kangqiao.domain.workforce.models import Practitioner

pytestmark = pytest.mark.django_db
EMPLOYERS, REGION = (
    {"hospital_director", "guidance_office", "centre_manager"},
    {"dispatcher", "bureau_officer", "system_admin"},
)


def _roles(may: object, house: Organization) -> set[str]:
    actors = [Actor("user:1", "演示", house.pk, role=role.value) for role in Role]
    return {by.role for by in actors if may(by)}  # type: ignore[operator]


def test_an_employer_registers_its_own_and_the_offices_of_the_place_do() -> None:
    own, near, far = hospital("a"), hospital("b"), hospital("c", where=place("4403"))

    def may(by: Actor, employer: int = 0) -> object:
        return permissions.can_register(by, employer or own.pk)

    assert _roles(may, own) == EMPLOYERS | REGION
    assert _roles(may, near) == REGION
    assert _roles(may, far) == set()
    assert may(TESTER)
    assert not may(Actor("user:1", "演示", own.pk, role="dispatcher"), far.pk + 1)


def test_a_list_is_read_in_by_the_system_administrator_of_every_employers_place() -> None:
    own, far = hospital("a"), hospital("b", where=place("4403"))
    office = organization("bureau", "health_bureau")

    assert _roles(lambda by: permissions.can_import(by, [own.pk]), office) == {"system_admin"}
    assert _roles(lambda by: permissions.can_import(by, [own.pk, far.pk]), office) == set()
    assert permissions.can_import(TESTER, [own.pk, far.pk])


def test_an_absence_is_noted_by_the_person_the_employer_and_the_region() -> None:
    own, far = hospital("a"), hospital("b", where=place("4403"))

    def may(by: Actor, user_id: int | None = 7) -> object:
        return permissions.can_note_absence(by, Practitioner(organization_id=own.pk, user_id=user_id))

    assert may(Actor("user:7", "演示", far.pk, role="expert"))
    assert not may(Actor("user:8", "演示", far.pk, role="expert"))
    assert not may(Actor("user:None", "演示", far.pk, role="expert"), None)
    assert _roles(may, own) == EMPLOYERS | REGION
    assert _roles(may, far) == set()
