"""The way down: proposed with criterion and plan, taken over or declined, followed up."""

from datetime import timedelta

import pytest

from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.records.models import Document, Encounter
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, HAND_OVER, SYSTEM, cast
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def people():
    return cast()


class TestProposing:
    @pytest.mark.clause("ZH-4.4b")
    def test_a_stroke_patient_goes_down_under_a_named_criterion_and_is_answered_in_time(self, people):
        down = people.down()
        assert (down.reason_code, down.due_at) == ("rehabilitation", AT + timedelta(hours=48))
        taken = actions.take_over(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)
        assert taken.answered_at <= taken.answer_by

    @pytest.mark.clause("ZH-4.4b")
    @pytest.mark.parametrize("code", ["", "htn_resistant"])
    def test_without_one_of_the_criteria_for_the_way_down_it_is_refused(self, people, code):
        with pytest.raises(RuleBroken) as refused:
            people.down(reason_code=code, reason="病情稳定")
        assert refused.value.clause == "ZH-4.4b"

    @pytest.mark.parametrize("empty", ["plan", "medicines"])
    def test_without_plan_or_medicines_it_is_refused(self, people, empty):
        with pytest.raises(RuleBroken, match="随访计划"):
            people.down(**{empty: " "})

    def test_the_plan_enters_the_record_and_the_centre_is_told(self, people):
        people.down()
        assert Document.objects.get(kind="care_plan").text == HAND_OVER["plan"]
        assert Notice.objects.filter(organization=people.centre, role="gp", subject__contains="下转").count() == 1

    def test_consent_is_written_down_as_it_was_given(self, people):
        assert people.down(has_consent=False).has_consent is False

    def test_the_same_hand_over_twice_names_the_first(self, people):
        first = people.down()
        with pytest.raises(RuleBroken) as refused:
            people.down()
        assert first.number in refused.value.message

    def test_a_declined_one_still_counts_as_open(self, people):
        first = people.down()
        actions.decline_down(referral_id=first.pk, reason="无床位", by=people.gp.actor, at=AT + HOUR)
        with pytest.raises(RuleBroken, match=first.number):
            people.down(at=AT + 2 * HOUR)

    def test_a_dead_person_is_not_handed_over(self, people):
        Resident.objects.filter(pk=people.resident.pk).update(deceased_on=AT.date())
        with pytest.raises(RuleBroken, match="已登记死亡"):
            people.down()

    def test_a_centre_does_not_send_down(self, people):
        with pytest.raises(Denied):
            people.down(by=people.gp.actor)

    def test_somebody_the_hospital_does_not_know_is_not_there(self, people):
        with pytest.raises(NotVisible):
            actions.propose_down(
                resident_id=people.resident.pk, to_organization_id=people.centre.pk, specialty="neurology",
                by=people.desk.actor, at=AT, **HAND_OVER,
            )  # fmt: skip

    def test_it_goes_to_a_centre_only(self, people):
        with pytest.raises(RuleBroken, match="送到社区"):
            people.down(to_organization_id=people.office.pk)

    def test_it_continues_a_referral_of_the_same_person_only(self, people):
        other = people.up(resident_id=people.person(2).pk)
        with pytest.raises(RuleBroken, match="接续"):
            people.down(origin_id=other.pk)


@pytest.mark.clause("ZH-3.2.4a")
def test_up_and_down_of_one_patient_are_one_case_for_both_sides(people):
    up = people.summarised(at=AT)
    down = people.down(origin_id=up.pk, at=AT + timedelta(days=9))
    for seat in (people.gp, people.desk, people.office_seat):
        case = queries.case_of(seat, down)
        assert [(row.direction, row.reason_code, row.sent_at) for row in case] == [
            ("up", "htn_resistant", AT),
            ("down", "rehabilitation", AT + timedelta(days=9)),
        ]


