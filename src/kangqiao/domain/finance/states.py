"""The life of a settlement and of each line in it."""

from kangqiao.kernel.states import Look, State, StateTable, Step

SETTLEMENT = StateTable(
    name="settlement",
    zh="经费测算",
    initial="computed",
    states=(
        State("computed", "已测算", "Computed", Look.WAIT, owner="finance"),
        State("submitted", "已提交", "Submitted", Look.GO, owner="finance"),
        State("paid", "已拨付", "Paid", Look.DONE, final=True),
        State("superseded", "已更正", "Superseded", Look.GONE, final=True),
    ),
    steps=(
        Step("submit", "提交拨付", "Submit", ("computed",), "submitted", ("finance",), primary=True),
        Step("pay", "登记拨付", "Record the payment", ("submitted",), "paid", ("finance",), danger=True, primary=True),
        Step(
            "supersede", "更正重算", "Correct", ("computed", "submitted"), "superseded", ("finance",), needs_reason=True
        ),
    ),
)

LINE = StateTable(
    name="settlement_line",
    zh="经费明细",
    initial="held",
    states=(
        State("held", "待考核定案", "Held until the appraisal is closed", Look.WAIT, owner="bureau"),
        State("payable", "可拨付", "Payable", Look.GO, owner="finance"),
        State("paid", "已拨付", "Paid", Look.DONE, final=True),
    ),
    steps=(
        Step("release", "解除暂缓", "Release", ("held",), "payable", ("system",)),
        Step("pay", "拨付", "Pay", ("payable",), "paid", ("finance",)),
    ),
)
