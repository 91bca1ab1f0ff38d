from __future__ import annotations

from datetime import timedelta

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.portal import actions, permissions
from kangqiao.domain.portal.models import Enquiry, Rating
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident

pytestmark = pytest.mark.django_db
LATER = f.AT + timedelta(minutes=5)


@pytest.fixture
def w() -> f.World:
    return f.world()


@pytest.fixture
def signed(w: f.World) -> Contract:
    return w.signed(w.team(), w.resident(with_user=True))[0]


@pytest.fixture
def row(w: f.World, signed: Contract) -> Enquiry:
    by = w.own(signed.resident).actor
    return actions.ask_team(resident_id=signed.resident_id, text="问", by=by, at=f.AT)


@pytest.fixture
def proxy(w: f.World, signed: Contract) -> Resident:
    """Somebody who runs errands for the person under contract."""
    trusted = w.resident(with_user=True)
    residents.grant_basis(
        resident_id=signed.resident_id, kind=Basis.Kind.PROXY, source="test", since=f.AT, user_id=trusted.user_id,
        by=f.JOB, at=f.AT,
    )  # fmt: skip
    return trusted


def sees(seat: object, row: Enquiry) -> bool:
    return Enquiry.objects.filter(permissions.visible_to(seat), pk=row.pk).exists()  # type: ignore[arg-type]


def test_question_is_seen_by_both_sides_and_nobody_else(w: f.World, signed: Contract, row: Enquiry) -> None:
    assert sees(w.own(signed.resident), row)
    assert sees(w.seat(Role.GP), row)
    assert sees(w.seat(Role.CENTRE_MANAGER), row)
    assert not sees(w.seat(Role.PHARMACIST), row)
    assert not sees(w.seat(Role.GP, w.other), row)
    assert not sees(w.seat(Role.BUREAU_OFFICER, w.bureau), row)
    assert not sees(w.own(w.resident(with_user=True)), row)


def test_house_that_may_see_the_person_and_is_not_the_team_sees_no_question(
    w: f.World, signed: Contract, row: Enquiry
) -> None:
    residents.grant_basis(
        resident_id=signed.resident_id, kind=Basis.Kind.BOOKING, source="test", since=f.AT,
        organization_id=w.other.pk, by=f.JOB, at=f.AT,
    )  # fmt: skip
    other = w.seat(Role.GP, w.other)

    assert not sees(other, row)
    assert permissions.parties(other.actor, row, LATER) == set()


def test_parties_are_told_by_role_and_house(w: f.World, signed: Contract, row: Enquiry) -> None:
    assert permissions.parties(f.JOB, row, LATER) == {"system"}
    assert permissions.parties(w.own(signed.resident).actor, row, LATER) == {"resident"}
    assert permissions.parties(w.own(w.resident(with_user=True)).actor, row, LATER) == set()
    assert permissions.parties(w.seat(Role.GP).actor, row, LATER) == {"team"}
    assert permissions.parties(w.seat(Role.EXPERT).actor, row, LATER) == set()
    assert not permissions.can_step(w.seat(Role.GP).actor, row, ("resident",), LATER)
    assert not permissions.can_ask(w.seat(Role.GP).actor, signed.resident_id, LATER)
    at_work = Actor(f"user:{signed.resident.user_id}", "演示", w.centre.pk, role="gp")
    assert not permissions.can_ask(at_work, signed.resident_id, LATER)
    assert not permissions.can_rate(at_work, signed.resident_id, LATER)


def test_team_whose_house_was_refused_answers_no_more(w: f.World, signed: Contract, row: Enquiry) -> None:
    by = w.own(signed.resident).actor
    residents.refuse_organization(resident_id=signed.resident_id, organization_id=w.centre.pk, by=by, at=f.AT)

    assert permissions.parties(w.seat(Role.GP).actor, row, LATER) == set()


def test_proxy_asks_and_reads_what_they_asked_as_long_as_they_are_trusted(
    w: f.World, signed: Contract, proxy: Resident
) -> None:
    by = w.own(proxy).actor

    row = actions.ask_team(resident_id=signed.resident_id, text="代问", by=by, at=LATER)
    assert permissions.can_ask(by, signed.resident_id, LATER)
    assert sees(w.own(proxy), row)
    Basis.objects.filter(user=proxy.user_id, kind=Basis.Kind.PROXY).delete()
    assert not sees(w.own(proxy), row)


def test_proxy_rates_nothing(w: f.World, signed: Contract, proxy: Resident) -> None:
    by = w.own(proxy).actor

    assert not permissions.can_rate(by, signed.resident_id, LATER)
    assert permissions.can_rate(w.own(signed.resident).actor, signed.resident_id, LATER)
    assert not permissions.can_rate(w.seat(Role.GP).actor, signed.resident_id, LATER)


def test_ratings_are_seen_by_the_house_of_the_team(w: f.World, signed: Contract) -> None:
    item = signed.packages.get().items.first()
    service = Service.objects.create(contract=signed, item=item, on=f.ON, source="encounter:1")
    Rating.objects.create(resident=signed.resident, service=service, stars=4, at=f.AT)

    def seen(seat: object) -> int:
        return Rating.objects.filter(permissions.ratings_visible_to(seat)).count()  # type: ignore[arg-type]

    assert seen(w.seat(Role.GP)) == 1
    residents.grant_basis(
        resident_id=signed.resident_id, kind=Basis.Kind.BOOKING, source="test", since=f.AT,
        organization_id=w.other.pk, by=f.JOB, at=f.AT,
    )  # fmt: skip
    assert seen(w.seat(Role.GP, w.other)) == 0
    assert seen(w.own(signed.resident)) == 0
