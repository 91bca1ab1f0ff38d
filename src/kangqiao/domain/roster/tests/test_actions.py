"""Postings, planning, moves, confirmations and publishing on PostgreSQL."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from kangqiao.base.transition import history
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.models import Activity, HalfDay, Roster
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SHENZHEN,
    SYSTEM,
    day,
    instant,
    make_network,
    staffed_network,
)
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Session
from kangqiao.domain.workforce.models import Absence
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken
from kangqiao.kernel.period import week

pytestmark = pytest.mark.django_db


def nominate(network, name: str, centre: str, **fields):
    values = {"starts_on": date(2026, 5, 1), "by": SYSTEM, "at": AT} | fields
    return actions.nominate_expert(
        practitioner_id=network.experts[name].pk, centre_id=network.organizations[centre].pk, **values
    )


def plan(network, weeks: int = 1, **fields):
    values = {"starts_on": MONDAY, "weeks": weeks, "time_limit_seconds": 1.0, "by": SYSTEM, "at": AT} | fields
    return actions.plan_roster(place_id=network.city.pk, **values)


# Postings


@pytest.mark.clause("SZ16-1c")
def test_only_a_licensed_associate_senior_physician_is_posted() -> None:
    network = make_network(SHENZHEN)
    network.expert("主治", "市一", title_grade="attending")
    network.expert("药师", "市一", title_kind="pharmacist")
    network.expert("副高", "市一")

    for name, word in (("主治", "主治医师"), ("药师", "副主任药师")):
        with pytest.raises(RuleBroken, match=word) as refusal:
            nominate(network, name, "香湾")
        assert refusal.value.clause == "SZ16-1c"
    assert nominate(network, "副高", "香湾").status == "nominated"


def test_posting_is_judged_again_when_the_title_fell_meanwhile() -> None:
    network = make_network()
    expert = network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾")
    expert.is_licensed = False
    expert.save()

    with pytest.raises(RuleBroken, match="执业资格"):
        actions.approve_posting(posting_id=posting.pk, by=SYSTEM, at=AT)


def test_overlapping_posting_names_the_existing_one() -> None:
    network = staffed_network()

    with pytest.raises(RuleBroken, match="甲在香湾已有派驻：2026-05-01 至 2029-01-01"):
        nominate(network, "甲", "香湾", starts_on=date(2026, 6, 1), ends_on=date(2026, 7, 1))


def test_database_refuses_an_overlapping_posting_by_itself() -> None:
    network = staffed_network()
    posting = network.postings["甲", "香湾"]
    posting.pk = None

    with pytest.raises(IntegrityError, match="posting_once_per_centre"), transaction.atomic():
        posting.save(force_insert=True)


def test_posting_needs_an_agreement_of_the_own_hospital() -> None:
    network = staffed_network()

    with pytest.raises(RuleBroken, match="没有生效的协议"):
        nominate(network, "甲", "拱北")


def test_posting_stays_within_the_agreement() -> None:
    network = make_network()
    network.expert("甲", "市一")

    with pytest.raises(RuleBroken, match="协议期内"):
        nominate(network, "甲", "香湾", ends_on=date(2030, 1, 1))


def test_only_the_own_hospital_posts() -> None:
    network = make_network()
    network.expert("甲", "市一")
    stranger = network.seat(Role.GUIDANCE_OFFICE, "市二")
    own = network.seat(Role.GUIDANCE_OFFICE, "市一")

    with pytest.raises(Denied):
        nominate(network, "甲", "香湾", by=stranger.actor)
    assert nominate(network, "甲", "香湾", by=own.actor).status == "nominated"


def test_refusing_a_nominee_needs_a_reason() -> None:
    network = make_network()
    network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾")

    with pytest.raises(RuleBroken, match="原因"):
        actions.refuse_posting(posting_id=posting.pk, reason=" ", by=SYSTEM, at=AT)
    refused = actions.refuse_posting(posting_id=posting.pk, reason="科里抽不出人", by=SYSTEM, at=AT)
    assert refused.status == "refused"


@pytest.mark.clause("SZ16-2.1a")
def test_ending_one_of_two_postings_shows_one_of_two_the_next_day_and_tells_the_hospital() -> None:
    network = staffed_network(SHENZHEN)
    centre = network.organizations["香湾"].pk
    today = AT.date()

    actions.end_posting(posting_id=network.postings["甲", "香湾"].pk, reason="调离", by=SYSTEM, at=AT)

    assert queries.experts_posted([centre], today)[centre] == 2
    assert queries.experts_posted([centre], today + timedelta(days=1))[centre] == 1
    notice = Notice.objects.get(kind="experts_missing")
    assert "1/2" in notice.subject
    assert (notice.organization, notice.role, notice.clause) == (
        network.organizations["市一"], "guidance_office", "SZ16-2.1a",
    )  # fmt: skip


def test_ending_a_posting_cancels_its_later_half_days() -> None:
    network = staffed_network()
    kept = network.sit("甲", "香湾", 0)
    gone = network.sit("甲", "香湾", 2)

    actions.end_posting(posting_id=network.postings["甲", "香湾"].pk, ends_on=day(1), reason="调离", by=SYSTEM, at=AT)

    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.status, gone.status) == ("planned", "cancelled")


def test_ended_before_it_began_a_posting_never_counts() -> None:
    network = make_network()
    network.expert("甲", "市一")
    posting = nominate(network, "甲", "香湾", starts_on=date(2026, 6, 1))
    actions.approve_posting(posting_id=posting.pk, by=SYSTEM, at=AT)
    actions.end_posting(posting_id=posting.pk, reason="不来了", by=SYSTEM, at=AT)

    centre = network.organizations["香湾"].pk
    assert queries.experts_posted([centre], date(2026, 6, 1)) == {}


def test_end_due_postings_closes_those_whose_term_is_over_once() -> None:
    network = make_network()
    network.expert("甲", "市一")
    network.post("甲", "香湾", ends_on=date(2026, 5, 20))

    assert actions.end_due_postings(on=date(2026, 5, 19), by=SYSTEM, at=AT) == []
    ended = actions.end_due_postings(on=date(2026, 5, 20), by=SYSTEM, at=instant(date(2026, 5, 20)))
    assert [posting.status for posting in ended] == ["ended"]
    assert actions.end_due_postings(on=date(2026, 5, 20), by=SYSTEM, at=AT) == []


# Planning


@pytest.mark.clause("ZH-3.2.1a")
def test_plan_gives_every_centre_its_half_days_or_says_why_not() -> None:
    network = staffed_network()

    roster = plan(network)

    counts = queries.half_days_per_week([each.pk for each in network.organizations.values()], week(MONDAY))
    per_centre = {network.organizations[name].pk: name for name in ("香湾", "狮山", "拱北")}
    planned = {per_centre[pk]: sum(by[MONDAY].values()) for pk, by in counts.items()}
    # Two experts give three half-days each to two centres; the third centre's only expert gives three.
    assert planned == {"香湾": 3, "狮山": 3, "拱北": 3}
    assert roster.status == "draft"
    assert roster.gap is not None
    assert 0 <= roster.gap <= 1
    assert [(item["what"], item["reason"]) for item in roster.unmet] == [("expert_per_week", "too_few_experts")]
    assert roster.policy_ref.startswith("zhuhai-lianjian@")


def test_plan_leaves_absences_and_hospital_clinics_free() -> None:
    network = staffed_network()
    third = network.experts["丙"]
    Absence.objects.create(practitioner=third, starts_on=day(0), ends_on=day(2))
    Session.objects.create(
        organization=network.organizations["市二"], practitioner=third, specialty="paediatrics", kind="hospital_clinic",
        starts_at=instant(day(3), 8), ends_at=instant(day(3), 11), source="test", policy_ref="test",
    )  # fmt: skip

    plan(network)

    found = HalfDay.objects.filter(practitioner=third).values_list("day", "half")
    assert sorted(found) == [(day(3), "pm"), (day(4), "am"), (day(4), "pm")]


def test_plan_again_replaces_the_draft_and_keeps_what_a_person_fixed() -> None:
    network = staffed_network()
    first = plan(network)
    row = HalfDay.objects.filter(practitioner=network.experts["丙"]).first()
    free = next(
        (each, half)
        for each in map(day, range(5))
        for half in ("am", "pm")
        if not HalfDay.objects.filter(practitioner=row.practitioner, day=each, half=half).exists()
    )
    moved = actions.move_half_day(half_day_id=row.pk, day=free[0], half=free[1], by=SYSTEM, at=AT)

    second = plan(network)

    first.refresh_from_db()
    moved.refresh_from_db()
    assert (first.status, second.status, second.version) == ("superseded", "draft", 2)
    assert (moved.day, moved.half, moved.roster) == (*free, second)
    assert not HalfDay.objects.filter(roster=first).exists()
    assert HalfDay.objects.filter(roster=second, practitioner=row.practitioner).count() == 3


def test_plan_keeps_published_half_days() -> None:
    network = staffed_network()
    actions.publish_roster(roster_id=plan(network).pk, by=SYSTEM, at=AT)
    before = set(HalfDay.objects.values_list("pk", flat=True))

    again = plan(network)

    assert set(HalfDay.objects.values_list("pk", flat=True)) == before
    assert not again.half_days.exists()


def test_plan_refuses_when_what_must_stay_has_become_unlawful() -> None:
    network = staffed_network()
    network.sit("丙", "拱北", 0)
    Absence.objects.create(practitioner=network.experts["丙"], starts_on=day(0), ends_on=day(0))

    with pytest.raises(RuleBroken, match="丙5月18日上午不能出诊：请假"):
        plan(network)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"starts_on": day(1)}, "不是周一"),
        ({"weeks": 0}, "至少要排一周"),
        ({"starts_on": date(2026, 5, 4)}, "过去"),
    ],
)
def test_plan_refuses_a_bad_horizon(fields: dict[str, object], word: str) -> None:
    with pytest.raises(RuleBroken, match=word):
        plan(staffed_network(), **fields)


def test_only_the_dispatcher_of_the_place_plans() -> None:
    network = staffed_network()

    with pytest.raises(Denied):
        plan(network, by=network.seat(Role.CENTRE_MANAGER, "香湾").actor)
    assert plan(network, by=network.seat(Role.DISPATCHER, "集团").actor).status == "draft"


def test_plan_of_a_place_without_agreements_is_refused() -> None:
    network = make_network()
    for agreement in network.agreements.values():
        agreement.status = "discarded"
        agreement.save()

    with pytest.raises(RuleBroken, match="没有生效的协议"):
        plan(network)


# The dispatcher's changes


def test_move_onto_a_clash_is_refused_with_the_reason() -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    other = network.sit("甲", "狮山", 1)

    with pytest.raises(RuleBroken, match="不能同时在两处"):
        actions.move_half_day(half_day_id=other.pk, day=day(0), half="am", by=SYSTEM, at=AT)


def test_move_into_an_absence_is_refused() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    Absence.objects.create(practitioner=network.experts["甲"], starts_on=day(3), ends_on=day(3), half="pm")

    with pytest.raises(RuleBroken, match="请假"):
        actions.move_half_day(half_day_id=row.pk, day=day(3), half="pm", by=SYSTEM, at=AT)
    moved = actions.move_half_day(half_day_id=row.pk, day=day(3), half="am", by=SYSTEM, at=AT)
    assert (moved.day, moved.half, moved.is_fixed) == (day(3), "am", True)


def test_move_to_another_hospitals_centre_is_refused() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(RuleBroken, match="由市二派专家"):
        actions.move_half_day(
            half_day_id=row.pk, day=day(0), half="am", centre_id=network.organizations["拱北"].pk, by=SYSTEM, at=AT
        )


@pytest.mark.parametrize(("on", "word"), [(date(2026, 5, 23), "休息日"), (date(2026, 5, 8), "过去")])
def test_move_to_a_weekend_or_the_past_is_refused(on: date, word: str) -> None:
    row = staffed_network().sit("甲", "香湾", 0)

    with pytest.raises(RuleBroken, match=word):
        actions.move_half_day(half_day_id=row.pk, day=on, half="am", by=SYSTEM, at=AT)


def test_a_fourth_half_day_in_a_week_is_refused() -> None:
    network = staffed_network()
    for number in range(3):
        network.sit("甲", "香湾", number)

    with pytest.raises(RuleBroken, match="最多 3 个"):
        network.sit("甲", "狮山", 3)


def test_replacing_the_expert_keeps_time_and_centre() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    changed = actions.move_half_day(
        half_day_id=row.pk, day=day(0), half="am", practitioner_id=network.experts["乙"].pk, by=SYSTEM, at=AT
    )

    assert changed.pk == row.pk
    assert changed.practitioner == network.experts["乙"]
    assert changed.posting == network.postings["乙", "香湾"]


def test_moving_a_public_half_day_withdraws_its_session_and_opens_another() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    row.refresh_from_db()

    moved = actions.move_half_day(half_day_id=row.pk, day=day(1), half="pm", by=SYSTEM, at=AT)
    actions.confirm_half_day(half_day_id=moved.pk, by=SYSTEM, at=AT)

    row.refresh_from_db()
    moved.refresh_from_db()
    assert (row.status, row.session.status) == ("cancelled", "withdrawn")
    assert (moved.status, moved.session.status) == ("confirmed", "open")


def test_cancelling_a_public_half_day_withdraws_its_session() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(RuleBroken, match="原因"):
        actions.cancel_half_day(half_day_id=row.pk, reason="", by=SYSTEM, at=AT)
    cancelled = actions.cancel_half_day(half_day_id=row.pk, reason="专家生病", by=SYSTEM, at=AT)

    assert cancelled.session is not None
    assert cancelled.session.status == "withdrawn"
    assert history(cancelled).last().reason == "专家生病"


def test_hospital_cancels_its_own_public_half_day_and_a_stranger_does_not() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(Denied):
        actions.cancel_half_day(
            half_day_id=row.pk, reason="x", by=network.seat(Role.GUIDANCE_OFFICE, "市二").actor, at=AT
        )
    own = network.seat(Role.GUIDANCE_OFFICE, "市一").actor
    assert actions.cancel_half_day(half_day_id=row.pk, reason="会议", by=own, at=AT).status == "cancelled"


def test_database_refuses_an_expert_in_two_places_by_itself() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(IntegrityError, match="half_day_expert_in_one_place"), transaction.atomic():
        HalfDay.objects.create(
            roster=row.roster, posting=network.postings["甲", "狮山"], practitioner=row.practitioner,
            centre=network.organizations["狮山"], day=row.day, half=row.half,
        )  # fmt: skip


# Confirming and publishing


def bookable(network, centre: str) -> int:
    found = scheduling.free_slots(
        [network.organizations[centre].pk], starts=instant(MONDAY, 0), ends=instant(day(6), 0), now=AT
    )
    return len(found)


@pytest.mark.clause("SZ16-2.1b")
def test_slots_are_bookable_only_after_both_sides_confirm() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    hospital, centre = network.seat(Role.GUIDANCE_OFFICE, "市一"), network.seat(Role.CENTRE_MANAGER, "香湾")

    actions.confirm_half_day(half_day_id=row.pk, by=hospital.actor, at=AT)
    after_one = bookable(network, "香湾")
    actions.confirm_half_day(half_day_id=row.pk, by=centre.actor, at=AT)

    row.refresh_from_db()
    assert after_one == 0
    assert row.status == "confirmed"
    assert bookable(network, "香湾") == row.session.slots.count() > 0


@pytest.mark.clause("SZ16-2.1b")
def test_the_dispatcher_cannot_confirm_for_the_two_sides() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    dispatcher = network.seat(Role.DISPATCHER, "集团").actor

    with pytest.raises(Denied) as refusal:
        actions.confirm_half_day(half_day_id=row.pk, by=dispatcher, at=AT)
    assert refusal.value.clause == "SZ16-2.1b"


def test_the_same_side_confirming_twice_is_still_one_side() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    hospital = network.seat(Role.GUIDANCE_OFFICE, "市一").actor

    actions.confirm_half_day(half_day_id=row.pk, by=hospital, at=AT)
    twice = actions.confirm_half_day(half_day_id=row.pk, by=hospital, at=AT)

    assert (twice.status, twice.centre_confirmed_at) == ("planned", None)


def test_publishing_confirms_where_one_side_is_enough() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    roster = actions.publish_roster(roster_id=row.roster_id, by=network.seat(Role.DISPATCHER, "集团").actor, at=AT)

    row.refresh_from_db()
    assert (roster.status, row.status) == ("published", "confirmed")
    assert bookable(network, "香湾") == row.session.slots.count() > 0


def test_publishing_twice_says_who_published() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)

    with pytest.raises(AlreadyMoved, match="已由test"):
        actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    assert Session.objects.count() == 1


def test_publishing_an_empty_roster_is_refused() -> None:
    network = make_network()
    roster = plan(network)

    with pytest.raises(RuleBroken, match="空的"):
        actions.publish_roster(roster_id=roster.pk, by=SYSTEM, at=AT)


def test_publishing_is_the_dispatchers_alone() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)

    with pytest.raises(Denied):
        actions.publish_roster(roster_id=row.roster_id, by=network.seat(Role.BUREAU_OFFICER, "卫健局").actor, at=AT)
    with pytest.raises(NotVisible):
        actions.publish_roster(roster_id=0, by=SYSTEM, at=AT)


# Attendance and work


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
        actions._placed(row.roster, network.postings["甲", "狮山"], row.day, row.half, SYSTEM, AT)
