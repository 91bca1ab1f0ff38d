"""Who sees and moves the money, role by role and place by place."""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import Q

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.tests.factories import seat
from kangqiao.domain.finance import permissions
from kangqiao.domain.finance.models import Settlement, SettlementLine
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.tests.factories import NOW, TESTER, centre, hospital, organization, place
from kangqiao.kernel.decision import Decision

pytestmark = pytest.mark.django_db
OFFICES, RECEIVERS = {"finance_officer", "bureau_officer"}, {"hospital_director", "guidance_office"}


class World:
    """A city's settlement with a line of one hospital, paid by a district, and one of another, paid by the city."""

    def __init__(self) -> None:
        city = place()
        district = place("440402", "香洲区", part_of=city)
        abroad = place("4403", "深圳市")
        self.city = organization("city", "finance_bureau")
        self.district = organization("district", "finance_bureau", where=district)
        self.abroad = organization("abroad", "finance_bureau", where=abroad)
        self.house, self.other = hospital("house"), hospital("other")
        self.office = organization("office", "guidance_office", part_of_id=self.house.pk)
        self.settlement = Settlement.objects.create(
            place=city, year=2026, total_fen=1, sha256="0" * 64, policy_ref="test", computed_at=NOW
        )
        self.paid_by_district = self._line(self.house, centre("a"), self.district)
        self.paid_by_city = self._line(self.other, centre("b"), self.city)

    def _line(self, house: Organization, where: Organization, payer: Organization) -> SettlementLine:
        agreement = Agreement.objects.create(
            kind="joint_building", number=house.code, hospital=house, centre=where, starts_on=date(2026, 1, 1),
            ends_on=date(2029, 1, 1), policy_ref="test",
        )  # fmt: skip
        return SettlementLine.objects.create(
            settlement=self.settlement, agreement=agreement, hospital=house, centre=where, payer=payer.place,
            rule="test", formula="1", base_fen=1, clause="ZH-4.2a",
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


def _settlements(scope: Q) -> bool:
    return Settlement.objects.filter(scope).exists()


def _lines(scope: Q) -> set[SettlementLine]:
    return set(SettlementLine.objects.filter(scope))


def test_offices_of_the_city_and_of_a_payer_read_the_settlement(world: World) -> None:
    for role in OFFICES:
        read = [_settlements(permissions.visible_to(seat(one, role))) for one in (world.city, world.district)]
        assert read == [True, True]
        assert not _settlements(permissions.visible_to(seat(world.abroad, role)))
    assert not _settlements(permissions.visible_to(None))


def test_a_hospital_reads_the_settlement_it_has_a_line_in(world: World) -> None:
    for role in set(Role) - OFFICES:
        for house in (world.house, world.office):
            assert _settlements(permissions.visible_to(seat(house, role))) is (role in RECEIVERS)
        assert not _settlements(permissions.visible_to(seat(world.city, role)))


def test_the_city_reads_every_line_a_district_its_own_a_hospital_its_own(world: World) -> None:
    both = {world.paid_by_city, world.paid_by_district}
    for role in OFFICES:
        assert _lines(permissions.lines_visible_to(seat(world.city, role))) == both
        assert _lines(permissions.lines_visible_to(seat(world.district, role))) == {world.paid_by_district}
        assert _lines(permissions.lines_visible_to(seat(world.abroad, role))) == set()
    for role in set(Role) - OFFICES:
        for house in (world.house, world.office):
            own = {world.paid_by_district} if role in RECEIVERS else set()
            assert _lines(permissions.lines_visible_to(seat(house, role))) == own
    assert _lines(permissions.lines_visible_to(None)) == set()


def test_the_finance_officer_of_the_place_computes_and_submits(world: World) -> None:
    city = world.city.place_id
    may = {role.value for role in Role if permissions.can_compute(seat(world.city, role), city)}
    officer, elsewhere = seat(world.city, "finance_officer"), seat(world.district, "finance_officer")

    assert may == {"finance_officer"}
    assert "您的岗位" in permissions.can_compute(seat(world.city, "bureau_officer"), city).reason
    assert "全市经费" in permissions.can_compute(elsewhere, city).reason
    assert not permissions.can_compute(None, city)
    assert permissions.parties(officer, world.settlement) == {"finance"}
    assert permissions.parties(elsewhere, world.settlement) == set()


def test_in_actions_the_finance_officer_of_the_place_or_a_job_acts() -> None:
    def roles(may: object) -> set[str]:
        return {role.value for role in Role if may(Actor("user:1", "演示", role=role.value))}  # type: ignore[operator]

    def acts(by: Actor, at: int | None = 1) -> Decision:
        return permissions.may_act(by, at, 1)

    def records(by: Actor, own: frozenset[int] = frozenset({1, 2})) -> Decision:
        return permissions.may_record(by, set(own), 1)

    officer = Actor("user:1", "演示", role="finance_officer")
    assert roles(acts) == roles(records) == {"finance_officer"}
    assert "当地财政" in acts(officer, 2).reason
    assert "当地财政" in acts(officer, None).reason
    assert "本地区" in records(officer, frozenset({2})).reason
    assert acts(TESTER, None)
    assert records(TESTER, frozenset())


def test_a_finance_officer_pays_what_was_submitted(world: World) -> None:
    def may(role: str, status: str) -> Decision:
        return permissions.can_pay(seat(world.city, role), Settlement(status=status))

    assert {role.value for role in Role if may(role.value, "submitted")} == {"finance_officer"}
    assert "提交后" in may("finance_officer", "computed").reason
    assert not permissions.can_pay(None, Settlement(status="submitted"))
