"""Opening, withdrawing, booking and giving back, on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents.actions import grant_basis
from kangqiao.domain.residents.models import Basis
from kangqiao.domain.scheduling import actions, queries, rules
from kangqiao.domain.scheduling.models import Booking, Displaced, Session, Slot
from kangqiao.domain.scheduling.queries import Standing
from kangqiao.domain.scheduling.tests.factories import Cast, cast, first_slot, own_actor, parameters, seat_for
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return cast()


def book(people: Cast, slot: Slot, resident, **changes) -> Booking:
    values = {
        "slot_id": slot.pk,
        "resident_id": resident.pk,
        "channel": "self",
        "attempt": f"{resident.pk}-{slot.pk}",
        "by": changes.get("by") or own_actor(resident),
        "at": people.at,
    }
    return actions.book(**{**values, **changes})


class TestOpenSession:
    def test_open_session_at_a_centre_makes_public_slots(self, people):
        session = people.session()

        slots = list(Slot.objects.filter(session=session))
        assert len(slots) == 12
        assert {slot.pool for slot in slots} == {"public"}
        assert session.policy_ref.startswith("shenzhen-")
        assert StatusChange.objects.filter(subject_type="scheduling.session", subject_id=session.pk).count() == 1

    def test_open_session_writes_the_slots_in_one_statement(self, people, django_assert_num_queries):
        # savepoint, session, slots, history, audit, release
        with django_assert_num_queries(6):
            people.session()

    def test_open_session_refuses_a_past_time(self, people):
        with pytest.raises(RuleBroken, match="已经开始"):
            people.session(starts_at=people.at - timedelta(hours=1))

    def test_open_session_refuses_less_than_one_slot(self, people):
        starts = people.at + timedelta(days=1)
        with pytest.raises(RuleBroken, match="放不下一个号"):
            people.session(starts_at=starts, ends_at=starts + timedelta(minutes=5))

    def test_open_session_refuses_a_doctor_who_sits_elsewhere_then(self, people):
        people.session()
        with pytest.raises(RuleBroken, match="已有别的出诊"):
            people.session(organization_id=people.far_centre.pk)
        assert Session.objects.count() == 1

    def test_open_session_is_denied_to_a_resident(self, people):
        with pytest.raises(Denied):
            people.session(by=own_actor(people.resident()))


class TestPriority:
    @pytest.mark.clause("SZ16-2.2b")
    def test_paired_centre_has_a_head_start_and_the_rest_opens_to_all_when_it_ends(self, people):
        starts = (people.at + timedelta(days=20)).replace(hour=1)
        session = people.clinic(starts_at=starts, parameters=parameters(head_start_days=7))
        span = {"starts": people.at, "ends": people.at + timedelta(days=30)}
        gp, resident = people.staff(Role.GP), people.resident()
        sixth, seventh = people.at + timedelta(days=6), people.at + timedelta(days=7)

        public_before = queries.free_slots([people.hospital.pk], **span, now=sixth)
        team = Standing(team=frozenset({people.hospital.pk}))
        paired_before = queries.free_slots([people.hospital.pk], **span, now=sixth, standing=team)
        public_after = queries.free_slots([people.hospital.pk], **span, now=seventh)
        at_last = queries.free_slots([people.hospital.pk], **span, now=starts - timedelta(hours=21))

        assert public_before == []
        assert len(paired_before) == 12
        assert len(public_after) == 6
        assert len(at_last) == 12
        slot = paired_before[0]
        with pytest.raises(RuleBroken) as refused:
            book(people, slot, resident, at=sixth)
        assert refused.value.clause == "SZ16-2.2b"
        booked = book(
            people, slot, resident, channel="gp", as_partner_centre_id=people.centre.pk, by=gp.actor, at=sixth
        )
        assert booked.session_id == session.pk

    def test_partner_place_is_refused_to_a_centre_without_a_pairing(self, people):
        session = people.clinic(starts_at=people.at + timedelta(days=20))
        resident = people.resident(centre=people.far_centre)
        gp = people.staff(Role.GP, people.far_centre)

        with pytest.raises(RuleBroken, match="协作中心"):
            book(
                people,
                first_slot(session),
                resident,
                channel="gp",
                as_partner_centre_id=people.far_centre.pk,
                by=gp.actor,
            )

    def test_partner_place_is_not_for_another_centres_name(self, people):
        session = people.clinic(starts_at=people.at + timedelta(days=20))
        resident = people.resident(centre=people.far_centre)
        gp = people.staff(Role.GP, people.far_centre)

        with pytest.raises(Denied):
            book(people, first_slot(session), resident, as_partner_centre_id=people.centre.pk, by=gp.actor)


class TestBook:
    def test_book_takes_the_place_and_leaves_basis_history_and_trace(self, people):
        resident, slot = people.resident(), first_slot(people.session())

        booking = book(people, slot, resident)

        slot.refresh_from_db()
        basis = Basis.objects.get(kind="booking")
        assert (slot.taken, booking.status, booking.channel) == (1, "booked", "self")
        assert (basis.resident_id, basis.organization_id) == (resident.pk, people.centre.pk)
        assert basis.since == people.at
        assert basis.until == rules.end_of_visit_day(localtime(booking.session.ends_at)) + timedelta(days=30)
        assert StatusChange.objects.get(subject_type="scheduling.booking").to_status == "booked"
        trace = AuditEvent.objects.get(action="book")
        assert (trace.resident_id, trace.subject_id) == (resident.pk, booking.pk)
        assert trace.policy_ref == booking.session.policy_ref

    def test_book_is_six_statements(self, people, django_assert_num_queries):
        """Savepoint, resident, the place with booking and basis, history, trace, release: the hot path stays short."""
        resident, slot = people.resident(), first_slot(people.session())
        by = own_actor(resident)
        with django_assert_num_queries(6):
            book(people, slot, resident, by=by)

    def test_book_the_same_attempt_again_returns_the_same_booking(self, people):
        resident, slot = people.resident(), first_slot(people.session())
        first = book(people, slot, resident)

        again = book(people, slot, resident)

        slot.refresh_from_db()
        assert again.pk == first.pk
        assert slot.taken == Booking.objects.count() == 1

    def test_book_refuses_an_attempt_sent_for_another_slot(self, people):
        resident, slots = people.resident(), list(Slot.objects.filter(session=people.session()))
        book(people, slots[0], resident, attempt="same")

        with pytest.raises(RuleBroken, match="内容却不一样"):
            book(people, slots[1], resident, attempt="same")

    def test_book_a_full_slot_offers_the_nearest_free_times(self, people):
        session = people.session()
        slots = list(Slot.objects.filter(session=session).order_by("starts_at"))
        book(people, slots[4], people.resident(1))

        with pytest.raises(Taken) as taken:
            book(people, slots[4], people.resident(2))

        addresses = {address for _label, address in taken.value.alternatives}
        assert {f"/slots/{slots[i].pk}/" for i in (3, 5)} < addresses
        assert len(addresses) == 3

    def test_book_a_second_place_in_the_session_names_the_first(self, people):
        resident, slots = people.resident(), list(Slot.objects.filter(session=people.session()))
        book(people, slots[0], resident)

        with pytest.raises(RuleBroken, match=r"03-07 09:00"):
            book(people, slots[1], resident)
        slots[1].refresh_from_db()
        assert slots[1].taken == 0

    def test_book_a_past_slot_is_refused(self, people):
        slot = first_slot(people.session())
        with pytest.raises(RuleBroken, match="已经过了"):
            book(people, slot, people.resident(), at=slot.starts_at)

    def test_book_before_the_horizon_is_refused(self, people):
        slot = first_slot(people.session(starts_at=people.at + timedelta(days=40)))
        with pytest.raises(RuleBroken, match="起才能预约"):
            book(people, slot, people.resident())

    def test_book_a_withdrawn_slot_is_refused(self, people):
        session = people.session()
        actions.withdraw_session(
            session_id=session.pk, reason="专家临时会议", by=people.staff(Role.CENTRE_MANAGER).actor, at=people.at
        )
        with pytest.raises(RuleBroken, match="已停诊"):
            book(people, first_slot(session), people.resident())

    def test_book_an_unknown_slot_or_resident_is_not_visible(self, people):
        resident, slot = people.resident(), first_slot(people.session())
        with pytest.raises(NotVisible):
            book(people, slot, resident, slot_id=999_999)
        with pytest.raises(NotVisible):
            book(people, slot, resident, resident_id=999_999)

    def test_book_for_somebody_else_is_denied(self, people):
        one, other, slot = people.resident(1), people.resident(2), first_slot(people.session())
        with pytest.raises(Denied):
            book(people, slot, one, by=own_actor(other))
        with pytest.raises(Denied):
            book(people, slot, one, channel="gp", by=people.staff(Role.GP, people.far_centre).actor)
        with pytest.raises(Denied):
            book(people, slot, one, channel="gp", by=people.staff(Role.BUREAU_OFFICER).actor)

    def test_book_elsewhere_rests_on_a_basis_that_is_valid_now(self, people):
        resident, slots = people.resident(with_user=False), list(Slot.objects.filter(session=people.session()))
        gp = people.staff(Role.GP, people.far_centre).actor
        grant_basis(
            resident_id=resident.pk,
            kind="encounter",
            source="encounter:1",
            since=people.at,
            until=people.at + timedelta(days=1),
            organization_id=people.far_centre.pk,
            by=gp,
            at=people.at,
        )

        with pytest.raises(Denied):
            book(people, slots[0], resident, channel="gp", by=gp, at=people.at + timedelta(days=1))
        assert book(people, slots[0], resident, channel="gp", by=gp).status == "booked"

    def test_book_by_the_gp_of_the_residents_centre(self, people):
        resident, slot = people.resident(with_user=False), first_slot(people.session())
        gp = people.staff(Role.GP)

        booking = book(people, slot, resident, channel="gp", by=gp.actor)

        assert booking.booked_by == gp.user_name


class TestCancel:
    def test_cancel_frees_the_place_and_ends_the_basis(self, people):
        one, other, slot = people.resident(1), people.resident(2), first_slot(people.session())
        booking = book(people, slot, one)

        actions.cancel_booking(booking_id=booking.pk, by=own_actor(one), at=people.at)

        slot.refresh_from_db()
        assert slot.taken == 0
        assert Basis.objects.get(kind="booking").until == people.at
        assert book(people, slot, other).status == "booked"

    def test_cancel_twice_says_who_did_it(self, people):
        resident = people.resident()
        booking = book(people, first_slot(people.session()), resident)
        actions.cancel_booking(booking_id=booking.pk, by=own_actor(resident), at=people.at)

        with pytest.raises(AlreadyMoved, match="演示resident-0"):
            actions.cancel_booking(booking_id=booking.pk, by=own_actor(resident), at=people.at)
        assert Slot.objects.get(pk=booking.slot_id).taken == 0

    def test_cancel_after_the_time_has_come_is_refused(self, people):
        resident, slot = people.resident(), first_slot(people.session())
        booking = book(people, slot, resident)
        with pytest.raises(RuleBroken, match="就诊时间已到"):
            actions.cancel_booking(booking_id=booking.pk, by=own_actor(resident), at=slot.starts_at)

    def test_cancel_by_a_stranger_is_denied(self, people):
        resident = people.resident(1)
        booking = book(people, first_slot(people.session()), resident)
        with pytest.raises(Denied):
            actions.cancel_booking(booking_id=booking.pk, by=own_actor(people.resident(2)), at=people.at)
        with pytest.raises(Denied):
            actions.cancel_booking(
                booking_id=booking.pk, by=people.staff(Role.GP, people.far_centre).actor, at=people.at
            )


class TestWithdraw:
    def test_withdraw_lists_cancels_and_tells_everyone(self, people):
        session, later = people.session(), people.session(starts_at=people.at + timedelta(days=9))
        slots = list(Slot.objects.filter(session=session))
        with_account, without = people.resident(1), people.resident(2, with_user=False)
        book(people, slots[0], with_account)
        book(people, slots[1], without, channel="gp", by=people.staff(Role.GP).actor)

        affected = actions.withdraw_session(
            session_id=session.pk, reason="专家出差", by=people.staff(Role.CENTRE_MANAGER).actor, at=people.at
        )

        assert [booking.resident_id for booking in affected] == [with_account.pk, without.pk]
        assert set(Booking.objects.values_list("status", flat=True)) == {"cancelled"}
        assert StatusChange.objects.filter(action="cancel", reason__contains="专家出差").count() == 2
        assert sum(Slot.objects.filter(session=session).values_list("taken", flat=True)) == 0
        to_resident = Notice.objects.get(user=with_account.user)
        to_centre = Notice.objects.get(organization=people.centre, role=Role.GP)
        assert "专家出差" in to_resident.body
        assert "沈青黛" in to_resident.body
        assert f"{later.starts_at:%m-%d}" in to_centre.body
        assert to_centre.url == f"/slots/displaced/{Displaced.objects.get(resident=without).pk}/?resident={without.pk}"

    def test_withdraw_without_a_reason_changes_nothing(self, people):
        session = people.session()
        booking = book(people, first_slot(session), people.resident())
        with pytest.raises(RuleBroken, match="写明原因"):
            actions.withdraw_session(
                session_id=session.pk, reason=" ", by=people.staff(Role.CENTRE_MANAGER).actor, at=people.at
            )
        booking.refresh_from_db()
        assert booking.status == "booked"

    def test_withdraw_is_for_the_own_place(self, people):
        session = people.session()
        with pytest.raises(Denied):
            actions.withdraw_session(
                session_id=session.pk,
                reason="x",
                by=people.staff(Role.CENTRE_MANAGER, people.far_centre).actor,
                at=people.at,
            )

    def test_withdraw_twice_and_after_the_end_are_refused(self, people):
        session, manager = people.session(), people.staff(Role.CENTRE_MANAGER).actor
        with pytest.raises(RuleBroken, match="已经结束"):
            actions.withdraw_session(session_id=session.pk, reason="x", by=manager, at=session.ends_at)
        actions.withdraw_session(session_id=session.pk, reason="x", by=manager, at=people.at)
        with pytest.raises(AlreadyMoved):
            actions.withdraw_session(session_id=session.pk, reason="x", by=manager, at=people.at)


class TestVisit:
    def test_visit_from_arrival_to_record(self, people):
        slot = first_slot(people.session())
        booking = book(people, slot, people.resident())
        desk = people.staff(Role.CENTRE_MANAGER).actor

        actions.check_in(booking_id=booking.pk, by=desk, at=slot.starts_at)
        encounter = actions.fulfil_booking(
            booking_id=booking.pk, summary="血压控制良好", by=desk, at=slot.starts_at + timedelta(minutes=10)
        )

        booking.refresh_from_db()
        assert booking.status == "fulfilled"
        assert (encounter.organization_id, encounter.practitioner_id) == (people.centre.pk, people.expert.pk)
        assert encounter.is_posted_expert
        assert encounter.origin == "booking"

    def test_visit_of_a_referred_person_is_a_referral_visit(self, people):
        session = people.clinic(starts_at=people.at + timedelta(days=3))
        slot, resident = first_slot(session), people.resident()
        gp = people.staff(Role.GP).actor
        booking = book(people, slot, resident, channel="referral", as_partner_centre_id=people.centre.pk, by=gp)

        encounter = actions.fulfil_booking(
            booking_id=booking.pk, by=people.staff(Role.REFERRAL_DESK, people.hospital).actor, at=slot.starts_at
        )

        assert encounter.origin == "referral"
        assert not encounter.is_posted_expert

    def test_check_in_on_another_day_is_refused(self, people):
        booking = book(people, first_slot(people.session()), people.resident())
        with pytest.raises(RuleBroken, match="不是今天"):
            actions.check_in(booking_id=booking.pk, by=people.staff(Role.CENTRE_MANAGER).actor, at=people.at)

    def test_miss_waits_for_the_grace(self, people):
        slot = first_slot(people.session())
        booking = book(people, slot, people.resident())
        desk = people.staff(Role.CENTRE_MANAGER).actor
        with pytest.raises(RuleBroken, match="30分钟"):
            actions.miss_booking(booking_id=booking.pk, by=desk, at=slot.starts_at + timedelta(minutes=29))

        missed = actions.miss_booking(booking_id=booking.pk, by=desk, at=slot.starts_at + timedelta(minutes=30))

        assert missed.status == "no_show"

    def test_resident_sees_only_own_bookings(self, people):
        one, other = people.resident(1), people.resident(2)
        booking = book(people, first_slot(people.session()), one)

        assert queries.get_booking(seat_for(one.user), booking.pk) == booking
        with pytest.raises(NotVisible):
            queries.get_booking(seat_for(other.user), booking.pk)
        with pytest.raises(NotVisible):
            queries.get_booking(people.staff(Role.GP, people.far_centre), booking.pk)
        assert queries.get_booking(people.staff(Role.GP), booking.pk) == booking
