"""The board of a week, and what each reader sees of it."""

from __future__ import annotations

import random

import pytest
from django.test.utils import CaptureQueriesContext

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.roster import actions, queries
from kangqiao.domain.roster.models import HalfDay
from kangqiao.domain.roster.tests.factories import (
    AT,
    MONDAY,
    SHENZHEN,
    SYSTEM,
    day,
    instant,
    staffed_network,
)
from kangqiao.kernel.errors import KangqiaoError, NotVisible
from kangqiao.kernel.period import Period, week

pytestmark = pytest.mark.django_db


def planned(network):
    return actions.plan_roster(
        place_id=network.city.pk, starts_on=MONDAY, weeks=1, time_limit_seconds=1.0, by=SYSTEM, at=AT
    )


def board(network, role: Role = Role.DISPATCHER, organization: str = "集团", **asked):
    return queries.board(network.seat(role, organization), network.city, MONDAY, **asked)


@pytest.mark.clause("ZH-3.2.1a")
def test_board_counts_half_days_and_experts_against_what_is_owed() -> None:
    network = staffed_network()
    planned(network)

    found = board(network)

    rows = {row.centre: (row.half_days, row.duties.half_days, row.experts, row.experts_needed) for row in found.rows}
    assert rows["拱北"] == (3, 3, 1, 2)
    assert rows["香湾"][:2] == (3, 3)
    half_days, experts = found.obligations
    assert (half_days.met, half_days.total, half_days.clause, half_days.value.setting) == (3, 3, "ZH-3.2.1a", False)
    assert (experts.met, experts.total, experts.value.setting) == (2, 3, True)
    assert found.counts["half_days"] == 9


def test_board_says_why_a_demand_is_unmet_and_what_would_help() -> None:
    network = staffed_network()
    planned(network)

    (unmet,) = board(network).unmet

    assert unmet.title == "拱北只有 1 名专家"
    assert unmet.reason == "派驻到这里的专家只有 1 名，要求 2 名。"
    assert "请市二再派驻 1 名专家" in unmet.remedies


def test_board_after_a_change_no_longer_repeats_the_solvers_reason() -> None:
    network = staffed_network()
    planned(network)
    row = HalfDay.objects.filter(centre=network.organizations["狮山"]).first()
    actions.cancel_half_day(half_day_id=row.pk, reason="专家开会", by=SYSTEM, at=AT)

    found = {each.title: each.reason for each in board(network).unmet}

    assert "改动过" in found["狮山少 1 个半天"]
    (marked,) = [slot for row in board_rows(network, "狮山") for slot in row.slots if slot.is_missing]
    assert not marked.entries


def board_rows(network, centre: str):
    seat = network.seat(Role.BUREAU_OFFICER, "卫健局")
    return [row for row in queries.board(seat, network.city, MONDAY).rows if row.centre == centre]


def test_board_marks_what_still_waits_for_a_side() -> None:
    network = staffed_network(SHENZHEN)
    row = network.sit("甲", "香湾", 0)
    actions.confirm_half_day(half_day_id=row.pk, by=network.seat(Role.GUIDANCE_OFFICE, "市一").actor, at=AT)

    found = board(network, cell=queries.cell_of(row))

    assert found.chosen is not None
    assert found.chosen.entry is not None
    assert found.chosen.entry.look == "ask"
    assert found.chosen.waiting_for == ("社区中心",)
    assert found.counts["waiting"] == 1


def test_board_shows_lawful_targets_of_a_move_and_why_others_are_barred() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    network.sit("甲", "狮山", 1)

    found = board(network, cell=queries.cell_of(row), mode="move")

    targets = {(each.centre, slot.day, slot.half): slot.target for each in found.rows for slot in each.slots}
    assert targets["狮山", day(2), "am"].allowed
    barred = targets["香湾", day(1), "am"]
    assert not barred.allowed
    assert "不能同时在两处" in barred.reason
    assert targets["拱北", day(2), "am"] is None


def test_board_lists_who_could_take_a_free_half_day() -> None:
    network = staffed_network()
    network.sit("甲", "狮山", 0)
    centre = network.organizations["香湾"].pk

    found = board(network, cell=f"{centre}.{MONDAY}.am")

    assert found.chosen is not None
    assert [(each.name, each.verdict.allowed) for each in found.chosen.candidates] == [("乙", True), ("甲", False)]


@pytest.mark.parametrize(
    ("role", "organization", "centres", "can_plan"),
    [
        (Role.DISPATCHER, "集团", {"香湾", "狮山", "拱北"}, True),
        (Role.BUREAU_OFFICER, "卫健局", {"香湾", "狮山", "拱北"}, False),
        (Role.GUIDANCE_OFFICE, "市一", {"香湾", "狮山"}, False),
        (Role.CENTRE_MANAGER, "拱北", {"拱北"}, False),
    ],
)
def test_each_reader_sees_their_own_rows(role: Role, organization: str, centres: set[str], can_plan: bool) -> None:
    network = staffed_network()
    planned(network)

    found = board(network, role, organization)

    assert {row.centre for row in found.rows} == centres
    assert found.can_plan is can_plan
    assert found.can_publish is can_plan


def test_a_cell_of_nonsense_is_no_cell() -> None:
    network = staffed_network()

    for cell in ("x", "1.2.3", f"{network.organizations['香湾'].pk}.2020-01-01.am", f"0.{MONDAY}.am"):
        seat = network.seat(Role.BUREAU_OFFICER, "卫健局") if cell == "x" else seat  # noqa: F821
        assert queries.board(seat, network.city, MONDAY, cell).chosen is None


