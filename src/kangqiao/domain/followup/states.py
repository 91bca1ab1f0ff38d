"""The life of a plan of care."""

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
