"""Who sees a referral, for which end one acts, and who may send."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.records.models import Encounter
from kangqiao.domain.referral import permissions
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import Cast, cast, know, seat
from kangqiao.domain.workforce.models import Practitioner

FROM, TO, ELSEWHERE = 1, 2, 3
CENTRE, DESK = {"gp", "centre_manager"}, {"referral_desk", "guidance_office"}


def _by(role: str, house: int) -> Actor:
    return Actor("user:1", "演示", house, role=role)


def _acting(party: str, house: int, direction: str = "up") -> set[str]:
    referral = Referral(direction=direction, from_organization_id=FROM, to_organization_id=TO)
    actors = [_by(role.value, house) for role in Role]
    return {by.role for by in actors if party in permissions.parties(by, referral, frozenset({house}))}


def test_the_ends_of_a_referral_act_by_their_roles() -> None:
    assert _acting("gp", FROM) == _acting("gp", TO, "down") == CENTRE
    assert _acting("desk", TO) == _acting("desk", FROM, "down") == DESK
    assert _acting("specialist", TO) == _acting("specialist", FROM, "down") == {"expert"}
    for party in ("gp", "desk", "specialist"):
        assert not _acting(party, ELSEWHERE)
    assert not _acting("gp", TO) | _acting("desk", FROM) | _acting("specialist", FROM)


def test_a_centre_and_a_posted_expert_send_up() -> None:
    posted, other = Encounter(is_posted_expert=True), Encounter(is_posted_expert=False)

    def may(origin: Encounter | None) -> set[str]:
        return {role.value for role in Role if permissions.can_send_up(_by(role.value, FROM), origin)}

    assert may(None) == may(other) == CENTRE
    assert may(posted) == CENTRE | {"expert"}


def test_the_desk_and_the_specialists_hand_back() -> None:
    assert {role for role in Role if permissions.can_send_down(_by(role.value, TO))} == DESK | {"expert"}


@pytest.mark.django_db
class TestScope:
    """Whose referrals a seat sees, on rows."""

    @pytest.fixture
    def people(self) -> Cast:
        return cast()

    def _seen(self, who: Seat | None) -> set[Referral]:
        return set(Referral.objects.filter(permissions.visible_to(who)))

    def test_roles_that_have_nothing_to_do_with_referrals_see_none(self, people: Cast) -> None:
        sent = people.up()
        seen = {
            role.value
            for role in Role
            for house in (people.hospital, people.centre)
            if self._seen(seat(role, house, f"{role}-{house.code}-seen"))
        }

        assert self._seen(people.gp) == {sent}
        assert seen == CENTRE | DESK | {"expert"}
        assert self._seen(None) == set()

    def test_a_house_that_knows_the_patient_but_is_no_end_sees_nothing(self, people: Cast) -> None:
        people.up()
        know(people.resident, people.far_centre)

        assert self._seen(people.far_gp) == set()

    def test_a_guidance_office_stands_at_the_end_of_its_hospital(self, people: Cast) -> None:
        sent = people.up()
        ends = (permissions.at_end(end, people.office_seat) for end in ("from_organization", "to_organization"))

        assert [list(Referral.objects.filter(end)) for end in ends] == [[], [sent]]

    def test_ones_own_are_the_letters_written_and_the_patients_booked(self, people: Cast) -> None:
        taken = people.accepted()
        taken.from_practitioner = Practitioner.objects.create(
            name="演示全科", sex="male", licence_number="demo-gp", title_kind="physician", title_grade="senior",
            specialty=people.expert.specialty, organization=people.centre, is_demo=True, user_id=people.gp.user_id,
        )  # fmt: skip
        taken.save()
        mine = {
            (end, name)
            for end in ("from_organization", "to_organization")
            for name, who in (("gp", people.gp), ("specialist", people.specialist), ("desk", people.desk))
            if Referral.objects.filter(permissions.of_person(end, who)).exists()
        }

        assert mine == {("from_organization", "gp"), ("to_organization", "specialist")}

    def test_a_person_at_the_desk_acts_as_the_hospital_and_the_referral_as_nobody_in_particular(
        self, people: Cast
    ) -> None:
        by = people.office_seat.actor

        at_desk, itself = permissions.at_the_desk(by, people.hospital), permissions.for_the_referral(by)

        assert at_desk == replace(
            by, organization_id=people.hospital.pk, organization=people.hospital.zh, role="referral_desk"
        )
        assert (itself.id, itself.is_system, itself.role) == ("system:referral", True, "")
