"""Who plans, posts, speaks for a side of a half-day and sees it, role by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.tests.factories import actor, seat
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.roster import permissions
from kangqiao.domain.roster.models import HalfDay, Posting
from kangqiao.domain.roster.permissions import Standing
from kangqiao.domain.roster.tests.factories import SYSTEM, Network, make_network
from kangqiao.domain.workforce.models import Practitioner

HERE, THERE = "440402", "440303"
SENDER, CENTRE, RUNNER, OTHER = 1, 2, 3, 4
DOCTOR = 11
HOSPITAL = {"guidance_office", "hospital_director"}
JOB = Standing("", 0, frozenset(), "", 0, is_system=True)


def _roles(may: Callable[[Standing], object], house: int = OTHER, code: str = THERE) -> set[str]:
    standings = [Standing(role.value, house, frozenset({house}), code, 99) for role in Role]
    return {one.role for one in standings if may(one)}


def _half_day() -> HalfDay:
    centre = Organization(pk=CENTRE, place=Place(code=HERE), part_of_id=RUNNER)
    posting = Posting(agreement=Agreement(hospital_id=SENDER))
    return HalfDay(centre=centre, posting=posting, practitioner=Practitioner(user_id=DOCTOR))


def test_the_dispatcher_of_the_place_plans() -> None:
    def may(who: Standing) -> object:
        return permissions.can_plan(who, Place(code=HERE))

    assert _roles(may, code="4404") == _roles(may, code=HERE) == {"dispatcher"}
    assert _roles(may, code=THERE) == set()
    assert may(JOB)


def test_the_hospital_posts_its_experts() -> None:
    def may(who: Standing) -> object:
        return permissions.can_post(who, SENDER)

    posting = Posting(agreement=Agreement(hospital_id=SENDER))
    assert _roles(may, SENDER) == HOSPITAL
    assert _roles(may, OTHER) == set()
    assert may(JOB)
    assert _roles(lambda who: permissions.posting_parties(who, posting) == {"hospital"}, SENDER) == HOSPITAL
    assert permissions.posting_parties(Standing("hospital_director", OTHER, frozenset(), "", 0), posting) == set()


def test_each_side_of_a_half_day_is_spoken_for_by_its_own() -> None:
    half_day = _half_day()

    def speaks(side: str, house: int = OTHER, code: str = THERE) -> set[str]:
        return _roles(lambda who: side in permissions.parties(who, half_day), house, code)

    assert speaks("dispatcher", code=HERE) == {"dispatcher"}
    assert speaks("hospital", SENDER) == HOSPITAL
    assert speaks("centre", CENTRE) == {"centre_manager"}
    assert speaks("centre", RUNNER) == HOSPITAL
    assert speaks("centre", code=HERE) == {"bureau_officer"}
    for side in ("dispatcher", "hospital", "centre", "expert"):
        assert speaks(side) == set()
    assert permissions.parties(JOB, half_day) == {"dispatcher", "hospital", "centre", "expert"}
    assert permissions.parties(Standing("expert", OTHER, frozenset({OTHER}), THERE, DOCTOR), half_day) == {"expert"}


def test_a_step_is_for_the_sides_it_names_and_what_was_done_for_expert_and_centre() -> None:
    half_day, doctor = _half_day(), Standing("expert", OTHER, frozenset({OTHER}), THERE, DOCTOR)

    assert permissions.can_step(doctor, half_day, ("hospital", "expert"))
    assert not permissions.can_step(doctor, half_day, ("hospital", "centre"))
    assert permissions.can_record(doctor, half_day)
    assert _roles(lambda who: permissions.can_record(who, half_day), CENTRE) == {"centre_manager"}
    assert _roles(lambda who: permissions.can_record(who, half_day), SENDER) == set()


@pytest.mark.django_db
class TestOnRows:
    """Standings and scopes, looked up."""

    @pytest.fixture
    def network(self) -> Network:
        """Two experts of two hospitals at two centres, the second of which the first hospital runs."""
        found = make_network()
        found.organization("科", "guidance_office", part_of=found.organizations["市一"])
        found.organization("外市", "group", place=Place.objects.create(code="4403", zh="外市"))
        found.organizations["拱北"].part_of = found.organizations["市一"]
        found.organizations["拱北"].save()
        for name, hospital, centre in (("甲", "市一", "香湾"), ("丙", "市二", "拱北")):
            found.expert(name, hospital, user=User.objects.create(username=name, name=f"演示{name}", is_demo=True))
            found.post(name, centre)
            found.sit(name, centre, 0)
        return found

    def test_one_stands_for_the_own_house_and_the_one_it_is_part_of(self, network: Network) -> None:
        office, house = network.organizations["科"], network.organizations["市一"]
        by_seat, by_actor = (permissions.standing_of(who) for who in (seat(office), actor(office)))

        assert by_seat == by_actor == Standing(
            "guidance_office", office.pk, frozenset({office.pk, house.pk}), office.place.code, 1
        )  # fmt: skip
        assert permissions.standing_of(seat(house)).houses == frozenset({house.pk})
        assert permissions.standing_of(SYSTEM) == JOB
        assert permissions.standing_of(Actor("user:1", "演示", role="gp")) == Standing("gp", 0, frozenset({0}), "", 1)

    def _seen(self, who: Standing) -> tuple[str, str]:
        """The experts whose half-days, and whose postings, are seen."""
        half_days = HalfDay.objects.filter(permissions.visible_half_days(who))
        postings = Posting.objects.filter(permissions.visible_postings(who))
        both = (half_days, postings)
        first, second = ("".join(sorted({row.practitioner.name for row in rows}, reverse=True)) for rows in both)
        return first, second

    def test_by_place_by_house_and_in_person_one_sees_ones_own(self, network: Network) -> None:
        def by_role(house: str) -> dict[str, tuple[str, str]]:
            where = network.organizations[house]
            seen = {role.value: self._seen(permissions.standing_of(seat(where, role.value))) for role in Role}
            return {role: found for role, found in seen.items() if found != ("", "")}

        of_place, none = dict.fromkeys(("dispatcher", "bureau_officer"), ("甲丙", "甲丙")), {}
        at_home = dict.fromkeys(("centre_manager", "gp"), ("甲", "甲"))
        of_house = dict.fromkeys(HOSPITAL, ("甲丙", "甲"))

        assert by_role("集团") == of_place
        assert by_role("外市") == none
        assert by_role("香湾") == of_place | at_home
        assert by_role("市一") == by_role("科") == of_place | of_house
        assert self._seen(JOB) == ("甲丙", "甲丙")

    def test_an_expert_sees_the_own_ones(self, network: Network) -> None:
        users = {name: User.objects.get(username=name).pk for name in "甲丙"}
        seen = {
            name: self._seen(Standing("expert", OTHER, frozenset({OTHER}), THERE, pk)) for name, pk in users.items()
        }

        assert seen == {"甲": ("甲", "甲"), "丙": ("丙", "丙")}