class TestAnswering:
    def test_taken_over_the_first_contact_is_due_within_its_days(self, people):
        taken = actions.take_over(referral_id=people.down().pk, by=people.gp.actor, at=AT + HOUR)
        assert (taken.status, taken.due_at) == ("taken_over", AT + HOUR + timedelta(days=7))

    def test_the_hospital_cannot_take_over_for_the_centre(self, people):
        down = people.down()
        with pytest.raises(Denied):
            actions.take_over(referral_id=down.pk, by=people.desk.actor, at=AT + HOUR)

    def test_another_centre_does_not_see_it(self, people):
        down = people.down()
        with pytest.raises(NotVisible):
            actions.take_over(referral_id=down.pk, by=people.far_gp.actor, at=AT + HOUR)

    def test_declined_with_a_reason_the_hospital_is_told_why(self, people):
        down = people.down()
        declined = actions.decline_down(referral_id=down.pk, reason="无康复床位", by=people.gp.actor, at=AT + HOUR)
        assert (declined.status, declined.due_at) == ("declined", None)
        assert set(Notice.objects.filter(subject__contains="未接收").values_list("body", flat=True)) == {"无康复床位"}

    def test_declined_without_a_reason_is_refused(self, people):
        down = people.down()
        with pytest.raises(RuleBroken, match="原因"):
            actions.decline_down(referral_id=down.pk, reason="", by=people.gp.actor, at=AT + HOUR)

    def test_proposed_again_with_a_better_plan(self, people):
        down = people.down()
        actions.decline_down(referral_id=down.pk, reason="请写监测", by=people.gp.actor, at=AT + HOUR)
        again = actions.propose_again(
            referral_id=down.pk, plan="每周测两次", medicines="同前", by=people.specialist.actor, at=AT + 2 * HOUR
        )
        assert (again.status, again.due_at, again.plan) == ("proposed", AT + 50 * HOUR, "每周测两次")
        assert Document.objects.filter(kind="care_plan").count() == 2

    def test_withdrawn_by_the_hospital_the_centre_is_told(self, people):
        down = people.down()
        actions.withdraw_referral(referral_id=down.pk, reason="病情变化", by=people.desk.actor, at=AT + HOUR)
        assert Notice.objects.filter(organization=people.centre, role="gp", subject__contains="撤回").count() == 1

    def test_taken_over_it_cannot_be_withdrawn(self, people):
        down = people.down()
        actions.take_over(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)
        with pytest.raises(AlreadyMoved, match=people.gp.user_name):
            actions.withdraw_referral(referral_id=down.pk, reason="x", by=people.desk.actor, at=AT + 2 * HOUR)

    def test_a_step_of_the_way_up_is_no_step_of_the_way_down(self, people):
        down = people.down()
        with pytest.raises(RuleBroken, match="没有这一步"):
            actions.accept_referral(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)


class TestFirstContact:
    def test_it_enters_the_record_and_ends_the_case(self, people):
        down = people.down()
        actions.take_over(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)
        done = actions.record_first_contact(
            referral_id=down.pk, note="电话随访，血压 128/78。", by=people.gp.actor, at=AT + timedelta(days=2)
        )
        visit = Encounter.objects.get(pk=done.encounter_id)
        assert (done.status, visit.organization_id, visit.summary) == (
            "followed_up", people.centre.pk, "电话随访，血压 128/78。",
        )  # fmt: skip

    def test_without_a_word_it_is_refused(self, people):
        down = people.down()
        actions.take_over(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)
        with pytest.raises(RuleBroken, match="首次随访"):
            actions.record_first_contact(referral_id=down.pk, note=" ", by=people.gp.actor, at=AT + 2 * HOUR)

    def test_late_it_is_escalated_to_the_manager_of_the_centre_once(self, people):
        down = people.down()
        actions.take_over(referral_id=down.pk, by=people.gp.actor, at=AT + HOUR)
        for days in (8, 9):
            actions.escalate_overdue(by=SYSTEM, at=AT + timedelta(days=days))
        assert Notice.objects.filter(kind="overdue", organization=people.centre, role="centre_manager").count() == 1


def test_in_time_stays_countable_when_the_next_clock_runs(people):
    from django.db import connection

    from kangqiao.domain.referral.facts import TABLES

    late, good = people.down(), people.up()
    actions.take_over(referral_id=late.pk, by=people.gp.actor, at=AT + timedelta(hours=49))
    actions.return_referral(referral_id=good.pk, reason="请补", by=people.desk.actor, at=AT + HOUR)
    with connection.cursor() as cursor:
        cursor.execute(f"select referral_id, is_answered, is_in_time from ({TABLES[0].sql}) facts")
        assert set(cursor.fetchall()) == {(late.pk, True, False), (good.pk, True, True)}
    assert Referral.objects.count() == 2
