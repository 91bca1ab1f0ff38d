"""The life of a notice on its way to a telephone."""

from kangqiao.domain.messaging.states import DELIVERY


def test_only_what_was_given_up_is_sent_again_and_what_arrived_stays() -> None:
    steps = {
        state.key: {step.action for step in DELIVERY.steps if state.key in step.sources} for state in DELIVERY.states
    }

    assert steps == {"queued": {"send", "fail"}, "sent": {"deliver", "fail"}, "delivered": set(), "failed": {"again"}}


def test_the_administrator_has_one_step_and_the_system_the_others() -> None:
    assert {step.action for step in DELIVERY.steps if step.parties == ("system_admin",)} == {"again"}
    assert all(step.parties in (("system",), ("system_admin",)) for step in DELIVERY.steps)
