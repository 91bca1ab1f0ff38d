"""The way up: sent, answered, visited, written back, closed; refused where it must be."""

from datetime import timedelta

import pytest

from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.actions import record_encounter
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, SYSTEM, cast, know
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import visible_to
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Booking
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def people():
    return cast()


def sees(seat, resident, at=AT + HOUR) -> bool:
    return Resident.objects.filter(visible_to(seat, at=at), pk=resident.pk).exists()


class TestSending:
    def test_a_referral_starts_the_clock_tells_the_desk_and_opens_the_record_to_it(self, people):
        assert not sees(people.desk, people.resident)
        sent = people.up()
        assert (sent.status, sent.due_at) == ("sent", AT + timedelta(hours=24))
        assert sees(people.desk, people.resident)
        assert sees(people.office_seat, people.resident)
        told = Notice.objects.filter(url=f"/referrals/{sent.pk}/")
        assert {(row.organization_id, row.role) for row in told} == {
            (people.hospital.pk, "referral_desk"),
            (people.office.pk, ""),
        }
        assert AuditEvent.objects.filter(action="referral.send_up", resident_id=people.resident.pk).count() == 1

    def test_urgency_shortens_the_clock(self, people):
        assert people.up(urgency="urgent").due_at == AT + timedelta(minutes=30)

    @pytest.mark.clause("ZH-4.4c")
    @pytest.mark.parametrize(
        ("item", "empty", "named"),
        [
            ("diagnosis", "", "诊断"),
            ("history", " ", "病史摘要"),
            ("examination", "", "查体和检查"),
            ("medicines", "", "现用药"),
            ("allergies", "", "过敏史"),
            ("has_consent", False, "居民同意"),
        ],
    )
    def test_seven_of_eight_items_are_refused_with_the_missing_one_named_first(self, people, item, empty, named):
        with pytest.raises(RuleBroken) as refused:
            people.up(**{item: empty})
        assert "还缺1项" in refused.value.message
        assert named in refused.value.message
        assert refused.value.clause == "ZH-4.4c"
        assert not Referral.objects.exists()

    def test_a_referral_without_reason_is_refused(self, people):
        with pytest.raises(RuleBroken, match="转诊原因"):
            people.up(reason_code="", reason="  ")

    def test_a_reason_outside_the_list_is_refused(self, people):
        with pytest.raises(RuleBroken, match="没有代码"):
            people.up(reason_code="whatever")

    def test_a_second_open_referral_for_the_same_problem_names_the_first(self, people):
        first = people.up()
        with pytest.raises(RuleBroken) as refused:
            people.up()
        assert first.number in refused.value.message

    def test_after_the_visit_the_same_specialty_may_be_asked_again(self, people):
        people.seen()
        assert people.up(at=AT + timedelta(days=9)).status == "sent"

    def test_a_dead_person_is_not_referred(self, people):
        Resident.objects.filter(pk=people.resident.pk).update(deceased_on=AT.date())
        with pytest.raises(RuleBroken, match="已登记死亡"):
            people.up()

    def test_a_centre_is_no_place_to_send_up_to(self, people):
        with pytest.raises(RuleBroken, match="送到医院"):
            people.up(to_organization_id=people.far_centre.pk)

    def test_somebody_elses_resident_is_not_there(self, people):
        with pytest.raises(NotVisible):
            people.up(by=people.far_gp.actor)

    def test_the_desk_does_not_send_up(self, people):
        with pytest.raises(Denied):
            people.up(by=people.desk.actor)

    def test_the_place_of_another_person_is_refused(self, people):
        place = people.booked(people.clinic()[1], people.person(2))
        with pytest.raises(RuleBroken, match="不是这位居民"):
            people.up(booking_id=place.pk)

    def test_two_referrals_have_two_numbers(self, people):
        assert people.up().number != people.up(specialty="neurology").number


@pytest.mark.clause("SZ16-2.2a")
def test_the_paired_centre_has_the_green_channel_the_unpaired_cannot_set_it():
    people = cast("4403", "440304")
    stranger = people.person(2, people.far_centre)
    green, plain = people.up(), people.up(resident_id=stranger.pk, by=people.far_gp.actor)
    queue = queries.desk_queue(people.desk, "up", ("sent",))
    assert {row.pk: row.is_green_channel for row in queue} == {green.pk: True, plain.pk: False}
    with pytest.raises(TypeError):
        people.up(resident_id=stranger.pk, specialty="neurology", by=people.far_gp.actor, is_green_channel=True)


