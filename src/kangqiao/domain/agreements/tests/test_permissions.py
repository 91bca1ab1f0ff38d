"""Who sees an agreement, drafts, signs, ends and justifies it, role by role and house by house."""

from __future__ import annotations

from itertools import count

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements import permissions
from kangqiao.domain.agreements.models import Agreement, Party
from kangqiao.domain.agreements.tests.factories import ENDS, JOB, STARTS, Kind, Region, actor, seat, shenzhen, zhuhai
from kangqiao.domain.institutions.models import Organization
from kangqiao.kernel.decision import Decision

pytestmark = pytest.mark.django_db
READERS = {
    "gp", "expert", "centre_manager", "referral_desk", "guidance_office", "dispatcher", "hospital_director",
    "bureau_officer", "finance_officer",
}  # fmt: skip
_numbers = count(1)


@pytest.fixture
def region() -> Region:
    found = zhuhai()
    found.add("ward", Kind.DEPARTMENT, "心内科", "440402", part_of_id=found["people1"].pk)
    found.add("station", Kind.STATION, "吉大健康服务站", "440402", part_of_id=found["xiangwan"].pk)
    found.add("zh_authority", Kind.HOSPITAL_AUTHORITY, "市医管中心", "4404")
    found.add("treasury", Kind.FINANCE_BUREAU, "市财政局", "4404")
    return found


def _agreement(hospital: Organization, centre: Organization, *more: Organization) -> Agreement:
    made = Agreement.objects.create(
        kind=Agreement.Kind.JOINT_BUILDING, number=f"T-{next(_numbers)}", hospital=hospital, centre=centre,
        starts_on=STARTS, ends_on=ENDS, policy_ref="test",
    )  # fmt: skip
    for side, one in zip(Party.Side, (hospital, centre, *more), strict=False):
        Party.objects.create(agreement=made, organization=one, side=side)
    return made


def _seen(where: Organization, role: str = "") -> set[Agreement]:
    return set(Agreement.objects.filter(permissions.visible_to(seat(where, role))))


def _roles(may: object, where: Organization) -> set[str]:
    return {role.value for role in Role if may(actor(where, role.value))}  # type: ignore[operator]


def _job_at(where: Organization) -> Actor:
    """A job that acts in the name of a house, as the demonstration does."""
    return Actor("system:demo", "演示", where.pk)


class TestScope:
    """Which agreements a seat opens."""

    def test_a_party_reads_its_own_by_the_roles_that_read(self, region: Region) -> None:
        _agreement(region["people1"], region["xiangwan"])

        for house in (region["people1"], region["xiangwan"]):
            assert {role for role in Role if _seen(house, role.value)} == READERS

    def test_a_party_reads_its_own_alone_its_units_with_it(self, region: Region) -> None:
        mine, _other = (
            _agreement(region["people1"], region["xiangwan"]),
            _agreement(region["people2"], region["shishan"]),
        )

        for unit in ("people1", "office1", "ward"):
            assert _seen(region[unit], "guidance_office") == {mine}
        for unit in ("xiangwan", "station"):
            assert _seen(region[unit], "gp") == {mine}
        assert _seen(region["gongbei"], "gp") == set()

    def test_an_office_of_the_place_reads_those_of_its_centres(self, region: Region) -> None:
        here, there = (
            _agreement(region["people1"], region["xiangwan"]),
            _agreement(region["people1"], region["pingsha"]),
        )

        for office in ("bureau", "zh_authority", "treasury"):
            assert _seen(region[office], "bureau_officer") == {here, there}
        assert _seen(region["bureau_glg"], "bureau_officer") == {there}
        assert _seen(region["people2"], "bureau_officer") == set()
        assert _seen(region["bureau"], "insurer") == set()

    def test_a_dispatcher_reads_the_city_wherever_the_seat_is_in_it(self, region: Region) -> None:
        here, there = (
            _agreement(region["people1"], region["xiangwan"]),
            _agreement(region["people1"], region["pingsha"]),
        )
        abroad = shenzhen()
        _agreement(abroad["sz1"], abroad["c1"])

        assert _seen(region["bureau_glg"], "dispatcher") == {here, there}

    def test_ones_own_are_read_though_the_centre_lies_elsewhere(self, region: Region) -> None:
        abroad = shenzhen()
        mine = _agreement(region["people1"], abroad["c1"], region["bureau"])

        assert _seen(region["people1"], "dispatcher") == {mine}
        assert _seen(region["bureau"], "bureau_officer") == {mine}

    def test_a_unit_is_at_home_in_what_it_is_a_unit_of_and_a_centre_not_in_its_hospital(self, region: Region) -> None:
        abroad = shenzhen()

        def home(where: Organization) -> set[int]:
            return permissions.home_ids(seat(where, "gp"))

        for unit, body in (("ward", "people1"), ("office1", "people1"), ("station", "xiangwan")):
            assert home(region[unit]) == {region[unit].pk, region[body].pk}
        assert home(abroad["c1"]) == {abroad["c1"].pk}
        assert permissions.home_ids(JOB) == set()

    def test_a_city_is_the_outermost_place_below_a_province(self, region: Region) -> None:
        province = region.place("44", "广东省")
        city, zone = region.places["4404"], region.places["440402-HQ"]
        city.part_of = province
        city.save()

        assert [permissions.region_code(one.pk) for one in (zone, city, province)] == ["4404", "4404", "44"]

    def test_a_place_is_looked_after_by_its_offices_and_by_dispatchers(self, region: Region) -> None:
        for office in ("bureau", "zh_authority", "treasury"):
            found = {role for role in Role if permissions.is_overseer(seat(region[office], role.value))}
            assert found == READERS
        for house in ("people1", "xiangwan"):
            found = {role for role in Role if permissions.is_overseer(seat(region[house], role.value))}
            assert found == {"dispatcher"}


