"""Attendance, recorded work and the closing of a week."""

from __future__ import annotations

import pytest

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.actions.changes import _placed
from kangqiao.domain.roster.models import Activity, Roster
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SYSTEM,
    day,
    instant,
    staffed_network,
)
from kangqiao.kernel.errors import Denied, RuleBroken, Taken
from kangqiao.kernel.period import week

pytestmark = pytest.mark.django_db


@pytest.fixture
def held():
    """A confirmed half-day of Monday morning with its network."""
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    return network, row


def test_attendance_is_the_centres_and_only_once_begun(held) -> None:
    network, row = held
    centre = network.seat(Role.CENTRE_MANAGER, "香湾").actor

    with pytest.raises(RuleBroken, match="还没有开始"):
        actions.complete_half_day(half_day_id=row.pk, by=centre, at=AT)
    with pytest.raises(Denied):
        actions.complete_half_day(
            half_day_id=row.pk, by=network.seat(Role.GUIDANCE_OFFICE, "市一").actor, at=instant(day(0))
        )
    assert actions.complete_half_day(half_day_id=row.pk, by=centre, at=instant(day(0), 12)).status == "done"


def test_attendance_attested_by_mistake_is_taken_back(held) -> None:
    network, row = held
    centre = network.seat(Role.CENTRE_MANAGER, "香湾").actor
    actions.complete_half_day(half_day_id=row.pk, by=centre, at=instant(day(0), 12))

    back = actions.undo_attendance(half_day_id=row.pk, by=centre, at=instant(day(0), 12))

    assert back.status == "confirmed"
    assert actions.complete_half_day(half_day_id=row.pk, by=centre, at=instant(day(0), 13)).status == "done"


def test_a_missed_half_day_needs_its_reason_and_withdraws_a_running_session(held) -> None:
    _network, row = held

    with pytest.raises(RuleBroken, match="原因"):
        actions.miss_half_day(half_day_id=row.pk, reason="", by=SYSTEM, at=instant(day(0), 9))
    missed = actions.miss_half_day(half_day_id=row.pk, reason="急诊手术", by=SYSTEM, at=instant(day(0), 9))
    assert missed.status == "missed"
    assert missed.session is not None
    assert missed.session.status == "withdrawn"


@pytest.mark.clause("SZ16-2.1c")
def test_work_appears_under_its_kind_in_the_centres_month(held) -> None:
    network, row = held
    at = instant(day(0), 12)
    actions.record_activity(half_day_id=row.pk, kind="clinic", people=12, by=SYSTEM, at=at)
    actions.record_activity(half_day_id=row.pk, kind="case_discussion", people=5, topic="反复发热", by=SYSTEM, at=at)

    seat = network.seat(Role.CENTRE_MANAGER, "香湾")
    month = queries.month_of(MONDAY)
    found = {each.kind: each for each in queries.work_done(seat, network.organizations["香湾"].pk, month)}

    assert len(found) == len(Activity.Kind.values) == 5
    assert (found["clinic"].people, found["clinic"].sessions) == (12, 1)
    assert found["case_discussion"].sessions == 1
    assert found["lecture"].sessions == 0


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": "surgery"}, "没有这种服务类型"),
        ({"people": -1}, "小于零"),
        ({"started_at": instant(day(1))}, "不在"),
        ({"at": AT}, "已开始"),
    ],
)
def test_work_that_cannot_be_is_refused(held, fields: dict[str, object], word: str) -> None:
    _network, row = held
    values = {"kind": "clinic", "people": 3, "by": SYSTEM, "at": instant(day(0), 12)} | fields

    with pytest.raises(RuleBroken, match=word):
        actions.record_activity(half_day_id=row.pk, **values)


@pytest.mark.clause("ZH-3.2.1a")
def test_week_with_two_of_three_half_days_tells_the_guidance_office_once() -> None:
    network = staffed_network()
    for number in (0, 2):
        network.sit("甲", "香湾", number)
    actions.publish_roster(roster_id=Roster.objects.get().pk, by=SYSTEM, at=AT)
    closing = instant(day(7), 2)

    told = actions.notify_shortfalls(of=week(MONDAY), place_code="4404", by=SYSTEM, at=closing)
    again = actions.notify_shortfalls(of=week(MONDAY), place_code="4404", by=SYSTEM, at=closing)

    centre = network.organizations["香湾"]
    short = {each.duties.centre: (each.kept, each.needed) for each in queries.week_shortfalls("4404", week(MONDAY))}
    assert short[centre] == (2, 3)
    notice = Notice.objects.get(cause=f"roster.shortfall:{centre.pk}:{MONDAY}")
    assert "2/3" in notice.subject
    assert (notice.organization, notice.role, notice.clause) == (
        network.organizations["市一"], "guidance_office", "ZH-3.2.1a",
    )  # fmt: skip
    # The two other centres got nothing at all: three notices, and none the second time.
    assert (told, again) == (3, 0)


def test_a_week_is_closed_only_when_it_is_over() -> None:
    staffed_network()

    with pytest.raises(RuleBroken, match="没有结束"):
        actions.notify_shortfalls(of=week(MONDAY), by=SYSTEM, at=instant(day(4)))


def test_a_missed_half_day_does_not_count_as_kept(held) -> None:
    _network, row = held
    actions.miss_half_day(half_day_id=row.pk, reason="急诊手术", by=SYSTEM, at=instant(day(0), 9))

    short = {each.duties.centre.short_zh: each.kept for each in queries.week_shortfalls("4404", week(MONDAY))}
    assert short["香湾"] == 0


def test_taken_is_said_when_somebody_was_faster() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(Taken, match="甲5月18日上午已排在别处"):
        _placed(row.roster, network.postings["甲", "狮山"], row.day, row.half, SYSTEM, AT)