@pytest.mark.clause("ZH-3.2.4b")
def test_the_green_channel_is_on_top_though_it_came_later(people):
    for number in (2, 3, 4):
        other = people.person(number, people.far_centre)
        people.up(resident_id=other.pk, by=people.far_gp.actor, at=AT + timedelta(minutes=number))
    green = people.up(at=AT + HOUR)
    queue = queries.desk_queue(people.desk, "up", ("sent",))
    assert queue[0].pk == green.pk
    assert len(queue) == 4


class TestOrigin:
    def visit(self, people, **changes):
        values = {
            "resident_id": people.resident.pk, "organization_id": people.centre.pk, "practitioner_id": people.expert.pk,
            "specialty": "cardiology", "started_at": AT, "is_posted_expert": True, "by": SYSTEM, "at": AT, **changes,
        }  # fmt: skip
        return record_encounter(**values)

    @pytest.mark.clause("SZ16-3.2b")
    def test_an_expert_refers_from_the_visit_at_the_centre_and_both_are_counted(self, people):
        visit = self.visit(people)
        sent = people.up(origin_encounter_id=visit.pk, by=people.specialist.actor)
        assert sent.origin_encounter_id == visit.pk
        assert (sent.from_organization_id, sent.from_practitioner_id) == (people.centre.pk, people.expert.pk)
        assert queries.expert_link(people.gp, AT, AT + HOUR) == (1, 1)

    def test_an_expert_without_a_visit_at_the_centre_may_not_send_up(self, people):
        know(people.resident, people.hospital)
        with pytest.raises(Denied):
            people.up(by=people.specialist.actor)

    def test_a_visit_of_somebody_else_is_no_origin(self, people):
        visit = self.visit(people, resident_id=people.person(2).pk)
        with pytest.raises(RuleBroken, match="起因"):
            people.up(origin_encounter_id=visit.pk)


class TestAccepting:
    def test_accept_with_the_place_the_gp_took_stops_the_clock_and_tells_both(self, people):
        slot = people.clinic()[1]
        sent = people.up(booking_id=people.booked(slot).pk)
        taken = actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + HOUR)
        assert (taken.status, taken.due_at, taken.booking.slot_id) == ("accepted", None, slot.pk)
        assert (taken.answered_at, taken.answer_by) == (AT + HOUR, AT + timedelta(hours=24))
        assert Notice.objects.filter(organization=people.centre, role="gp", subject__contains="已接收").count() == 1
        assert Notice.objects.filter(user=people.resident.user_id, subject__contains="已接收").count() == 1

    def test_accept_with_another_place_frees_the_first(self, people):
        first, second = people.clinic()[1], people.clinic(days=3)[1]
        sent = people.up(booking_id=people.booked(first).pk)
        taken = actions.accept_referral(referral_id=sent.pk, slot_id=second.pk, by=people.desk.actor, at=AT + HOUR)
        assert taken.booking.slot_id == second.pk
        first.refresh_from_db()
        assert first.taken == 0

    def test_accept_with_another_time_of_the_same_session(self, people):
        first, second = people.clinic()[1:3]
        sent = people.up(booking_id=people.booked(first).pk)
        taken = actions.accept_referral(referral_id=sent.pk, slot_id=second.pk, by=people.desk.actor, at=AT + HOUR)
        assert taken.booking.slot_id == second.pk
        assert Booking.objects.filter(resident=people.resident, status="booked").count() == 1

    def test_when_the_other_place_has_just_gone_the_first_is_kept(self, people):
        first, second = people.clinic()[1:3]
        sent = people.up(booking_id=people.booked(first).pk)
        people.booked(second, people.person(2))
        with pytest.raises(Taken):
            actions.accept_referral(referral_id=sent.pk, slot_id=second.pk, by=people.desk.actor, at=AT + HOUR)
        sent.refresh_from_db()
        assert (sent.status, sent.booking.status, sent.booking.slot_id) == ("sent", "booked", first.pk)

    def test_accept_without_any_place_is_refused(self, people):
        sent = people.up()
        with pytest.raises(RuleBroken, match="占号"):
            actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT + HOUR)

    def test_an_emergency_comes_without_a_place_and_is_seen_at_once(self, people):
        sent = people.up(urgency="emergency")
        actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT)
        seen = actions.confirm_visit(referral_id=sent.pk, by=people.desk.actor, at=AT + HOUR)
        assert (seen.encounter.organization_id, seen.due_at) == (people.hospital.pk, AT + HOUR + timedelta(hours=24))

    def test_the_guidance_office_accepts_too(self, people):
        slot = people.clinic()[1]
        sent = people.up()
        by = people.office_seat.actor
        taken = actions.accept_referral(referral_id=sent.pk, slot_id=slot.pk, by=by, at=AT + HOUR)
        assert taken.booking.booked_by == people.office_seat.user_name

    def test_the_sender_may_not_accept(self, people):
        sent = people.up(booking_id=people.booked(people.clinic()[1]).pk)
        with pytest.raises(Denied):
            actions.accept_referral(referral_id=sent.pk, by=people.gp.actor, at=AT + HOUR)

    def test_a_stranger_sees_none(self, people):
        sent = people.up()
        with pytest.raises(NotVisible):
            actions.accept_referral(referral_id=sent.pk, by=people.far_gp.actor, at=AT + HOUR)

    def test_accept_twice_names_who_was_first(self, people):
        taken = people.accepted()
        with pytest.raises(AlreadyMoved, match=people.desk.user_name):
            actions.accept_referral(referral_id=taken.pk, by=people.other_desk.actor, at=AT + 2 * HOUR)

    def test_whoever_decided_on_an_older_state_is_told(self, people):
        taken = people.accepted()
        with pytest.raises(AlreadyMoved, match="已接收"):
            actions.return_referral(
                referral_id=taken.pk, reason="无指征", seen_status="sent", by=people.other_desk.actor, at=AT + 2 * HOUR
            )


