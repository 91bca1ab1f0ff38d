"""A session called off: whom it concerns, what each is proposed, that nobody is lost; a substitute; taking it back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.models import Booking, Displaced, Hold, Session, Slot
from kangqiao.domain.scheduling.tests.factories import (
    SYSTEM,
    Cast,
    cast,
    first_slot,
    join,
    offered,
    own_actor,
    practitioner,
)
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
SECONDS, DAY, HOUR = timedelta(seconds=8), timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def people() -> Cast:
    return cast()


def booked(people: Cast, slot: Slot, resident, **changes) -> Booking:
    values = {"channel": "self", "attempt": f"{resident.pk}-{slot.pk}", "by": SYSTEM, "at": people.at}
    return actions.book(slot_id=slot.pk, resident_id=resident.pk, **{**values, **changes})


def called_off(people: Cast, session: Session, **changes) -> list[Booking]:
    values = {"reason": "专家生病", "why": "illness", "by": SYSTEM, "at": people.at}
    return actions.withdraw_session(session_id=session.pk, **{**values, **changes})


def slots_of(session: Session) -> list[Slot]:
    return list(Slot.objects.filter(session=session).order_by("starts_at"))


class TestNobodyIsLost:
    def test_of_twelve_each_is_moved_lets_go_or_stands_on_the_worklist(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        Slot.objects.filter(session__in=(session, later)).update(capacity=3)
        residents = [people.resident(number, with_user=number % 2 == 0) for number in range(12)]
        for number, resident in enumerate(residents):
            booked(people, slots_of(session)[number // 3], resident)

        called_off(people, session)
        owed = {one.resident_id: one for one in Displaced.objects.all()}
        desk = people.staff(Role.CENTRE_MANAGER)
        for number, resident in enumerate(residents[:8]):
            actions.place_again(
                displaced_id=owed[resident.pk].pk, slot_id=slots_of(later)[number // 3].pk, attempt=f"again{number}",
                by=own_actor(resident) if resident.user_id else desk.actor, at=people.at + HOUR,
            )  # fmt: skip
        for resident in residents[8:10]:
            by = own_actor(resident) if resident.user_id else desk.actor
            actions.let_go(displaced_id=owed[resident.pk].pk, by=by, at=people.at + HOUR)

        assert Counter(Displaced.objects.values_list("status", flat=True)) == {"placed": 8, "let_go": 2, "open": 2}
        waiting, further = queries.owed_places(desk, people.at + 30 * DAY)
        assert ({one.row.resident_id for one in waiting}, further) == ({one.pk for one in residents[10:]}, 0)
        assert queries.owed_waiting(desk).counted() == (2, people.at)
        assert {one.organization_id for one in Displaced.objects.filter(status="open")} == {people.centre.pk}
        assert Notice.objects.filter(kind="session_withdrawn").count() == 12
        assert Booking.objects.filter(status="booked").count() == 8
        assert sum(Slot.objects.filter(session=session).values_list("taken", flat=True)) == 0

    def test_whoever_is_told_reads_why_and_where_else(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        resident = people.resident()
        booked(people, first_slot(session), resident)

        called_off(people, session)

        notice, row = Notice.objects.get(user=resident.user), Displaced.objects.get()
        assert "专家生病" in notice.body
        assert later.practitioner.name in notice.body
        assert notice.url == f"/slots/displaced/{row.pk}/"
        session.refresh_from_db()
        assert session.withdrawn_for == "illness"

    def test_the_house_sees_the_person_until_it_has_answered(self, people):
        session = people.clinic(starts_at=people.at + 3 * DAY)
        Slot.objects.filter(session=session).update(release_at=None, teams_at=None, contracted_at=None, pool="public")
        resident = people.resident()
        booking = booked(people, first_slot(session), resident)
        desk = people.staff(Role.REFERRAL_DESK, people.hospital)

        called_off(people, session, by=desk.actor)

        row = Displaced.objects.get()
        assert not valid_at(people.at + HOUR).filter(source=f"booking:{booking.pk}").exists()
        assert valid_at(people.at + 90 * DAY).filter(source=f"displaced:{row.pk}").exists()
        assert [one.row.pk for one in queries.owed_places(desk, people.at)[0]] == [row.pk]
        actions.let_go(displaced_id=row.pk, reason="电话里说不看了", by=desk.actor, at=people.at + HOUR)
        assert not valid_at(people.at + DAY).filter(source=f"displaced:{row.pk}").exists()
        assert queries.owed_places(desk, people.at)[0] == []

    def test_any_place_of_the_specialty_settles_it(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        resident = people.resident()
        booked(people, first_slot(session), resident)
        called_off(people, session)

        new = booked(people, first_slot(later), resident)

        row = Displaced.objects.get()
        assert (row.status, row.instead_id) == ("placed", new.pk)

    def test_a_place_gone_meanwhile_leaves_them_on_the_list(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        resident, faster = people.resident(1), people.resident(2)
        booked(people, first_slot(session), resident)
        called_off(people, session)
        booked(people, first_slot(later), faster)
        row = Displaced.objects.get()

        with pytest.raises(Taken):
            actions.place_again(
                displaced_id=row.pk, slot_id=first_slot(later).pk, attempt="x", by=own_actor(resident), at=people.at
            )

        row.refresh_from_db()
        assert row.status == "open"

    def test_sent_twice_it_is_one_place_and_strangers_place_nobody(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        resident, other = people.resident(1), people.resident(2)
        booked(people, first_slot(session), resident)
        called_off(people, session)
        row, slot = Displaced.objects.get(), first_slot(later)
        given = {"displaced_id": row.pk, "slot_id": slot.pk, "attempt": "x", "at": people.at}
        for stranger in (own_actor(other), people.staff(Role.CENTRE_MANAGER, people.far_centre).actor):
            with pytest.raises(Denied):
                actions.place_again(**given, by=stranger)
            with pytest.raises(Denied):
                actions.let_go(displaced_id=row.pk, by=stranger, at=people.at)

        one = actions.place_again(**given, by=own_actor(resident))
        again = actions.place_again(**given, by=own_actor(resident))

        assert one.pk == again.pk
        with pytest.raises(AlreadyMoved):
            actions.let_go(displaced_id=row.pk, by=own_actor(resident), at=people.at)
        with pytest.raises(NotVisible):
            actions.let_go(displaced_id=999_999, by=own_actor(resident), at=people.at)

    def test_an_emergency_stays_one_and_a_letter_moves_its_own_place(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        urgent, sent = people.resident(1), people.resident(2)
        booked(people, slots_of(session)[0], sent, channel="referral")
        booked(people, slots_of(session)[1], urgent, is_emergency=True)
        called_off(people, session)
        desk = people.staff(Role.CENTRE_MANAGER)
        first, second = (one.row for one in queries.owed_places(desk, people.at)[0])

        assert (first.resident_id, second.resident_id) == (urgent.pk, sent.pk)
        new = actions.place_again(
            displaced_id=first.pk, slot_id=first_slot(later).pk, attempt="x", by=desk.actor, at=people.at
        )
        assert new.is_emergency
        with pytest.raises(RuleBroken, match="转诊单"):
            actions.place_again(
                displaced_id=second.pk, slot_id=slots_of(later)[1].pk, attempt="y", by=desk.actor, at=people.at
            )


class TestProposals:
    def test_emergencies_choose_first_and_no_place_is_proposed_twice_as_the_first(self, people):
        session = people.session()
        later = people.session(starts_at=people.at + 9 * DAY)
        early, urgent, third = (people.resident(number) for number in range(3))
        one = booked(people, slots_of(session)[0], early)
        two = booked(people, slots_of(session)[1], urgent, is_emergency=True)
        three = booked(people, slots_of(session)[2], third)

        found = queries.proposals(queries.affected_by(session), people.at)

        order = [found[each.pk][0].pk for each in (two, one, three)]
        assert order == [slot.pk for slot in slots_of(later)[:3]]
        assert all(len(own) == 3 for own in found.values())

    def test_the_same_house_or_the_own_centre_comes_before_what_is_sooner(self, people):
        session = people.session()
        sooner = people.session(
            starts_at=people.at + 6 * DAY, organization_id=people.far_centre.pk, practitioner_id=people.other_expert.pk
        )
        here = people.session(starts_at=people.at + 20 * DAY)
        booking = booked(people, first_slot(session), people.resident())
        other = practitioner("方竹", people.hospital, people.expert.specialty)
        people.session(starts_at=people.at + 7 * DAY, practitioner_id=other.pk, specialty="neurology")

        nearest = queries.proposals([booking], people.at)[booking.pk]

        assert {slot.session_id for slot in nearest} == {here.pk}
        Slot.objects.filter(session=here).update(capacity=0)
        assert {slot.session_id for slot in queries.proposals([booking], people.at)[booking.pk]} == {sooner.pk}

    def test_kept_places_are_proposed_to_whom_they_are_kept_for(self, people):
        session, clinic = people.session(), people.clinic(starts_at=people.at + 6 * DAY)
        through, alone = people.resident(1), people.resident(2)
        gp = people.staff(Role.GP)
        one = booked(people, slots_of(session)[0], through, channel="gp", by=gp.actor)
        two = booked(people, slots_of(session)[1], alone)
        desk = people.staff(Role.REFERRAL_DESK, people.hospital)

        found = queries.proposals(queries.affected_by(session), people.at, desk)

        assert {slot.session_id for slot in found[one.pk]} == {clinic.pk}
        assert found[two.pk] == []

    def test_fifty_ask_no_more_than_one(self, people):
        session = people.session()
        people.session(starts_at=people.at + 9 * DAY)
        Slot.objects.filter(session=session).update(capacity=10)
        slots = slots_of(session)
        booked(people, slots[0], people.resident(0, with_user=False))
        with CaptureQueriesContext(connection) as few:
            queries.concern_of(people.staff(Role.CENTRE_MANAGER, name="a"), session, people.at)
        for number in range(1, 50):
            booked(people, slots[number % len(slots)], people.resident(number, with_user=False))
        with CaptureQueriesContext(connection) as many:
            concern = queries.concern_of(people.staff(Role.CENTRE_MANAGER, name="b"), session, people.at)

        assert len(concern.people) == 50
        assert len(many) <= len(few)
        called_off(people, session)
        desk = people.staff(Role.CENTRE_MANAGER, name="c")
        with CaptureQueriesContext(connection) as listed:
            assert len(queries.owed_places(desk, people.at)[0]) == 50
        assert len(listed) <= 12


class TestConcern:
    def test_names_are_for_whom_may_phone_and_counts_for_all(self, people):
        session = people.session()
        resident, waits = people.resident(1), people.resident(2)
        booked(people, first_slot(session), resident)
        Slot.objects.filter(session=session).exclude(pk=first_slot(session).pk).update(capacity=0)
        join(people, session, waits, is_for_all=False)

        desk = queries.concern_of(people.staff(Role.CENTRE_MANAGER), session, people.at)
        planner = queries.concern_of(people.staff(Role.DISPATCHER), session, people.at)

        assert [one.booking.resident_id for one in desk.people] == [resident.pk]
        assert [one.resident_id for one in desk.lines] == [waits.pk]
        assert (planner.people, planner.lines, planner.booked, planner.waiting) == ([], [], 1, 1)

    def test_who_waits_for_it_alone_is_told_once_it_cannot_be_taken_back(self, people):
        session = people.session()
        Slot.objects.filter(session=session).update(capacity=0)
        waiting = join(people, session, people.resident(), is_for_all=False)
        called_off(people, session)

        actions.offer_free_places(by=SYSTEM, at=people.at + SECONDS)
        waiting.refresh_from_db()
        assert waiting.status == "waiting"

        actions.offer_free_places(by=SYSTEM, at=people.at + timedelta(minutes=2))
        waiting.refresh_from_db()
        assert waiting.status == "ended"


class TestUndo:
    def test_within_the_moment_everybody_has_their_place_again(self, people):
        session, manager = people.session(), people.staff(Role.CENTRE_MANAGER).actor
        resident = people.resident()
        booking = booked(people, first_slot(session), resident)
        called_off(people, session, by=manager)

        actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at + SECONDS)

        session.refresh_from_db()
        booking.refresh_from_db()
        assert (session.status, session.withdrawn_for, booking.status) == ("open", "", "booked")
        assert first_slot(session).taken == 1
        assert Displaced.objects.get().status == "restored"
        assert valid_at(people.at + HOUR).filter(source=f"booking:{booking.pk}").exists()
        assert not valid_at(people.at + HOUR).filter(source__startswith="displaced:").exists()
        assert "照旧" in Notice.objects.get(kind="session_restored").subject
        called_off(people, session, by=manager, at=people.at + HOUR)
        assert Counter(Displaced.objects.values_list("status", flat=True)) == {"restored": 1, "open": 1}

    def test_who_was_being_asked_is_asked_again(self, people):
        session, manager = people.session(), people.staff(Role.CENTRE_MANAGER).actor
        holder, waits = people.resident(1), people.resident(2)
        slot = first_slot(session)
        Slot.objects.filter(session=session).exclude(pk=slot.pk).update(capacity=0)
        mine = booked(people, slot, holder)
        join(people, session, waits, is_for_all=False)
        actions.cancel_booking(booking_id=mine.pk, by=own_actor(holder), at=people.at)
        assert offered(people.at) == [waits.pk]

        called_off(people, session, by=manager, at=people.at + HOUR)
        assert offered(people.at + HOUR) == []
        actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at + HOUR + SECONDS)
        actions.offer_free_places(by=SYSTEM, at=people.at + HOUR + SECONDS)

        assert offered(people.at + HOUR + SECONDS) == [waits.pk]
        assert Hold.objects.filter(waiting__isnull=False).count() == 1

    def test_not_after_somebody_went_on_nor_later_nor_by_another(self, people):
        session, later = people.session(), people.session(starts_at=people.at + 9 * DAY)
        manager, resident = people.staff(Role.CENTRE_MANAGER).actor, people.resident()
        booked(people, first_slot(session), resident)
        with pytest.raises(AlreadyMoved):
            actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at)
        called_off(people, session, by=manager)
        with pytest.raises(RuleBroken, match="不能再撤销"):
            actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at + HOUR)
        with pytest.raises(RuleBroken, match="不能再撤销"):
            actions.undo_withdrawal(
                session_id=session.pk, by=people.staff(Role.CENTRE_MANAGER, name="other").actor, at=people.at + SECONDS
            )
        with pytest.raises(Denied):
            actions.undo_withdrawal(
                session_id=session.pk, by=people.staff(Role.CENTRE_MANAGER, people.far_centre).actor, at=people.at
            )
        booked(people, first_slot(later), resident)

        with pytest.raises(RuleBroken, match="已经有人另约"):
            actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at + SECONDS)

    def test_not_when_the_doctor_sits_elsewhere_by_now(self, people):
        session, manager = people.session(), people.staff(Role.CENTRE_MANAGER).actor
        called_off(people, session, by=manager)
        people.session(organization_id=people.far_centre.pk)

        with pytest.raises(RuleBroken, match="别的出诊"):
            actions.undo_withdrawal(session_id=session.pk, by=manager, at=people.at + SECONDS)
