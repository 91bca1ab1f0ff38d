from kangqiao.domain.contracting.states import CONTRACT, PENDING, PLACED, RUNNING, TERMED


def test_groups_of_states_are_states() -> None:
    keys = {state.key for state in CONTRACT.states}

    assert {*PENDING, *PLACED, *RUNNING, *TERMED} <= keys
    assert set(RUNNING) < set(PLACED)
    assert set(RUNNING) < set(TERMED)


def test_only_the_team_accepts_and_only_the_calendar_expires() -> None:
    assert CONTRACT.step("accept").parties == ("team",)
    assert CONTRACT.step("expire").parties == ("system",)
    assert {step.action for step in CONTRACT.steps_from("active", {"resident"})} == {"end"}