class TestRebooking:
    def test_an_accepted_patient_moves_to_another_day(self, people):
        taken = people.accepted()
        old, new = taken.booking.slot, people.clinic(days=4)[1]
        moved = actions.rebook_referral(referral_id=taken.pk, slot_id=new.pk, by=people.desk.actor, at=AT + 2 * HOUR)
        old.refresh_from_db()
        assert (moved.status, moved.booking.slot_id, old.taken) == ("accepted", new.pk, 0)

    def test_a_withdrawn_session_is_answered_by_a_new_place(self, people):
        taken = people.accepted()
        scheduling.withdraw_session(session_id=taken.booking.session_id, reason="会议", by=SYSTEM, at=AT + 2 * HOUR)
        new = people.clinic(days=4)[1]
        moved = actions.rebook_referral(referral_id=taken.pk, slot_id=new.pk, by=people.desk.actor, at=AT + 3 * HOUR)
        assert moved.booking.slot_id == new.pk


class TestReturning:
    def test_return_frees_the_place_and_the_gp_reads_why(self, people):
        slot = people.clinic()[1]
        sent = people.up(booking_id=people.booked(slot).pk)
        back = actions.return_referral(referral_id=sent.pk, reason="请补心电图", by=people.desk.actor, at=AT + HOUR)
        slot.refresh_from_db()
        assert (back.status, back.due_at, slot.taken) == ("returned", None, 0)
        assert Notice.objects.get(subject__contains="退回").body == "请补心电图"

    def test_return_without_a_reason_is_refused(self, people):
        sent = people.up()
        with pytest.raises(RuleBroken, match="原因"):
            actions.return_referral(referral_id=sent.pk, reason=" ", by=people.desk.actor, at=AT + HOUR)

    def test_return_by_the_sender_is_denied(self, people):
        sent = people.up()
        with pytest.raises(Denied):
            actions.return_referral(referral_id=sent.pk, reason="x", by=people.gp.actor, at=AT + HOUR)

    def test_a_patient_who_has_arrived_is_not_sent_back(self, people):
        taken = people.accepted()
        day = taken.booking.slot.starts_at
        scheduling.check_in(booking_id=taken.booking_id, by=people.desk.actor, at=day)
        with pytest.raises(RuleBroken, match="已经到诊"):
            actions.return_referral(referral_id=taken.pk, reason="x", by=people.desk.actor, at=day)

    def test_sent_again_the_clock_starts_anew_with_what_was_added(self, people):
        sent = people.up()
        actions.return_referral(referral_id=sent.pk, reason="请补", by=people.desk.actor, at=AT + HOUR)
        again = actions.resend_referral(
            referral_id=sent.pk, examination="心电图：ST 段轻度下移", by=people.gp.actor, at=AT + 2 * HOUR
        )
        assert (again.status, again.due_at) == ("sent", AT + 26 * HOUR)
        assert (again.examination, again.answered_at) == ("心电图：ST 段轻度下移", None)

    def test_what_is_not_the_letter_cannot_be_changed_on_the_way(self, people):
        sent = people.up()
        actions.return_referral(referral_id=sent.pk, reason="请补", by=people.desk.actor, at=AT + HOUR)
        with pytest.raises(RuleBroken, match="resident_id"):
            actions.resend_referral(referral_id=sent.pk, resident_id="7", by=people.gp.actor, at=AT + HOUR)

    def test_an_item_cannot_be_emptied_on_the_way(self, people):
        sent = people.up()
        actions.return_referral(referral_id=sent.pk, reason="请补", by=people.desk.actor, at=AT + HOUR)
        with pytest.raises(RuleBroken, match="过敏史"):
            actions.resend_referral(referral_id=sent.pk, allergies="", by=people.gp.actor, at=AT + HOUR)

    def test_only_a_returned_one_is_sent_again(self, people):
        sent = people.up()
        with pytest.raises(AlreadyMoved):
            actions.resend_referral(referral_id=sent.pk, by=people.gp.actor, at=AT + HOUR)


