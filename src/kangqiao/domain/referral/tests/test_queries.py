"""What each side sees, waits for and may do."""

from datetime import timedelta

import pytest
from django.test.utils import CaptureQueriesContext

from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.tests.factories import AT, cast, seat
from kangqiao.domain.residents.actions import end_basis
from kangqiao.kernel.errors import NotVisible

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def people():
    return cast()


def test_both_ends_and_the_patient_see_it_others_do_not(people):
    sent = people.up()
    own = seat("resident", people.centre, "stranger")
    patient = type(own)(**{**{name: getattr(own, name) for name in own.__slots__}, "user_id": people.resident.user_id})
    for who in (people.gp, people.desk, people.office_seat, people.specialist, patient):
        assert queries.get_referral(who, sent.pk).pk == sent.pk
    for who in (people.far_gp, own, seat("bureau_officer", people.office, "bureau"), None):
        with pytest.raises(NotVisible):
            queries.get_referral(who, sent.pk)


def test_without_a_basis_the_letter_is_out_of_reach(people):
    sent = people.up()
    end_basis(source=f"referral:{sent.pk}", by=people.gp.actor, at=AT + HOUR)
    with pytest.raises(NotVisible):
        queries.get_referral(people.desk, sent.pk)
    assert queries.get_referral(people.gp, sent.pk).pk == sent.pk  # the registered centre needs no referral to see


def test_a_centre_run_by_the_hospital_sees_its_own_referrals_alone(people):
    people.far_centre.part_of = people.hospital
    people.far_centre.save()
    sent = people.up()
    with pytest.raises(NotVisible):
        queries.get_referral(people.far_gp, sent.pk)


def test_tiles_count_what_waits_and_since_when_in_one_statement(people, django_assert_num_queries):
    people.up(at=AT)
    people.up(resident_id=people.person(2).pk, at=AT + HOUR)
    back = people.up(resident_id=people.person(3).pk, at=AT)
    actions.return_referral(referral_id=back.pk, reason="请补", by=people.desk.actor, at=AT + 2 * HOUR)
    done = people.summarised(resident_id=people.resident.pk, specialty="neurology")
    people.down(at=AT + 3 * HOUR, specialty="rehabilitation")
    wanted = {
        "desk": ("to_organization", "up", "sent"), "returned": ("from_organization", "up", "returned"),
        "reply": ("from_organization", "up", "summarised"), "down": ("to_organization", "down", "proposed"),
    }  # fmt: skip
    none = (0, None)
    for who, expected in (
        (people.desk, {"desk": (2, AT), "returned": none, "reply": none, "down": none}),
        (people.gp, {"desk": none, "returned": (1, AT + 2 * HOUR), "reply": (1, done.clock_from),
                     "down": (1, AT + 3 * HOUR)}),
        (people.far_gp, dict.fromkeys(wanted, none)),
    ):  # fmt: skip
        with django_assert_num_queries(1):
            assert queries.waiting(who, wanted) == expected


def test_the_desk_queue_stands_by_urgency_green_channel_and_clock(people):
    routine = people.up(at=AT)
    later = people.up(resident_id=people.person(2).pk, at=AT + HOUR)
    emergency = people.up(resident_id=people.person(3).pk, urgency="emergency", at=AT + 2 * HOUR)
    urgent = people.up(resident_id=people.person(4).pk, urgency="urgent", at=AT + HOUR)
    queue = queries.desk_queue(people.desk, "up", ("sent",))
    assert [row.pk for row in queue] == [emergency.pk, urgent.pk, routine.pk, later.pk]


def test_the_queue_costs_the_same_for_one_and_for_fifty(people):
    from django.db import connection

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            for row in queries.desk_queue(people.desk, "up", ("sent",)):
                assert row.resident.centre.zh
                assert row.from_organization.zh
        return len(caught)

    people.up()
    one = cost()
    for number in range(2, 12):
        people.up(resident_id=people.person(number).pk)
    assert cost() == one


def test_with_a_place_held_nobody_is_offered_to_look_for_one(people):
    sent = people.up(booking_id=people.booked(people.clinic()[1]).pk)
    assert "defer" not in [step.action for step in queries.available_steps(people.desk, sent)]


def test_the_buttons_are_those_of_the_table_for_this_side(people):
    sent = people.up()
    assert [step.action for step in queries.available_steps(people.desk, sent)] == [
        "accept",
        "return",
        "defer",
        "redirect",
        "advise",
    ]
    assert [step.action for step in queries.available_steps(people.gp, sent)] == ["withdraw"]
    assert queries.available_steps(people.far_gp, sent) == []
