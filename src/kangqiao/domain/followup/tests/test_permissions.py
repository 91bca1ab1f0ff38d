from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, permissions
from kangqiao.domain.followup.models import CarePlan, Invitation
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis

pytestmark = pytest.mark.django_db


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


def seen(seat: object) -> int:
    return CarePlan.objects.filter(permissions.visible_to(seat)).count()  # type: ignore[arg-type]


def test_plan_is_seen_by_the_person_and_the_house_of_the_team(w: f.World, signed: Contract) -> None:
    actions.assess(contract_id=signed.pk, by=f.JOB, at=f.AT)
    helper = w.resident(with_user=True)
    for who in ({"organization_id": w.other.pk}, {"user_id": helper.user_id}):
        kind = Basis.Kind.PROXY if "user_id" in who else Basis.Kind.BOOKING
        residents.grant_basis(
            resident_id=signed.resident_id, kind=kind, source="test", since=f.AT, by=f.JOB, at=f.AT, **who
        )

    assert seen(w.own(signed.resident)) == 1
    assert seen(w.seat(Role.GP)) == 1
    assert seen(w.seat(Role.GP, w.other)) == 0
    assert seen(w.own(helper)) == 0
    assert seen(w.seat(Role.PHARMACIST)) == 0


def test_team_plans_for_whom_it_may_see(w: f.World, signed: Contract) -> None:
    team, pk = signed.team, signed.resident_id

    assert permissions.can_plan(f.JOB, team, pk, f.AT)
    assert permissions.can_plan(w.seat(Role.GP).actor, team, pk, f.AT)
    assert not permissions.can_plan(w.seat(Role.EXPERT).actor, team, pk, f.AT)
    assert not permissions.can_plan(w.seat(Role.GP, w.other).actor, team, pk, f.AT)
    far = w.resident(house=w.other)
    assert not permissions.can_plan(w.seat(Role.GP).actor, team, far.pk, f.AT)


def test_channels_are_kept_by_the_house_of_the_team(w: f.World, signed: Contract) -> None:
    assert permissions.can_keep_channels(w.seat(Role.CENTRE_MANAGER).actor, signed.team)
    assert not permissions.can_keep_channels(w.seat(Role.PHARMACIST).actor, signed.team)
    assert not permissions.can_keep_channels(w.seat(Role.GP, w.other).actor, signed.team)


def test_invitations_are_seen_by_the_house_that_may_see_the_person(w: f.World) -> None:
    team, one, far = w.team(), w.resident(), w.resident(house=w.other)
    for who in (one, far):
        Invitation.objects.create(
            resident=who, team=team, group="elderly", on=date(2026, 3, 1), way="phone", outcome="agreed", by_name="演示"
        )

    def invited(seat: object) -> list[int]:
        rows = Invitation.objects.filter(permissions.invited_visible_to(seat))  # type: ignore[arg-type]
        return list(rows.values_list("resident_id", flat=True))

    assert invited(w.seat(Role.GP)) == [one.pk]
    assert invited(w.seat(Role.GP, w.other)) == []
    assert invited(w.seat(Role.PHARMACIST)) == []
