"""The life of an appraisal; a closed one stays closed."""

from kangqiao.kernel.states import Look, State, StateTable, Step

APPRAISAL = StateTable(
    name="appraisal",
    zh="年度考核",
    initial="open",
    states=(
        State("open", "待评分", "Open", Look.WAIT, owner="bureau"),
        State("scored", "待定案", "Scored", Look.GO, owner="bureau"),
        State("closed", "已定案", "Closed", Look.DONE, final=True),
    ),
    steps=(
        Step("score", "按指标评分", "Score from indicators", ("open", "scored"), "scored", ("bureau",), primary=True),
        Step("close", "定案", "Close", ("scored",), "closed", ("bureau",), danger=True, primary=True),
    ),
)
