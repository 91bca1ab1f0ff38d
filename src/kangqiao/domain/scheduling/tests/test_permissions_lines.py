"""Who sees and moves lines, appeals and places that were lost, and who shares places out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import Model, Q

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling import actions, permissions
from kangqiao.domain.scheduling.models import Appeal, Booking, Displaced, Slot, Waiting
from kangqiao.domain.scheduling.rules import Circle
from kangqiao.domain.scheduling.tests.factories import SYSTEM, Cast, cast, organization, own_actor, seat_for

pytestmark = pytest.mark.django_db
# Cases in plain values: nothing is asked of the database where a role and a house decide.
HOME, PLACE, THIRD, ELSEWHERE = 1, 2, 3, 4
PATIENT, OTHER = 11, 13
DESK = {role.value for role in permissions.DESK}
ANSWERING = {role.value for role in permissions.ANSWERING}


def by(role: str, house: int | None = None, user: int | None = OTHER) -> Actor:
    return Actor(f"user:{user}", "演示", house, role=role)


def roles(allowed: Callable[[Actor], object], house: int) -> set[str]:
    return {role.value for role in Role if allowed(by(role.value, house))}


def patient() -> Resident:
    return Resident(pk=0, centre_id=HOME, user_id=PATIENT)


def of_the_patient_alone(allowed: Callable[[Actor], object]) -> bool:
    """Whether of all who have the patient's account, at a house with no part in it, only a resident may."""
    return {role.value for role in Role if allowed(by(role.value, ELSEWHERE, PATIENT))} == {"resident"}


def test_a_line_is_moved_by_who_waits_their_centre_and_the_centre_that_put_them_there() -> None:
    waiting = Waiting(centre_id=THIRD, resident=patient())

    def may(who: Actor) -> bool:
        return bool(permissions.can_step_in_line(who, waiting))

    assert may(SYSTEM)
    assert roles(may, HOME) == roles(may, THIRD) == DESK
    assert roles(may, ELSEWHERE) == set()
    assert of_the_patient_alone(may)


def test_an_absence_is_appealed_by_the_patient_alone() -> None:
    booking = Booking(resident=patient())

    assert of_the_patient_alone(lambda who: permissions.can_appeal(who, booking))
    assert roles(lambda who: permissions.can_appeal(who, booking), HOME) == set()


def test_a_lost_place_is_settled_by_the_patient_their_centre_and_the_desk_that_owes_it() -> None:
    displaced = Displaced(resident=patient(), organization_id=PLACE)

    def may(who: Actor) -> bool:
        return bool(permissions.can_answer(who, displaced))

    assert may(SYSTEM)
    assert roles(may, HOME) == DESK
    assert roles(may, PLACE) == ANSWERING
    assert roles(may, ELSEWHERE) == set()
    assert of_the_patient_alone(may)


def test_places_are_shared_out_by_the_house_and_the_dispatcher_and_read_by_the_bureau_of_the_region() -> None:
    people = cast()
    hospital = people.hospital
    here = organization("g1", "group", "演示深圳调度集团", Place.objects.get(code="4403"))
    elsewhere = organization("g2", "group", "演示珠海调度集团", Place.objects.create(code="4404", zh="珠海市"))
    planners = {role.value for role in permissions.PLANNERS}

    def share(who: Actor) -> bool:
        return bool(permissions.can_share_out(who, hospital))

    def see(who: Actor) -> bool:
        return permissions.sees_pools(who, hospital)

    assert share(SYSTEM)
    assert see(SYSTEM)
    assert roles(share, hospital.pk) == planners
    assert roles(share, here.pk) == {"dispatcher"}
    assert roles(see, hospital.pk) == planners | {"bureau_officer"}
    assert roles(see, here.pk) == {"dispatcher", "bureau_officer"}
    assert roles(share, elsewhere.pk) == roles(see, elsewhere.pk) == set()


@pytest.mark.clause("SZ16-2.2b")
def test_a_team_books_in_its_own_circle_and_refers_in_that_of_its_centre() -> None:
    assert permissions.circle_of("gp", "gp") == Circle.TEAM
    assert permissions.circle_of("gp", "referral") == Circle.PARTNER
    assert permissions.circle_of("centre_manager", "gp") == Circle.PARTNER


