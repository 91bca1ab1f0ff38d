"""Who may open and call off a session, book, take a step of a booking, and see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.institutions.models import Organization, Place
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis, Resident
from kangqiao.domain.scheduling import actions, permissions
from kangqiao.domain.scheduling.models import Booking, Session, Slot
from kangqiao.domain.scheduling.tests.factories import (
    SYSTEM,
    Cast,
    cast,
    no_priority,
    organization,
    own_actor,
    seat_for,
    user_with,
)
from kangqiao.domain.workforce.models import Practitioner
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


# Cases in plain values: nothing is asked of the database where a role and a house decide.
HOME, PLACE, ELSEWHERE = 1, 2, 3
PATIENT, DOCTOR, OTHER = 11, 12, 13


def _by(role: str, house: int | None = None, user: int | None = OTHER) -> Actor:
    return Actor(f"user:{user}" if user else "nobody", "演示", house, role=role)


def _roles(allowed: Callable[[Actor], object], house: int) -> set[str]:
    return {role.value for role in Role if allowed(_by(role.value, house))}


def _booking(channel: str = "self") -> Booking:
    session = Session(organization_id=PLACE, practitioner=Practitioner(user_id=DOCTOR))
    return Booking(session=session, resident=Resident(pk=0, centre_id=HOME, user_id=PATIENT), channel=channel)


def test_a_session_is_withdrawn_by_the_planners_of_its_house() -> None:
    session = Session(organization_id=PLACE)
    planners = {role.value for role in permissions.PLANNERS[1:]}

    assert _roles(lambda by: by.role != "dispatcher" and permissions.can_withdraw(by, session), PLACE) == planners
    assert not _roles(lambda by: by.role != "dispatcher" and permissions.can_withdraw(by, session), ELSEWHERE)


def test_a_dispatcher_without_a_house_plans_for_nobody() -> None:
    assert not permissions.can_withdraw(_by(Role.DISPATCHER), cast().session())


def test_a_basis_is_looked_up_for_those_it_may_be_missing_for() -> None:
    who, without_account = Resident(centre_id=HOME, user_id=PATIENT), Resident(centre_id=HOME)
    clinical = {role.value for role in permissions.CLINICAL}

    assert not permissions.asks_for_basis(_by(Role.RESIDENT, user=PATIENT), who)
    assert permissions.asks_for_basis(_by(Role.RESIDENT, user=OTHER), who)
    assert permissions.asks_for_basis(_by(Role.RESIDENT, user=None), without_account)
    assert _roles(lambda by: permissions.asks_for_basis(by, who), ELSEWHERE) == clinical | {"resident"}
    assert _roles(lambda by: permissions.asks_for_basis(by, who), HOME) == {"resident"}


def test_residents_book_for_themselves_and_whom_they_act_for() -> None:
    who, without_account = Resident(centre_id=HOME, user_id=PATIENT), Resident(centre_id=HOME)

    def may(user: int | None, whom: Resident = who, *, basis: bool = False, **more: object) -> bool:
        asked = {"channel": "self", "as_partner_centre_id": None} | more
        return bool(permissions.can_book(_by(Role.RESIDENT, user=user), whom, has_basis=basis, **asked))

    assert may(PATIENT)
    assert may(OTHER, basis=True)
    assert not may(OTHER)
    assert not may(None, without_account)
    assert not may(PATIENT, channel="gp")
    assert not may(PATIENT, as_partner_centre_id=HOME)


def test_staff_book_for_their_residents_and_those_they_have_a_basis_for() -> None:
    who = Resident(centre_id=HOME, user_id=PATIENT)
    clinical = {role.value for role in permissions.CLINICAL}

    def roles(house: int, *, basis: bool = False, centre: int | None = None) -> set[str]:
        asked = {"has_basis": basis, "channel": "gp", "as_partner_centre_id": centre}
        return _roles(lambda by: by.role != "resident" and permissions.can_book(by, who, **asked), house)

    assert roles(HOME) == roles(ELSEWHERE, basis=True) == clinical
    assert roles(ELSEWHERE) == set()
    assert roles(HOME, centre=HOME) == clinical
    assert roles(HOME, centre=ELSEWHERE) == {"referral_desk"}


def test_the_clinical_staff_of_the_place_read_whom_a_withdrawal_hits() -> None:
    people = cast()
    session = Session(organization_id=people.centre.pk)

    assert permissions.may_name(people.staff(Role.GP), session)
    assert not permissions.may_name(people.staff(Role.PHARMACIST), session)
    assert not permissions.may_name(people.staff(Role.GP, people.far_centre), session)


def test_partner_places_are_used_in_the_name_of_a_centre_by_its_desk() -> None:
    people = cast()

    assert permissions.partner_centre(people.staff(Role.GP)) == people.centre.pk
    assert permissions.partner_centre(people.staff(Role.REFERRAL_DESK, people.hospital)) is None
    assert permissions.partner_centre(people.staff(Role.DISPATCHER)) is None


def test_the_parties_of_a_booking_are_its_place_its_doctor_its_centre_and_its_patient() -> None:
    booking = _booking()
    clinical, desk = ({role.value for role in roles} for roles in (permissions.CLINICAL, permissions.DESK))

    def are(party: str, house: int, user: int = OTHER) -> set[str]:
        actors = [_by(role.value, house, user) for role in Role if role != Role.RESIDENT]
        return {by.role for by in actors if party in permissions.parties(by, booking)}

    assert are("desk", PLACE) == clinical
    assert are("centre", HOME) == desk
    assert are("practitioner", ELSEWHERE, DOCTOR) == {"expert"}
    assert not are("desk", HOME) | are("centre", PLACE) | are("practitioner", PLACE) | are("resident", HOME, PATIENT)
    assert permissions.parties(_by(Role.RESIDENT, user=PATIENT), booking) == {"resident"}
    assert permissions.parties(_by(Role.RESIDENT, user=OTHER), booking) == set()
    assert permissions.parties(SYSTEM, booking) == {"system"}


def test_somebody_without_an_account_is_nobody_in_particular() -> None:
    booking = _booking()
    booking.resident.user_id = None

    assert permissions.parties(_by(Role.RESIDENT, user=None), booking) == set()


def test_a_guardian_takes_the_part_of_the_child() -> None:
    people = cast()
    child, guardian = people.resident(), user_with("guardian", Role.RESIDENT, people.centre, people.at)
    grant_basis(
        resident_id=child.pk, kind="guardian", source="test", since=people.at, user_id=guardian.pk, by=SYSTEM,
        at=people.at,
    )  # fmt: skip

    booking = Booking(session=people.session(), resident=child)

    assert permissions.parties(seat_for(guardian).actor, booking) == {"resident"}


def test_the_home_centre_takes_a_step_for_the_resident_where_it_booked_itself() -> None:
    centre, patient = _by(Role.GP, HOME), _by(Role.RESIDENT, user=PATIENT)
    booked_by_centre, booked_alone = _booking("gp"), _booking("self")

    assert permissions.can_step(centre, booked_by_centre, ("resident",))
    assert not permissions.can_step(centre, booked_alone, ("resident",))
    assert not permissions.can_step(centre, booked_by_centre, ("desk",))
    assert not permissions.can_step(_by(Role.GP, ELSEWHERE), booked_by_centre, ("resident",))
    assert permissions.can_step(patient, booked_alone, ("resident",))
    assert not permissions.can_step(patient, booked_alone, ("desk",))


class TestVisibleTo:
    """Bookings near a house, of people it has a basis for."""

    @pytest.fixture
    def people(self) -> Cast:
        return cast()

    def _book(self, people: Cast, number: int, session: Session, centre: Organization, *known: Organization) -> Booking:
        who = people.resident(number, centre=centre)
        made = actions.book(
            slot_id=Slot.objects.filter(session=session)[number].pk, resident_id=who.pk, channel="self",
            attempt=f"{number}", by=own_actor(who), at=people.at,
        )  # fmt: skip
        Basis.objects.filter(resident=who).exclude(kind="own").delete()
        for house in known:
            grant_basis(
                resident_id=who.pk, kind="referral", source="test", since=people.at, organization_id=house.pk,
                by=SYSTEM, at=people.at,
            )  # fmt: skip
        return made

    def _seen(self, seat: Seat | None) -> set[Booking]:
        return set(Booking.objects.filter(permissions.visible_to(seat)))

    def test_nobody_and_those_who_do_not_treat_see_none(self, people: Cast) -> None:
        self._book(people, 0, people.session(), people.centre, people.centre)

        assert self._seen(None) == set()
        assert self._seen(people.staff(Role.DISPATCHER)) == set()
        assert self._seen(people.staff(Role.GUIDANCE_OFFICE)) == set()

    def test_a_house_sees_those_at_its_place_and_of_its_residents_that_it_knows(self, people: Cast) -> None:
        at_place, far = people.session(), people.clinic(parameters=no_priority())
        here = self._book(people, 0, at_place, people.far_centre, people.centre)
        ours = self._book(people, 1, far, people.centre, people.centre)
        self._book(people, 2, at_place, people.far_centre)
        self._book(people, 3, far, people.far_centre, people.centre)

        assert self._seen(people.staff(Role.GP)) == {here, ours}

    def test_a_doctor_sees_those_of_the_own_session_at_another_house(self, people: Cast) -> None:
        people.expert.user = user_with("expert", Role.EXPERT, people.hospital, people.at)
        people.expert.save()
        mine = self._book(people, 0, people.session(), people.centre, people.hospital)

        assert self._seen(seat_for(people.expert.user)) == {mine}
        assert self._seen(people.staff(Role.EXPERT, people.hospital, "colleague")) == set()

    def test_a_resident_sees_the_own_ones(self, people: Cast) -> None:
        session = people.session()
        mine, _other = (self._book(people, number, session, people.centre) for number in (0, 1))
        assert mine.resident.user is not None

        assert self._seen(seat_for(mine.resident.user)) == {mine}
