from __future__ import annotations

from kangqiao.domain.agreements.states import AGREEMENT


def test_no_party_ends_an_agreement_alone() -> None:
    for status in ("signed", "in_force", "ending_requested"):
        assert all(
            step.target not in ("ended", "lapsed") for step in AGREEMENT.steps_from(status, {"hospital", "centre"})
        )


def test_end_goes_through_a_request() -> None:
    assert AGREEMENT.step("end").sources == ("ending_requested",)
    assert AGREEMENT.step("end").parties == ("authority",)