def test_board_asks_no_more_queries_for_more_half_days(connection_of_tests) -> None:
    network = staffed_network()
    seat = network.seat(Role.DISPATCHER, "集团")
    network.sit("甲", "香湾", 0)
    with CaptureQueriesContext(connection_of_tests) as few:
        queries.board(seat, network.city, MONDAY)
    for name, centre, number in (("甲", "狮山", 1), ("乙", "香湾", 2), ("乙", "狮山", 3), ("丙", "拱北", 0)):
        network.sit(name, centre, number)

    with CaptureQueriesContext(connection_of_tests) as many:
        queries.board(seat, network.city, MONDAY)

    assert len(many) <= len(few)


@pytest.fixture
def connection_of_tests():
    """The connection of the test database."""
    from django.db import connection

    return connection


def test_half_days_per_week_are_told_by_state() -> None:
    network = staffed_network()
    network.sit("甲", "香湾", 0)
    row = network.sit("甲", "香湾", 1)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    actions.complete_half_day(half_day_id=row.pk, by=SYSTEM, at=instant(day(1), 12))
    centre = network.organizations["香湾"].pk

    counts = queries.half_days_per_week([centre], week(MONDAY))

    assert counts == {centre: {MONDAY: {"confirmed": 1, "done": 1}}}


def test_a_half_day_of_another_hospital_is_not_visible() -> None:
    network = staffed_network()
    row = network.sit("丙", "拱北", 0)

    with pytest.raises(NotVisible):
        queries.get_half_day(network.seat(Role.GUIDANCE_OFFICE, "市一"), row.pk)
    assert queries.get_half_day(network.seat(Role.GUIDANCE_OFFICE, "市二"), row.pk) == row


def test_sittings_of_a_centre_offer_attendance_only_once_begun() -> None:
    network = staffed_network()
    row = network.sit("甲", "香湾", 0)
    actions.publish_roster(roster_id=row.roster_id, by=SYSTEM, at=AT)
    seat = network.seat(Role.CENTRE_MANAGER, "香湾")

    (before,) = queries.sittings(seat, week(MONDAY), AT)
    (after,) = queries.sittings(seat, week(MONDAY), instant(day(0), 12))

    assert {step.action for step in before.steps} == {"cancel"}
    assert {step.action for step in after.steps} == {"complete", "miss", "cancel"}
    assert (before.can_record, after.can_record) == (False, True)
    assert queries.sittings(seat, Period(day(1), day(5)), AT) == []


def test_postings_page_offers_steps_to_the_own_hospital_alone() -> None:
    network = staffed_network()

    own = queries.postings_of(network.seat(Role.GUIDANCE_OFFICE, "市一"), is_open=True)
    centre = queries.postings_of(network.seat(Role.CENTRE_MANAGER, "香湾"), is_open=True)

    assert len(own) == 4
    assert {step.action for line in own for step in line.steps} == {"end"}
    assert len(centre) == 2
    assert [line.steps for line in centre] == [(), ()]


@pytest.mark.parametrize("seed", range(3))
def test_no_sequence_of_actions_puts_an_expert_in_two_places_or_over_the_limit(seed: int) -> None:
    network, chance = staffed_network(), random.Random(seed)
    pairs = list(network.postings)

    for _turn in range(30):
        rows = list(HalfDay.objects.exclude(status="cancelled"))
        target = {"day": day(chance.randrange(-1, 6)), "half": chance.choice(("am", "pm"))}
        try:
            match chance.choice(("add", "add", "add", "move", "replace", "cancel", "publish", "confirm")):
                case "add":
                    posting = network.postings[chance.choice(pairs)]
                    actions.add_half_day(posting_id=posting.pk, **target, by=SYSTEM, at=AT)
                case "move" if rows:
                    row, (_name, centre) = chance.choice(rows), chance.choice(pairs)
                    place = network.organizations[centre].pk
                    actions.move_half_day(half_day_id=row.pk, **target, centre_id=place, by=SYSTEM, at=AT)
                case "replace" if rows:
                    row, (name, _centre) = chance.choice(rows), chance.choice(pairs)
                    person = network.experts[name].pk
                    actions.move_half_day(
                        half_day_id=row.pk, day=row.day, half=row.half, practitioner_id=person, by=SYSTEM, at=AT
                    )
                case "cancel" if rows:
                    actions.cancel_half_day(half_day_id=chance.choice(rows).pk, reason="演示", by=SYSTEM, at=AT)
                case "publish" if rows:
                    actions.publish_roster(roster_id=rows[0].roster_id, by=SYSTEM, at=AT)
                case "confirm" if rows:
                    actions.confirm_half_day(half_day_id=chance.choice(rows).pk, by=SYSTEM, at=AT)
        except KangqiaoError:
            continue

    standing = list(HalfDay.objects.exclude(status="cancelled").values_list("practitioner", "centre", "day", "half"))
    assert standing
    spots = [(person, on, half) for person, _centre, on, half in standing]
    seats = [(centre, on, half) for _person, centre, on, half in standing]
    assert len(set(spots)) == len(spots)
    assert len(set(seats)) == len(seats)
    load = {person: sum(each[0] == person for each in standing) for person, *_rest in standing}
    assert max(load.values()) <= 3
    assert all(on.weekday() < 5 and on >= AT.date() for _person, _centre, on, _half in standing)
