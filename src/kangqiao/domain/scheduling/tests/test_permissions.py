"""Who may open and call off a session."""

from __future__ import annotations

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.scheduling import actions, permissions
from kangqiao.domain.scheduling.tests.factories import cast, organization
from kangqiao.kernel.errors import Denied

pytestmark = pytest.mark.django_db


def test_dispatcher_withdraws_in_the_own_region_only() -> None:
    people = cast()
    session = people.session()
    elsewhere = organization("g2", "group", "演示珠海调度集团", Place.objects.create(code="4404", zh="珠海市"))
    here = organization("g1", "group", "演示深圳调度集团", Place.objects.get(code="4403"))
    asked = {"session_id": session.pk, "reason": "停电", "at": people.at}

    with pytest.raises(Denied):
        actions.withdraw_session(by=people.staff(Role.DISPATCHER, elsewhere).actor, **asked)
    actions.withdraw_session(by=people.staff(Role.DISPATCHER, here).actor, **asked)

    session.refresh_from_db()
    assert session.status == "withdrawn"


def test_sessions_are_opened_by_the_own_house_or_the_dispatcher_of_the_region() -> None:
    people = cast()
    elsewhere = organization("g2", "group", "演示珠海调度集团", Place.objects.create(code="4404", zh="珠海市"))
    here = organization("g1", "group", "演示深圳调度集团", Place.objects.get(code="4403"))
    own, other = people.centre.pk, people.far_centre.pk

    def may(role: Role, house: Organization, *organizations: int) -> bool:
        by = Actor("user:1", "某人", house.pk, role=role.value)
        return bool(permissions.can_open(by, organizations))

    for role in permissions.PLANNERS[1:]:
        assert may(role, people.centre, own)
        assert not may(role, people.far_centre, own)
        assert not may(role, people.centre, own, other)
    assert may(Role.DISPATCHER, here, own, other)
    assert not may(Role.DISPATCHER, elsewhere, own)
    assert not may(Role.GP, people.centre, own)
    with pytest.raises(Denied):
        people.session(by=people.staff(Role.CENTRE_MANAGER, people.far_centre).actor)