class TestWithdrawing:
    def test_withdraw_frees_the_place_and_ends_the_right_to_see(self, people):
        taken = people.accepted()
        slot = taken.booking.slot
        actions.withdraw_referral(referral_id=taken.pk, reason="居民改主意", by=people.gp.actor, at=AT + 2 * HOUR)
        slot.refresh_from_db()
        assert slot.taken == 0
        assert not sees(people.desk, people.resident, at=AT + 3 * HOUR)
        assert Notice.objects.filter(organization=people.hospital, subject__contains="撤回").count() == 1
        with pytest.raises(NotVisible):
            queries.get_referral(people.desk, taken.pk)

    def test_the_hospital_cannot_withdraw_what_the_centre_sent(self, people):
        sent = people.up()
        with pytest.raises(Denied):
            actions.withdraw_referral(referral_id=sent.pk, reason="x", by=people.desk.actor, at=AT + HOUR)

    def test_nothing_is_withdrawn_after_the_visit(self, people):
        seen = people.seen()
        with pytest.raises(AlreadyMoved, match="已就诊"):
            actions.withdraw_referral(referral_id=seen.pk, reason="x", by=people.gp.actor, at=AT + timedelta(days=3))


class TestVisit:
    def test_the_visit_enters_the_record_and_the_summary_is_owed(self, people):
        seen = people.seen()
        visit = Encounter.objects.get(pk=seen.encounter_id)
        assert (visit.organization_id, visit.practitioner_id, visit.origin) == (
            people.hospital.pk, people.expert.pk, "referral",
        )  # fmt: skip
        assert seen.due_at == seen.clock_from + timedelta(hours=72)
        assert seen.booking.__class__.objects.get(pk=seen.booking_id).status == "fulfilled"

    def test_before_the_day_the_visit_is_refused(self, people):
        taken = people.accepted()
        with pytest.raises(RuleBroken, match="就诊日是"):
            actions.confirm_visit(referral_id=taken.pk, by=people.desk.actor, at=AT + 2 * HOUR)

    def test_written_down_a_day_late_it_stands_at_its_time(self, people):
        taken = people.accepted()
        day = taken.booking.slot.starts_at
        seen = actions.confirm_visit(referral_id=taken.pk, by=people.desk.actor, at=day + timedelta(days=1))
        assert seen.encounter.started_at == day

    def test_a_visit_the_clinic_completed_already_is_taken_as_it_is(self, people):
        taken = people.accepted()
        day = taken.booking.slot.starts_at
        visit = scheduling.fulfil_booking(booking_id=taken.booking_id, by=people.desk.actor, at=day)
        seen = actions.confirm_visit(referral_id=taken.pk, by=people.desk.actor, at=day + HOUR)
        assert seen.encounter_id == visit.pk
        assert Encounter.objects.count() == 1

    def test_the_specialist_confirms_too_and_the_gp_does_not(self, people):
        taken = people.accepted()
        day = taken.booking.slot.starts_at
        with pytest.raises(Denied):
            actions.confirm_visit(referral_id=taken.pk, by=people.gp.actor, at=day)
        assert actions.confirm_visit(referral_id=taken.pk, by=people.specialist.actor, at=day).status == "seen"

    def test_who_did_not_come_is_told_to_the_centre(self, people):
        taken = people.accepted()
        late = taken.booking.slot.starts_at + 2 * HOUR
        missed = actions.mark_not_attended(referral_id=taken.pk, reason="电话未接", by=people.desk.actor, at=late)
        assert (missed.status, Booking.objects.get(pk=taken.booking_id).status) == ("not_attended", "no_show")
        assert Notice.objects.filter(organization=people.centre, subject__contains="未到").count() == 1

    def test_nobody_is_missing_before_the_time(self, people):
        taken = people.accepted()
        with pytest.raises(RuleBroken):
            actions.mark_not_attended(referral_id=taken.pk, reason="x", by=people.desk.actor, at=AT + 2 * HOUR)


