"""The life of a question about a look into a record."""

from kangqiao.kernel.states import Look, State, StateTable, Step

QUESTION = StateTable(
    name="question",
    zh="查看疑问",
    initial="asked",
    states=(
        State("asked", "等答复", "Waiting for an answer", Look.WAIT, owner="answerer"),
        State("answered", "已答复", "Answered", Look.DONE, final=True),
    ),
    steps=(Step("answer", "答复", "Answer", ("asked",), "answered", ("answerer",), primary=True),),
)
