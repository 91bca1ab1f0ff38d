from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.followup import actions, permissions
from kangqiao.domain.followup.models import CarePlan, Invitation, Survey
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.workforce.models import Practitioner

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


def known(pk: int, house: Organization) -> None:
    """That house may see the resident too."""
    residents.grant_basis(
        resident_id=pk, kind=Basis.Kind.BOOKING, source="test", since=f.AT, organization_id=house.pk, by=f.JOB, at=f.AT
    )


def refused(w: f.World, who: Resident) -> None:
    """The resident takes the right to look from the centre."""
    by = w.own(who).actor
    residents.refuse_organization(resident_id=who.pk, organization_id=w.centre.pk, by=by, at=f.AT)


def test_house_that_was_refused_sees_no_plan_and_a_house_without_the_team_makes_none(
    w: f.World, signed: Contract
) -> None:
    actions.assess(contract_id=signed.pk, by=f.JOB, at=f.AT)
    known(signed.resident_id, w.other)
    assert not permissions.can_plan(w.seat(Role.GP, w.other).actor, signed.team, signed.resident_id, f.AT)

    refused(w, signed.resident)

    assert seen(w.seat(Role.GP)) == 0


def asked(w: f.World, who: Resident, doctor: Practitioner | None) -> Survey:
    """A survey of the centre's about a visit to that doctor."""
    return Survey.objects.create(
        resident=who, kind="visit", source=f"test:{who.pk}", organization=w.centre, desk=w.centre, practitioner=doctor,
        visit_on=date(2026, 1, 1), ask_on=date(2026, 1, 8), answer_by=date(2026, 1, 15), policy_ref="test",
    )  # fmt: skip


def test_survey_is_worked_by_the_house_that_asks_and_by_the_doctor_it_is_about(w: f.World, signed: Contract) -> None:
    expert, dispenser = w.seat(Role.EXPERT), w.seat(Role.PHARMACIST)
    about = {
        name: w.person("specialist", w.centre, User.objects.get(pk=one.user_id))
        for name, one in (("expert", expert), ("dispenser", dispenser))
    }
    row = asked(w, signed.resident, about["expert"])
    known(signed.resident_id, w.other)

    def are(seat: Seat) -> set[str]:
        return permissions.survey_parties(seat.actor, row, f.AT)

    assert are(w.seat(Role.GP)) == are(expert) == {"team"}
    assert are(w.seat(Role.GP, w.other)) == are(w.seat(Role.EXPERT)) == set()
    assert not permissions.can_step(w.seat(Role.GP).actor, row, ("resident",), f.AT)
    row.practitioner = about["dispenser"]
    assert are(dispenser) == set()
    row.practitioner = None
    assert are(expert) == set()
    refused(w, signed.resident)
    assert are(w.seat(Role.GP)) == set()


def test_surveys_are_seen_by_the_house_that_asks_and_an_expert_sees_those_about_the_own_visits(
    w: f.World, signed: Contract
) -> None:
    expert, dispenser = w.seat(Role.EXPERT), w.seat(Role.PHARMACIST)
    row = asked(w, signed.resident, w.person("specialist", w.centre, User.objects.get(pk=expert.user_id)))
    known(signed.resident_id, w.other)

    def surveys(seat: Seat) -> list[Survey]:
        return list(Survey.objects.filter(permissions.surveys_visible_to(seat)))

    assert surveys(w.seat(Role.GP)) == surveys(expert) == surveys(w.own(signed.resident)) == [row]
    assert surveys(w.seat(Role.EXPERT)) == surveys(w.seat(Role.GP, w.other)) == []
    row.practitioner = w.person("specialist", w.centre, User.objects.get(pk=dispenser.user_id))
    row.save()
    assert surveys(dispenser) == []
    # A doctor of another centre who saw the resident sees that survey, whichever house asks.
    elsewhere = w.seat(Role.GP, w.other)
    row.practitioner = w.person("gp", w.other, User.objects.get(pk=elsewhere.user_id))
    row.save()
    assert surveys(elsewhere) == [row]
