"""The two tables are whole: every state has a name, an owner or an end, a clock that the pack knows."""

from datetime import date

import pytest

from kangqiao import policy
from kangqiao.domain.referral.states import DOWN, SCHOOL_CASE, UP

TABLES = (UP, DOWN, SCHOOL_CASE)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_open_state_names_who_is_waited_for(table):
    assert [state.key for state in table.states if bool(state.owner) == state.final] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_clock_of_a_state_is_a_limit_of_the_pack(table):
    pack = policy.at("440402", date(2026, 5, 4))
    for state in table.states:
        if state.clock in ("accept_hours", "place_hours"):
            assert all(pack.value("referral", f"{state.clock}_{urgency}") for urgency in ("routine", "urgent"))
        elif state.clock:
            assert pack.value("referral", state.clock).fraction() > 0


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_whoever_is_waited_for_has_a_step(table):
    stuck = [
        state.key
        for state in table.states
        if not state.final and state.owner != "patient" and not table.steps_from(state.key, {state.owner})
    ]
    assert stuck == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_one_filled_button_at_most_for_each_party_in_each_state(table):
    for state in table.states:
        for party in ("gp", "desk", "specialist"):
            assert sum(step.primary for step in table.steps_from(state.key, {party})) <= 1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_diagram_draws_every_state_and_step(table):
    drawing = table.diagram()
    assert all(f"as {state.key}" in drawing for state in table.states)
    assert all(f"{source} --> {step.target}: {step.zh}" in drawing for step in table.steps for source in step.sources)


@pytest.mark.parametrize(
    ("status", "party", "expected"),
    [
        ("sent", "desk", ["accept", "return", "defer", "redirect", "advise"]),
        ("unplaced", "desk", ["accept", "return", "redirect", "advise"]),
        ("unplaced", "gp", ["withdraw"]),
        ("advised", "gp", ["close"]),
        ("sent", "gp", ["withdraw"]),
        ("accepted", "desk", ["return", "see", "rebook", "not_attend"]),
        ("seen", "specialist", ["summarise"]),
        ("summarised", "gp", ["close"]),
        ("closed", "gp", []),
    ],
)
def test_the_steps_open_to_each_party_up(status, party, expected):
    assert [step.action for step in UP.steps_from(status, {party})] == expected


def test_a_patient_is_never_returned_withdrawn_or_declined_without_a_reason():
    for table in TABLES:
        for step in table.steps:
            if table.state(step.target).look.value in ("back", "gone"):
                assert step.needs_reason, step.action
