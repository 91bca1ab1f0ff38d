"""Who sees teams and contracts, and who keeps, applies, signs and ends, role by role and house by house."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.tests.factories import seat
from kangqiao.domain.contracting import permissions
from kangqiao.domain.contracting.models import Contract, ServicePackage, Team
from kangqiao.domain.contracting.tests.factories import AT, JOB, World, world
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis, Resident

pytestmark = pytest.mark.django_db
CENTRE, OFFICER = {"gp", "centre_manager"}, {"bureau_officer"}


@pytest.fixture
def here() -> World:
    return world()


def _roles(may: Callable[[Actor], object], house: Organization) -> set[str]:
    return {role.value for role in Role if may(Actor("user:0", "演示", house.pk, role=role.value))}


def _abroad(kind: str = "centre") -> Organization:
    elsewhere, _made = Place.objects.get_or_create(code="4403", defaults={"zh": "外市"})
    return Organization.objects.create(
        code=f"abroad-{kind}", kind=kind, zh="演示外市", short_zh="外市", place=elsewhere, is_demo=True
    )


def _team(house: Organization, status: str = "open") -> Team:
    return Team.objects.create(
        organization=house, zh=f"演示{house.code}{status}", status=status, ceiling=100, is_demo=True
    )


def _contract(resident: Resident, team: Team) -> Contract:
    return Contract.objects.create(
        number=f"T-{resident.pk}", resident=resident, team=team, applied_at=AT, policy_ref="test"
    )


def test_a_centre_sees_its_teams_a_bureau_its_places_and_residents_those_published(here: World) -> None:
    own, other, abroad = _team(here.centre), _team(here.other), _team(_abroad())
    forming = _team(here.centre, "forming")

    def seen(role: str, where: Organization) -> set[Team]:
        return set(Team.objects.filter(permissions.teams_visible_to(seat(where, role))))

    for role in Role:
        at_centre, at_bureau = seen(role.value, here.centre), seen(role.value, here.bureau)
        if role in CENTRE:
            assert (at_centre, at_bureau) == ({own, forming}, set())
        elif role == Role.RESIDENT:
            assert at_centre == at_bureau == {own, other, abroad}
        elif role in OFFICER:
            assert at_bureau == {own, other, forming}
        else:
            assert at_centre == at_bureau == set()


def test_a_centre_sees_the_contracts_of_its_teams_with_people_it_may_see(here: World) -> None:
    mine, unknown, elsewhere = (here.resident() for _number in range(3))
    own, other = _team(here.centre), _team(here.other)
    shown = _contract(mine, own)
    _contract(unknown, own)
    _contract(elsewhere, other)
    Basis.objects.filter(resident=unknown).delete()

    def seen(role: str) -> set[Contract]:
        return set(Contract.objects.filter(permissions.visible_to(seat(here.centre, role))))

    for role in set(Role) - {Role.RESIDENT}:
        assert seen(role.value) == ({shown} if role in CENTRE else set())


def test_residents_see_their_own_contracts(here: World) -> None:
    team = _team(here.centre)
    me, other = here.resident(with_user=True), here.resident(with_user=True)
    mine = _contract(me, team)
    _contract(other, team)

    def seen(who: Seat) -> set[Contract]:
        return set(Contract.objects.filter(permissions.visible_to(who)))

    assert seen(here.own(me)) == {mine}


def test_a_centre_offers_its_own_packages_and_those_of_the_bureaus_above(here: World) -> None:
    district_bureau = Organization.objects.create(
        code="district", kind="health_bureau", zh="演示区卫健局", short_zh="区卫健局", place=here.centre.place
    )
    houses = (here.centre, here.other, here.hospital, here.bureau, district_bureau, _abroad("health_bureau"))
    for house in houses:
        ServicePackage.objects.create(
            organization=house, code="local", zh="演示", group="general", starts_on=date(2026, 1, 1), reason="演示"
        )

    found = ServicePackage.objects.filter(permissions.packages_offered_at(here.centre), code="local")

    assert {one.organization.code for one in found} == {here.centre.code, "bureau", "district"}


def test_a_manager_keeps_the_teams_of_the_own_centre(here: World) -> None:
    def may(by: Actor) -> object:
        return permissions.can_keep_teams(by, here.centre.pk)

    assert _roles(may, here.centre) == {"centre_manager"}
    assert _roles(may, here.other) == set()
    assert may(JOB)


def test_packages_are_kept_by_the_manager_of_the_house_or_the_officer_of_the_bureau(here: World) -> None:
    def may(of: Organization) -> Callable[[Actor], object]:
        return lambda by: permissions.can_keep_packages(by, of)

    assert _roles(may(here.centre), here.centre) == {"centre_manager"}
    assert _roles(may(here.centre), here.bureau) == set()
    assert _roles(may(here.bureau), here.bureau) == {"bureau_officer", "centre_manager"}
    assert _roles(may(here.bureau), here.centre) == set()
    assert may(here.centre)(JOB)


def test_contracts_of_the_past_are_read_in_by_a_job(here: World) -> None:
    assert permissions.can_import(JOB)
    assert _roles(permissions.can_import, here.centre) == set()


def test_the_parties_are_the_house_of_the_team_and_the_residents_side(here: World) -> None:
    contract = Contract(team=Team(organization=here.centre))

    def are(party: str, where: Organization) -> set[str]:
        return _roles(lambda by: permissions.parties(by, contract) == {party}, where)

    assert are("team", here.centre) == CENTRE
    assert are("team", here.other) == set()
    assert are("resident", here.other) == are("resident", here.centre) == {"resident"}
    assert permissions.parties(JOB, contract) == {"system", "team"}
    assert not permissions.parties(Actor("user:0", "演示", here.centre.pk, role="pharmacist"), contract)


def test_a_step_is_for_the_parties_it_names_and_for_residents_by_who_decides(here: World) -> None:
    me, other = here.resident(with_user=True), here.resident(with_user=True)
    contract = _contract(me, _team(here.centre))
    gp, own, stranger = here.seat(Role.GP).actor, here.own(me).actor, here.own(other).actor

    def may(by: Actor, *named: str) -> bool:
        return bool(permissions.can_step(by, contract, named, AT))

    assert may(gp, "team")
    assert may(gp, "team", "resident")
    assert not may(gp, "resident")
    assert may(own, "resident")
    assert not may(own, "team")
    assert not may(stranger, "resident")
    assert may(JOB, "system")
    assert not may(JOB, "resident")
    assert permissions.decides(own, me, AT)
    assert not permissions.decides(stranger, me, AT)


def test_residents_apply_for_whom_they_act_for_and_a_house_for_people_it_may_see(here: World) -> None:
    me, unknown = here.resident(with_user=True), here.resident(house=here.other)
    team = _team(here.centre)
    proxy = here.user("proxy", Role.RESIDENT, here.centre)
    grant_basis(resident_id=unknown.pk, kind="proxy", source="test", since=AT, user_id=proxy.pk, by=JOB, at=AT)

    def may(by: Actor, whom: Resident) -> bool:
        return bool(permissions.can_apply(by, team, whom, AT))

    assert may(here.own(me).actor, me)
    assert not may(here.own(me).actor, unknown)
    assert may(here.seat(Role.RESIDENT, here.centre, proxy).actor, unknown)
    assert _roles(lambda by: may(by, me), here.centre) == CENTRE
    assert _roles(lambda by: may(by, unknown), here.centre) == set()
    assert _roles(lambda by: may(by, unknown), here.other) == set()
    assert may(JOB, unknown)
