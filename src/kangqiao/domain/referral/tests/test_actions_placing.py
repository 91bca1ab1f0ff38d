"""No place to give: the letter is taken on with a clock, goes on to another house, or is answered with advice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, SYSTEM, cast, organization, seat
from kangqiao.domain.residents import actions as residents
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import visible_to
from kangqiao.domain.scheduling.models import Booking, Slot
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WORDS = "门诊近期没有号，正在加号"


@pytest.fixture
def people():
    return cast()


@pytest.fixture
def other(people):
    """A second hospital of the place, with a desk."""
    return organization("h9", "hospital", "演示市中医院", people.hospital.place, level=3)


def deferred(people, **changes) -> Referral:
    sent = people.up(**changes)
    return actions.defer_referral(referral_id=sent.pk, reason=WORDS, by=people.desk.actor, at=AT + HOUR)


def redirected(people, one, to, **changes) -> Referral:
    values = {
        "to_organization_id": to.pk, "specialty": "cardiology", "reason": "那里有号", "is_agreed": True,
        "by": people.desk.actor, "at": AT + 2 * HOUR, **changes,
    }  # fmt: skip
    return actions.redirect_referral(referral_id=one.pk, **values)


def sees(seat, resident, at=AT + 3 * HOUR) -> bool:
    return Resident.objects.filter(visible_to(seat, at=at), pk=resident.pk).exists()


class TestNoPlaceYet:
    def test_the_desk_takes_the_patient_on_and_has_a_limited_time_to_find_a_place(self, people):
        one = deferred(people)

        assert (one.status, one.due_at, one.answered_at) == ("unplaced", AT + 73 * HOUR, AT + HOUR)
        told = Notice.objects.filter(url=f"/referrals/{one.pk}/", subject__contains="找号")
        assert {(row.organization_id, row.role, row.body) for row in told} == {
            (people.centre.pk, "gp", WORDS),
            (None, "", ""),  # the patient
        }

    @pytest.mark.parametrize(("urgency", "hours"), [("urgent", 24), ("emergency", 1)])
    def test_the_more_urgent_the_shorter(self, people, urgency, hours):
        assert deferred(people, urgency=urgency).due_at == AT + HOUR + hours * HOUR

    def test_it_stands_with_the_desk_and_with_who_sent_it_until_a_place_is_found(self, people):
        one = deferred(people)

        waiting = queries.desk_lines(people.desk, AT + 2 * HOUR).own
        wanted = {"in": ("to_organization", "up", "unplaced"), "out": ("from_organization", "up", "unplaced")}
        assert [line.referral for line in waiting] == [one]
        assert queries.waiting(people.desk, {"in": wanted["in"]})["in"] == (1, one.clock_from)
        assert queries.waiting(people.gp, {"out": wanted["out"]})["out"] == (1, one.clock_from)

        found = actions.accept_referral(
            referral_id=one.pk, slot_id=people.clinic()[0].pk, by=people.desk.actor, at=AT + 5 * HOUR
        )
        assert (found.status, found.due_at) == ("accepted", None)
        assert queries.waiting(people.gp, {"out": wanted["out"]})["out"] == (0, None)

    def test_when_the_time_is_up_the_hospital_and_its_supervisor_are_told_once(self, people):
        one = deferred(people)

        assert actions.escalate_overdue(by=SYSTEM, at=AT + 40 * HOUR) == 1
        assert actions.escalate_overdue(by=SYSTEM, at=AT + 80 * HOUR) == 1
        assert actions.escalate_overdue(by=SYSTEM, at=AT + 81 * HOUR) == 0
        assert {row.kind for row in Notice.objects.filter(kind__in=("remind", "overdue"))} == {"remind", "overdue"}
        assert queries.clock_of(one, AT + 80 * HOUR).is_overdue

    def test_with_a_place_held_there_is_nothing_to_look_for(self, people):
        sent = people.up(booking_id=people.booked(people.clinic()[1]).pk)
        with pytest.raises(RuleBroken, match="已经占了号"):
            actions.defer_referral(referral_id=sent.pk, reason=WORDS, by=people.desk.actor, at=AT + HOUR)

    def test_the_second_of_two_is_told_who_was_first(self, people):
        one = deferred(people)
        with pytest.raises(AlreadyMoved):
            actions.defer_referral(
                referral_id=one.pk, reason=WORDS, seen_status="sent", by=people.office_seat.actor, at=AT + HOUR
            )

    def test_the_sender_may_take_it_back_but_not_take_it_on(self, people):
        one = deferred(people)
        with pytest.raises(Denied):
            actions.advise_referral(referral_id=one.pk, reply="不用来", by=people.gp.actor, at=AT + 2 * HOUR)
        gone = actions.withdraw_referral(referral_id=one.pk, reason="去了别处", by=people.gp.actor, at=AT + 2 * HOUR)
        assert gone.status == "withdrawn"

    def test_a_second_letter_for_the_same_problem_is_still_joined(self, people):
        first = deferred(people)
        with pytest.raises(RuleBroken, match=first.number):
            people.up()


class TestRedirected:
    def test_another_hospital_has_it_with_a_clock_of_its_own_and_the_first_sees_nobody_any_more(self, people, other):
        desk = seat(Role.REFERRAL_DESK, other, "desk-9")
        one = redirected(people, deferred(people), other)

        assert (one.status, one.to_organization, one.due_at) == ("sent", other, AT + 26 * HOUR)
        assert (one.answered_at, one.agreement, one.is_green_channel) == (None, None, False)
        assert sees(desk, people.resident)
        assert not sees(people.desk, people.resident)
        assert sees(people.gp, people.resident)
        with pytest.raises(NotVisible):
            queries.get_referral(people.desk, one.pk)
        history = [(row.action, row.reason) for row in queries.history_of(one)]
        assert history == [("begin", ""), ("defer", WORDS), ("redirect", "那里有号")]

    def test_the_place_held_is_free_again(self, people, other):
        booking = people.booked(people.clinic()[1])
        one = redirected(people, people.up(booking_id=booking.pk), other)

        assert one.booking is None
        assert Booking.objects.get(pk=booking.pk).status == "cancelled"
        assert Slot.objects.get(pk=booking.slot_id).taken == 0

    def test_the_new_desk_can_take_the_patient(self, people, other):
        desk = seat(Role.REFERRAL_DESK, other, "desk-9")
        one = redirected(people, people.up(urgency="emergency"), other)
        taken = actions.accept_referral(referral_id=one.pk, by=desk.actor, at=AT + 3 * HOUR)
        assert taken.status == "accepted"

    def test_the_same_house_may_offer_another_specialty(self, people):
        one = redirected(people, people.up(), people.hospital, specialty="neurology")
        assert (one.status, one.specialty, one.is_green_channel) == ("sent", "neurology", True)
        assert sees(people.desk, people.resident)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [({"is_agreed": False}, "同意"), ({"specialty": "no-such"}, "没有代码"), ({"reason": " "}, "原因")],
    )
    def test_what_is_missing_is_named(self, people, other, changes, words):
        one = people.up()
        with pytest.raises(RuleBroken, match=words):
            redirected(people, one, other, **changes)

    def test_the_same_again_is_no_redirection(self, people):
        with pytest.raises(RuleBroken, match="还是原来的"):
            redirected(people, people.up(), people.hospital)

    def test_a_centre_is_no_hospital(self, people):
        with pytest.raises(RuleBroken, match="送到医院"):
            redirected(people, people.up(), people.far_centre)

    def test_a_hospital_the_resident_refuses_gets_no_letter(self, people, other):
        one = people.up()
        self_ = replace(SYSTEM, id=f"user:{people.resident.user_id}", role=Role.RESIDENT)
        residents.refuse_organization(resident_id=people.resident.pk, organization_id=other.pk, by=self_, at=AT)
        with pytest.raises(RuleBroken, match="不让"):
            redirected(people, one, other)

    def test_who_is_on_the_way_there_already_is_not_sent_twice(self, people, other):
        people.up(to_organization_id=other.pk)
        one = people.up()
        with pytest.raises(RuleBroken, match="未结束的转诊单"):
            redirected(people, one, other)

    def test_hospitals_with_places_are_offered_first_and_the_own_one_last(self, people, other, asks_at_most):
        one = people.up()
        with asks_at_most(6):  # three for the tree of places, however many hospitals there are
            offered = [choice.value for choice in queries.other_hospitals(one, AT)]
        assert offered == [other.pk, people.hospital.pk]
        people.clinic()
        labels = {choice.value: choice.label for choice in queries.other_hospitals(one, AT)}
        assert "近期没有号" in labels[other.pk]
        assert "个号，最早" in labels[people.hospital.pk]


class TestAdvised:
    def test_the_doctor_reads_the_advice_and_closes_and_the_place_is_free(self, people):
        booking = people.booked(people.clinic()[1])
        sent = people.up(booking_id=booking.pk)
        one = actions.advise_referral(
            referral_id=sent.pk, reply="加氢氯噻嗪，两周后复测。", by=people.specialist.actor, at=AT + HOUR
        )

        assert (one.status, one.reply, one.answered_at) == ("advised", "加氢氯噻嗪，两周后复测。", AT + HOUR)
        assert Booking.objects.get(pk=booking.pk).status == "cancelled"
        closed = actions.close_referral(referral_id=one.pk, by=people.gp.actor, at=AT + 2 * HOUR)
        assert closed.status == "closed"

    def test_advice_without_words_is_refused(self, people):
        sent = people.up()
        with pytest.raises(RuleBroken, match="还没有写"):
            actions.advise_referral(referral_id=sent.pk, reply=" ", by=people.desk.actor, at=AT + HOUR)
        assert Referral.objects.get(pk=sent.pk).status == "sent"

    def test_whoever_disagrees_writes_a_new_letter(self, people):
        actions.advise_referral(referral_id=people.up().pk, reply="先观察", by=people.desk.actor, at=AT + HOUR)
        assert people.up(history="昨夜头痛加重。", at=AT + 2 * HOUR).status == "sent"
