"""Who reads an appraisal and who judges, role by role."""

from __future__ import annotations

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.tests.factories import actor, seat
from kangqiao.domain.appraisal import permissions
from kangqiao.domain.appraisal.models import Appraisal
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import TESTER, hospital, organization, place

pytestmark = pytest.mark.django_db
READERS, JUDGED = {"bureau_officer", "finance_officer"}, {"hospital_director", "guidance_office"}


class World:
    """A hospital here, judged by the bureau of the city; one in another city, judged from here too."""

    def __init__(self) -> None:
        abroad = place("4403", "深圳市")
        self.house, self.away = hospital("here"), hospital("away", where=abroad)
        self.office = organization("office", "guidance_office", part_of_id=self.house.pk)
        self.bureau, self.other = organization("b", "health_bureau"), organization("o", "health_bureau", where=abroad)
        self.treasury = organization("t", "finance_bureau")
        self.mine = self._made(self.house, self.bureau)
        self.from_afar = self._made(self.away, self.bureau)

    def _made(self, subject: Organization, authority: Organization) -> Appraisal:
        return Appraisal.objects.create(subject=subject, authority=authority, year=2026, policy_ref="test")


@pytest.fixture
def world() -> World:
    return World()


def _seen(who: Seat | None) -> set[Appraisal]:
    return set(Appraisal.objects.filter(permissions.visible_to(who)))


def test_bureau_and_finance_read_those_of_their_place_and_those_they_judge(world: World) -> None:
    for role in READERS:
        assert _seen(seat(world.treasury, role)) == {world.mine}
        assert _seen(seat(world.bureau, role)) == {world.mine, world.from_afar}
        assert _seen(seat(world.other, role)) == {world.from_afar}
    assert _seen(None) == set()


def test_who_is_judged_reads_the_own_one(world: World) -> None:
    for role in set(Role) - READERS:
        own = {world.mine} if role in JUDGED else set()
        assert _seen(seat(world.house, role)) == _seen(seat(world.office, role)) == own
        assert _seen(seat(world.bureau, role)) == set()
    assert set(permissions.ALLOWED) == READERS | JUDGED


def test_an_officer_of_the_authority_judges(world: World) -> None:
    may = {role.value for role in Role if permissions.can_judge(seat(world.bureau, role), world.mine)}

    assert may == {"bureau_officer"}
    assert not permissions.can_judge(None, world.mine)
    assert "考核" in permissions.can_judge(seat(world.other), world.mine).reason
    assert not permissions.can_judge(seat(world.other), world.mine)
    assert permissions.parties(seat(world.bureau), world.mine) == {"bureau"}
    assert permissions.parties(seat(world.other), world.mine) == set()


def test_an_action_is_for_the_officer_of_the_authority_or_a_job(world: World) -> None:
    def may(by: Actor) -> bool:
        return bool(permissions.may_judge(by, world.bureau.pk))

    assert {role.value for role in Role if may(actor(world.bureau, role.value))} == {"bureau_officer"}
    assert not may(actor(world.other))
    assert may(TESTER)
