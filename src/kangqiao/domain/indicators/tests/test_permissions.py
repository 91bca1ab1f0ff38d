"""Whose figures a seat reads: its place at three levels, the hospitals that serve it, or its own house."""

from __future__ import annotations

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.tests.factories import seat
from kangqiao.domain.indicators import permissions
from kangqiao.domain.indicators.models import MeasureReport
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, organization, place

pytestmark = pytest.mark.django_db
REGIONAL = {"bureau_officer", "finance_officer", "dispatcher"}
OWN = {"hospital_director", "guidance_office", "centre_manager", "referral_desk"}
BELOW = {"city hospital", "hospital", "centre"}


@pytest.fixture
def houses() -> dict[str, Organization]:
    """A city with a district and a zone in it, a house at each level, and another city."""
    city = place()
    district = place("440402", "香洲区", part_of=city)
    zone, abroad = place("440402-HQ", "横琴新区", part_of=district), place("4403", "深圳市")
    made = {
        "bureau": organization("bureau", "health_bureau"),
        "city hospital": organization("city hospital", "hospital"),
        "hospital": organization("hospital", "hospital", where=district),
        "district bureau": organization("district bureau", "health_bureau", where=district),
        "centre": organization("centre", "centre", where=zone),
        "abroad": organization("abroad", "hospital", where=abroad),
    }
    made["office"] = organization("office", "guidance_office", where=district, part_of_id=made["hospital"].pk)
    for one in made.values():
        MeasureReport.objects.create(
            indicator="duty_compliance", organization=one, starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1),
            numerator=1, unit="day", as_of=NOW, sha256="0" * 64,
        )  # fmt: skip
    return made


def _serves(hospital: Organization, centre: Organization, status: str) -> None:
    Agreement.objects.create(
        kind="joint_building", number=f"{hospital.pk}-{status}", hospital=hospital, centre=centre, status=status,
        starts_on=date(2020, 1, 1), ends_on=date(2030, 1, 1), policy_ref="test",
    )  # fmt: skip


def _reported(who: Seat | None) -> set[str]:
    return {one.organization.code for one in MeasureReport.objects.filter(permissions.visible_to(who))}


def _listed(who: Seat | None) -> set[str]:
    return {one.code for one in Organization.objects.filter(permissions.organizations_visible_to(who))}


def test_regional_roles_list_the_hospitals_and_centres_of_their_place(houses: dict[str, Organization]) -> None:
    for role in Role:
        if role in REGIONAL:
            assert _listed(seat(houses["bureau"], role)) == BELOW
            assert _listed(seat(houses["district bureau"], role)) == {"hospital", "centre"}
    assert _listed(None) == set()


def test_a_house_lists_itself_and_an_office_its_hospital(houses: dict[str, Organization]) -> None:
    for role in set(Role) - REGIONAL:
        own = role in OWN
        assert _listed(seat(houses["hospital"], role)) == ({"hospital"} if own else set())
        assert _listed(seat(houses["office"], role)) == ({"hospital"} if own else set())
        assert _listed(seat(houses["centre"], role)) == ({"centre"} if own else set())


def test_regional_roles_read_every_report_of_their_place(houses: dict[str, Organization]) -> None:
    for role in REGIONAL:
        assert _reported(seat(houses["bureau"], role)) == set(houses) - {"abroad"}
        assert _reported(seat(houses["abroad"], role)) == {"abroad"}
    assert _reported(None) == set()


def test_regional_roles_read_the_hospitals_that_serve_their_place_now(houses: dict[str, Organization]) -> None:
    _serves(houses["city hospital"], houses["centre"], "in_force")
    _serves(houses["hospital"], organization("centre 2", "centre", where=houses["centre"].place), "in_force")
    _serves(houses["abroad"], houses["centre"], "ended")
    district = {"district bureau", "hospital", "centre", "office"}

    assert _reported(seat(houses["district bureau"], "bureau_officer")) == district | {"city hospital"}
    found = Organization.objects.filter(permissions.serving(seat(houses["district bureau"], "bureau_officer")))
    assert {one.code for one in found} == {"city hospital"}
    assert _reported(seat(houses["abroad"], "bureau_officer")) == {"abroad"}
    for role in set(Role) - REGIONAL:
        at_bureau = permissions.serving(seat(houses["district bureau"], role))
        assert not Organization.objects.filter(at_bureau).exists()


def test_a_house_reads_its_own_reports_and_an_office_its_hospitals(houses: dict[str, Organization]) -> None:
    for role in set(Role) - REGIONAL:
        own = role in OWN
        assert _reported(seat(houses["centre"], role)) == ({"centre"} if own else set())
        assert _reported(seat(houses["office"], role)) == ({"hospital", "office"} if own else set())