class TestDrafting:
    """A hospital drafts; so does the authority of the centre's place."""

    def test_a_hospital_drafts_its_own(self, region: Region) -> None:
        def may(by: Actor) -> Decision:
            return permissions.can_draft(by, region["people1"], region["xiangwan"])

        heads = {"guidance_office", "hospital_director"}
        assert _roles(may, region["people1"]) == _roles(may, region["office1"]) == heads
        assert _roles(may, region["people2"]) == _roles(may, region["xiangwan"]) == set()
        assert may(JOB)

    def test_the_authority_drafts_for_centres_of_its_place(self, region: Region) -> None:
        def may(by: Actor, centre: str = "xiangwan") -> Decision:
            return permissions.can_draft(by, region["people1"], region[centre])

        for office in ("bureau", "zh_authority", "treasury"):
            assert _roles(may, region[office]) == {"bureau_officer"}
        assert not may(actor(region["bureau_glg"]))
        assert may(actor(region["bureau_glg"]), "pingsha")
        assert not may(actor(region["people2"], "bureau_officer"))
        assert not may(Actor("user:1", "演示", role="bureau_officer"))

    def test_whoever_drafts_also_sends_it_out(self, region: Region) -> None:
        made = _agreement(region["people1"], region["xiangwan"])

        assert permissions.can_propose(seat(region["people1"]), made)
        assert not permissions.can_propose(seat(region["people2"]), made)


@pytest.mark.parametrize(
    ("side", "role"),
    [
        ("hospital", "hospital_director"),
        ("host_hospital", "hospital_director"),
        ("centre", "centre_manager"),
        ("authority", "bureau_officer"),
    ],
)
def test_each_side_is_signed_by_its_head(side: str, role: str, region: Region) -> None:
    def may(by: Actor) -> Decision:
        return permissions.can_sign(by, Party(side=side))

    assert _roles(may, region["people1"]) == {role}
    assert may(JOB)
    assert "签署" in may(actor(region["people1"], "insurer")).reason
    assert not permissions.can_sign(JOB, None)


def test_hospital_and_centre_ask_for_an_early_end(region: Region) -> None:
    made = _agreement(region["people1"], region["xiangwan"])

    def may(by: Actor) -> Decision:
        return permissions.can_request_end(by, made)

    enders = {"hospital_director", "guidance_office", "centre_manager"}
    assert _roles(may, region["people1"]) == _roles(may, region["xiangwan"]) == enders
    assert _roles(may, region["people2"]) == set()
    assert may(_job_at(region["people1"]))
    assert not may(_job_at(region["people2"]))


def test_the_office_the_pack_names_decides_an_early_end(region: Region) -> None:
    def may(by: Actor) -> Decision:
        return permissions.can_decide_end(by, region["bureau"])

    assert _roles(may, region["bureau"]) == {"bureau_officer"}
    assert _roles(may, region["bureau_glg"]) == set()
    assert may(_job_at(region["bureau"]))
    assert "还没有登记" in permissions.can_decide_end(actor(region["bureau"]), None).reason


def test_the_hospital_justifies(region: Region) -> None:
    made = _agreement(region["people1"], region["xiangwan"])

    def may(by: Actor) -> Decision:
        return permissions.can_justify(by, made)

    drafters = {"guidance_office", "hospital_director", "bureau_officer"}
    assert _roles(may, region["people1"]) == _roles(may, region["office1"]) == drafters
    assert _roles(may, region["xiangwan"]) == set()
    assert may(_job_at(region["people1"]))
