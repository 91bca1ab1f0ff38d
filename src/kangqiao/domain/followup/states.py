"""The life of a plan of care and of a survey after a visit."""

from kangqiao.kernel.states import Look, State, StateTable, Step

PLAN = StateTable(
    name="care_plan",
    zh="健康方案",
    initial="running",
    states=(
        State("running", "执行中", "Running", Look.GO, owner="team"),
        State("replaced", "已更新", "Replaced", Look.GONE, final=True),
        State("closed", "已结束", "Closed", Look.GONE, final=True),
    ),
    steps=(
        Step("replace", "重新评估", "Assess again", ("running",), "replaced", ("team",)),
        Step("close", "签约结束", "The contract is over", ("running",), "closed", ("system",)),
    ),
)

SURVEY = StateTable(
    name="survey",
    zh="诊后问卷",
    initial="planned",
    states=(
        State("planned", "已排好", "Planned", Look.WAIT, owner="system"),
        State("asked", "等居民回答", "Waiting for the resident", Look.GO, owner="resident", clock="survey_answer_days"),
        State("answered", "已回答，等医生看", "Answered, waiting for the doctor", Look.WAIT, owner="team"),
        State("read", "医生已看", "Read by the doctor", Look.DONE, final=True),
        State("unanswered", "到期未回答", "Not answered in time", Look.BACK, owner="team"),
        State("dropped", "不再问", "No longer asked", Look.GONE, final=True),
    ),
    steps=(
        Step("ask", "发给居民", "Ask the resident", ("planned",), "asked", ("system",)),
        Step("answer", "回答", "Answer", ("asked", "unanswered"), "answered", ("resident", "team"), primary=True),
        Step("read", "已看", "Read", ("answered",), "read", ("team",), primary=True),
        Step("lapse", "到期没有回答", "Not answered in time", ("asked",), "unanswered", ("system",)),
        Step("drop", "居民已去世", "The resident has died", ("planned", "asked"), "dropped", ("system",)),
    ),
)
OPEN = ("planned", "asked")
ANSWERED = ("answered", "read")
