"""What referral brings: the waiting gained, both directions, and who came back up."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, CHINA, cast, organization, seat
from kangqiao.domain.referral.tests.test_green import ordered, whole
from kangqiao.domain.scheduling import actions as scheduling
from kangqiao.domain.scheduling.models import Slot

pytestmark = pytest.mark.django_db
SPRING = date(2026, 4, 1)


@pytest.fixture
def people():
    return cast()


def house(people, by=None, now=AT):
    return queries.results(by or people.desk, now, SPRING).houses[0]


@pytest.mark.clause("SZ16-2.2c")
def test_days_to_a_place_are_compared_with_those_of_others(people):
    slots = ordered(people, "ct")
    Slot.objects.update(pool="public", release_at=None, teams_at=None, contracted_at=None)
    slots[0].session.slots.update(capacity=9)
    for number in range(5):
        green, other = people.person(10 + number), people.person(20 + number)
        people.up(resident_id=green.pk, parts={"ct": slots[0].pk}, attempt=f"g{number}", specialty="neurology")
        far = people.person(30 + number, people.far_centre)
        scheduling.book(
            slot_id=slots[7].pk, resident_id=far.pk, channel="gp", attempt=f"o{number}", by=people.far_gp.actor, at=AT
        )
        assert other.pk

    gain = house(people).gains[1]

    days = (slots[0].starts_at - AT) / timedelta(days=1), (slots[7].starts_at - AT) / timedelta(days=1)
    assert (gain.green.n, gain.others.n) == (5, 5)
    assert (gain.green.median, gain.others.median) == (pytest.approx(days[0]), pytest.approx(days[1]))
    assert gain.gained == pytest.approx(days[1] - days[0])


def test_too_few_are_told_as_a_number_without_a_median(people):
    whole(people)
    gain = house(people).gains[1]
    assert (gain.green.n, gain.green.median, gain.others.n, gain.gained) == (1, None, 0, None)


def test_minutes_from_arrival_to_the_examination_are_counted(people):
    sent = whole(people)
    actions.accept_referral(referral_id=sent.pk, by=people.desk.actor, at=AT)
    nine = AT + timedelta(days=2)
    actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=nine)
    actions.complete_part(referral_id=sent.pk, kind="ct", by=people.desk.actor, at=nine + timedelta(minutes=25))
    found = queries.measured([people.hospital], queries.results(people.desk, AT).span, least=1, bounce_days=14)
    assert found[0].gains[4].green.median == pytest.approx(25)


@pytest.mark.clause("XH23-5.1.2g")
def test_both_directions_of_a_quarter_stand_beside_each_other(people):
    """500 up and 120 down, a hundred answered after two hours, sixty with their result returned."""
    fields = {
        "resident": people.resident, "specialty": "cardiology", "diagnosis": "I10", "reason": "演示", "policy_ref": "t",
        "sent_at": AT, "clock_from": AT, "answer_by": AT + timedelta(hours=1),
    }  # fmt: skip
    up = {"direction": "up", "from_organization": people.centre, "to_organization": people.hospital, **fields}
    down = {
        "direction": "down", "from_organization": people.hospital, "to_organization": people.centre, **fields,
    }  # fmt: skip
    rows = []
    for number in range(500):
        status = "closed" if number < 60 else "withdrawn"
        answered = {"answered_at": AT + timedelta(hours=2)} if number < 100 else {}
        rows.append(Referral(number=f"u{number}", status=status, **up, **answered))
    rows += [Referral(number=f"d{number}", status="followed_up", **down) for number in range(120)]
    Referral.objects.bulk_create(rows)

    found = house(people)

    assert (found.up.sent, found.down.sent, found.down_percent) == (500, 120, 24)
    assert (found.up.answered, found.up.in_time, found.up.returned) == (100, 0, 60)
    assert found.up.answer_hours == pytest.approx(2)


def test_who_comes_up_again_within_two_weeks_is_counted_and_shown_to_both(people):
    handed = people.down()
    actions.take_over(referral_id=handed.pk, by=people.gp.actor, at=AT + timedelta(hours=1))
    again = people.up(at=AT + timedelta(days=13))

    assert house(people, now=AT + timedelta(days=13)).down.bounced == 1
    assert queries.bounced(people.gp, again) == handed
    assert queries.bounced(people.desk, Referral.objects.get(pk=handed.pk)) == again


def test_after_two_weeks_it_is_a_new_story(people):
    handed = people.down()
    again = people.up(at=AT + timedelta(days=15))
    assert house(people, now=AT + timedelta(days=15)).down.bounced == 0
    assert queries.bounced(people.gp, again) is None
    assert queries.bounced(people.desk, handed) is None


def test_each_reader_sees_the_hospitals_they_answer_for_or_work_with(people):
    manager = seat(Role.CENTRE_MANAGER, people.centre, "manager")
    far = seat(Role.CENTRE_MANAGER, people.far_centre, "far-manager")
    director = seat(Role.HOSPITAL_DIRECTOR, people.hospital, "director")
    for one in (people.desk, people.office_seat, manager, director):
        assert [row.hospital for row in queries.results(one, AT).houses] == [people.hospital]
    assert queries.results(far, AT).houses == []


def test_more_hospitals_ask_no_more(people, asks_at_most):
    people.up()
    officer = seat(Role.BUREAU_OFFICER, people.hospital, "officer")
    queries.results(officer, AT)
    with asks_at_most(100) as alone:
        queries.results(officer, AT)
    for number in range(2, 5):
        one = organization(f"h{number}", "hospital", f"第{number}医院", people.hospital.place, level=3)
        seat(Role.REFERRAL_DESK, one, f"desk-{one.code}")
    with asks_at_most(len(alone)):
        houses = queries.results(officer, AT).houses
    assert [(house.owners, house.open, house.late) for house in houses] == [
        (["演示office"], 1, 0), *(([f"演示desk-h{number}"], 0, 0) for number in range(2, 5)),
    ]  # fmt: skip


def test_an_unknown_quarter_is_the_present_one(people):
    now = datetime(2026, 5, 4, 9, tzinfo=CHINA)
    assert queries.results(people.desk, now, date(1999, 1, 1)).span.start == SPRING
