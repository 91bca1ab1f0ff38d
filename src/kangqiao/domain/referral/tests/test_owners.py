"""Who answers for a hospital's referrals: by name, with what is late on top, told to them and to the director."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.queries import lists
from kangqiao.domain.referral.tests.factories import AT, SYSTEM, cast

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(hours=25)


@pytest.fixture
def people():
    return cast()


@pytest.mark.clause("XH23-5.1.2c")
def test_three_letters_past_their_limit_stand_on_top_escalated_with_an_owner_by_name(people):
    far = [people.person(number, people.far_centre) for number in (2, 3, 4)]
    late = [people.up(resident_id=one.pk, by=people.far_gp.actor).pk for one in far]
    fresh = people.up(at=AT + timedelta(hours=20))

    actions.escalate_overdue(by=SYSTEM, at=LATER)

    waiting = queries.desk_lines(people.desk, LATER).own
    assert [line.referral.pk for line in waiting] == [*late, fresh.pk]
    assert Notice.objects.filter(kind="overdue", organization=people.hospital, role="guidance_office").count() == 3
    house = queries.results(people.office_seat, LATER).houses[0]
    assert (house.owners, house.open, house.late) == ([people.office_seat.user_name], 4, 3)


def test_an_emergency_stands_above_what_is_late(people):
    people.up()
    emergency = people.up(specialty="neurology", urgency="emergency", at=LATER)
    waiting = queries.desk_lines(people.desk, LATER).own
    assert waiting[0].referral.pk == emergency.pk


def test_without_a_guidance_office_the_desk_answers(people):
    people.office.part_of = None
    people.office.save()
    house = queries.results(people.desk, AT).houses[0]
    assert set(house.owners) == {people.desk.user_name, people.other_desk.user_name}


def test_the_director_reads_once_a_week_what_stood_still(people):
    people.up()

    assert actions.tell_directors(by=SYSTEM, at=AT + timedelta(hours=1)) == 0
    assert actions.tell_directors(by=SYSTEM, at=LATER) == 1
    assert actions.tell_directors(by=SYSTEM, at=LATER + timedelta(days=1)) == 0

    told = Notice.objects.get(role="hospital_director")
    assert (told.organization, told.subject, told.body) == (people.hospital, "转诊：1张超过时限还停着", "待接收 1")


def test_what_the_centre_owes_is_not_told_to_the_hospital(people):
    handed = people.down()
    actions.take_over(referral_id=handed.pk, by=people.gp.actor, at=AT)
    assert actions.tell_directors(by=SYSTEM, at=AT + timedelta(days=30)) == 0


def test_a_missed_first_contact_is_told_to_the_manager_of_the_centre(people):
    handed = people.down()
    actions.take_over(referral_id=handed.pk, by=people.gp.actor, at=AT)
    actions.escalate_overdue(by=SYSTEM, at=AT + timedelta(days=8))
    told = Notice.objects.get(kind="overdue", url=f"/referrals/{handed.pk}/")
    assert (told.organization, told.role) == (people.centre, "centre_manager")


def test_the_desk_counts_all_and_shows_the_most_pressing(people, monkeypatch):
    monkeypatch.setattr(lists, "MOST_WAITING", 2)
    for number in range(2, 6):
        people.up(resident_id=people.person(number, people.centre).pk, at=AT + timedelta(minutes=number))
    urgent = people.up(resident_id=people.person(9, people.centre).pk, urgency="urgent", at=LATER)

    desk = queries.desk_lines(people.desk, LATER)

    assert (desk.waiting, desk.others, len(desk.own), len(desk.elsewhere)) == (5, 0, 2, 0)
    assert desk.late == 4
    assert desk.own[0].clock.is_overdue
    assert urgent.pk not in [line.referral.pk for line in desk.own]
