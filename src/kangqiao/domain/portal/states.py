"""The life of a question to the team."""

from kangqiao.kernel.states import Look, State, StateTable, Step

ENQUIRY = StateTable(
    name="enquiry",
    zh="问团队",
    initial="asked",
    states=(
        State("asked", "等团队回复", "Waiting for the team", Look.WAIT, owner="team", clock="answer_within_hours"),
        State("answered", "已回复", "Answered", Look.DONE, owner="resident"),
        State("closed", "已结束", "Closed", Look.GONE, final=True),
    ),
    steps=(
        Step("answer", "回复", "Answer", ("asked", "answered"), "answered", ("team",), primary=True),
        Step("hand_over", "转给同事", "Hand over", ("asked",), "asked", ("team",), needs_reason=True),
        Step("ask_more", "再问", "Ask more", ("answered",), "asked", ("resident",), primary=True),
        Step("close", "结束", "Close", ("answered",), "closed", ("team", "resident")),
        Step("strand", "签约结束", "The contract is over", ("asked",), "closed", ("system",), needs_reason=True),
    ),
)
OPEN = ("asked", "answered")