class TestSummary:
    def test_the_letter_enters_the_record_and_the_gp_is_told(self, people):
        done = people.summarised()
        letter = Document.objects.get(kind="visit_summary")
        assert (letter.text, letter.encounter_id, letter.organization_id) == (
            done.reply, done.encounter_id, people.hospital.pk,
        )  # fmt: skip
        assert Notice.objects.filter(organization=people.centre, role="gp", subject__contains="已回信").count() == 1
        assert done.due_at is None

    def test_an_empty_letter_is_refused(self, people):
        seen = people.seen()
        with pytest.raises(RuleBroken):
            actions.return_summary(referral_id=seen.pk, reply=" ", by=people.desk.actor, at=AT + timedelta(days=3))

    def test_before_the_visit_there_is_no_summary(self, people):
        sent = people.up()
        with pytest.raises(AlreadyMoved):
            actions.return_summary(referral_id=sent.pk, reply="x", by=people.desk.actor, at=AT + HOUR)

    def test_the_centre_does_not_write_the_hospitals_letter(self, people):
        seen = people.seen()
        with pytest.raises(Denied):
            actions.return_summary(referral_id=seen.pk, reply="x", by=people.gp.actor, at=AT + timedelta(days=3))

    def test_read_and_closed_the_referral_gives_no_right_any_more(self, people):
        done = people.summarised()
        closed = actions.close_referral(referral_id=done.pk, by=people.gp.actor, at=AT + timedelta(days=4))
        assert closed.status == "closed"
        assert not people.resident.bases.filter(source=f"referral:{done.pk}", until__isnull=True).exists()

    def test_the_hospital_does_not_close(self, people):
        done = people.summarised()
        with pytest.raises(Denied):
            actions.close_referral(referral_id=done.pk, by=people.desk.actor, at=AT + timedelta(days=4))

    def test_every_step_is_in_the_history_with_its_person(self, people):
        done = people.summarised()
        rows = StatusChange.objects.filter(subject_type="referral.referral", subject_id=done.pk)
        assert [(row.action, row.by_name) for row in rows] == [
            ("begin", people.gp.user_name), ("accept", people.desk.user_name), ("see", people.desk.user_name),
            ("summarise", people.desk.user_name),
        ]  # fmt: skip


class TestClock:
    @pytest.mark.clause("ZH-4.4c")
    def test_unanswered_after_the_limit_it_is_overdue_and_escalated_once(self, people):
        sent = people.up()
        before, after = AT + timedelta(hours=23, minutes=59), AT + timedelta(hours=24, minutes=1)
        assert queries.overdue(before) == []
        assert [row.pk for row in queries.overdue(after)] == [sent.pk]
        assert actions.escalate_overdue(by=SYSTEM, at=after) == 1
        assert actions.escalate_overdue(by=SYSTEM, at=after + HOUR) == 0
        assert Notice.objects.filter(kind="overdue", organization=people.hospital, role="guidance_office").count() == 1

    def test_half_used_the_desk_is_reminded_once_and_the_supervisor_is_not(self, people):
        people.up()
        for hours in (11, 12, 13):
            actions.escalate_overdue(by=SYSTEM, at=AT + timedelta(hours=hours))
        assert list(
            Notice.objects.filter(kind="remind", organization=people.hospital).values_list("role", flat=True)
        ) == ["referral_desk"]
        assert not Notice.objects.filter(kind="overdue").exists()

    def test_an_answered_one_is_never_overdue(self, people):
        people.accepted()
        assert queries.overdue(AT + timedelta(days=1, hours=12)) == []

    def test_the_clock_shows_what_is_left(self, people):
        clock = queries.clock_of(people.up(), AT + 6 * HOUR)
        assert (clock.used_percent, clock.left, clock.is_overdue) == (25, 18 * HOUR, False)