@dataclass
class Rows:
    """People of two centres; whom the houses know is said one by one."""

    people: Cast

    def who(self, number: int, centre: Organization, *known: Organization) -> Resident:
        """A resident of a centre, known to these houses."""
        found = self.people.resident(number, centre=centre)
        self.known(found, *known)
        return found

    def known(self, who: Resident, *houses: Organization) -> None:
        """From here on these houses know the resident, and no others."""
        Basis.objects.filter(resident=who).exclude(kind="own").delete()
        for house in houses:
            grant_basis(
                resident_id=who.pk, kind="referral", source="test", since=self.people.at, organization_id=house.pk,
                by=SYSTEM, at=self.people.at,
            )  # fmt: skip

    def booking(self, number: int, centre: Organization, *known: Organization) -> Booking:
        """A place of a resident's at the centre of the cast."""
        session = self.people.session() if number == 0 else Slot.objects.earliest("pk").session
        who = self.people.resident(number, centre=centre)
        made = actions.book(
            slot_id=Slot.objects.filter(session=session)[number].pk, resident_id=who.pk, channel="self",
            attempt=f"{number}", by=own_actor(who), at=self.people.at,
        )  # fmt: skip
        self.known(who, *known)
        return made


@pytest.fixture
def rows() -> Rows:
    return Rows(cast())


def seen(model: type[Model], scope: Callable[[Seat | None], Q], seat: Seat | None) -> set[Any]:
    return set(model._default_manager.filter(scope(seat)))


def own_seat(who: Resident) -> Seat:
    assert who.user is not None
    return seat_for(who.user)


def test_a_centre_sees_the_lines_of_its_people_and_those_it_began_where_it_knows_them(rows: Rows) -> None:
    people = rows.people
    centre, far = people.centre, people.far_centre

    def line(who: Resident, began: Organization) -> Waiting:
        return Waiting.objects.create(
            resident=who, organization=people.hospital, specialty="cardiology", centre=began, joined_by="演示",
            joined_at=people.at,
        )  # fmt: skip

    of_ours = line(rows.who(0, centre, centre), far)
    began_here = line(rows.who(1, far, centre), centre)
    line(rows.who(2, far), centre)  # unknown here
    line(rows.who(3, far, centre), far)  # known, but neither ours nor begun here

    def lines(seat: Seat | None) -> set[Any]:
        return seen(Waiting, permissions.waits_visible_to, seat)

    assert lines(None) == set()
    assert lines(people.staff(Role.GP)) == {of_ours, began_here}
    assert lines(people.staff(Role.EXPERT)) == set()
    assert lines(own_seat(of_ours.resident)) == {of_ours}


def owed(rows: Rows, model: type[Appeal] | type[Displaced]) -> tuple[Any, Any]:
    """What the hospital has to answer about somebody it knows, and the same of a resident of the centre."""
    people = rows.people
    centre, far, hospital = people.centre, people.far_centre, people.hospital

    def row(number: int, home: Organization, house: Organization, *known: Organization) -> Any:
        booking = rows.booking(number, home, *known)
        more = {"since": people.at} if model is Displaced else {"reason": "堵车", "made_at": people.at}
        return model.objects.create(booking=booking, resident=booking.resident, organization=house, **more)

    mine = row(0, far, hospital, hospital)
    row(1, far, hospital)  # unknown to the hospital
    row(2, far, centre, hospital)  # known, but another house answers
    return mine, row(3, centre, hospital, centre)


@pytest.mark.parametrize(
    ("model", "scope"),
    [(Appeal, permissions.appeals_to_decide), (Displaced, permissions.displaced_owed_by)],
    ids=["appeals", "lost places"],
)
def test_a_desk_answers_what_its_house_owes_to_people_it_knows(
    rows: Rows, model: Any, scope: Callable[[Seat | None], Q]
) -> None:
    mine, _of_the_centre = owed(rows, model)
    hospital = rows.people.hospital

    assert seen(model, scope, None) == set()
    assert seen(model, scope, rows.people.staff(Role.REFERRAL_DESK, hospital)) == {mine}
    assert seen(model, scope, rows.people.staff(Role.GP, hospital)) == set()


def test_lost_places_are_seen_by_who_had_them_their_centre_and_the_desk_that_owes(rows: Rows) -> None:
    people = rows.people
    mine, of_the_centre = owed(rows, Displaced)
    here_too = rows.booking(4, people.far_centre, people.centre)  # known at the centre, of another
    Displaced.objects.create(
        booking=here_too, resident=here_too.resident, organization=people.hospital, since=people.at
    )  # fmt: skip

    def lost(seat: Seat | None) -> set[Any]:
        return seen(Displaced, permissions.displaced_visible_to, seat)

    assert lost(None) == set()
    assert lost(people.staff(Role.GP)) == {of_the_centre}
    assert lost(people.staff(Role.REFERRAL_DESK, people.hospital)) == {mine}
    assert lost(people.staff(Role.GP, people.hospital)) == set()
    assert lost(people.staff(Role.EXPERT, people.hospital)) == set()
    assert lost(own_seat(mine.resident)) == {mine}
