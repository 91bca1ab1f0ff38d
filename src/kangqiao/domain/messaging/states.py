"""The life of a notice on its way to a telephone."""

from kangqiao.kernel.states import Look, State, StateTable, Step

DELIVERY = StateTable(
    name="delivery",
    zh="站外提醒",
    initial="queued",
    states=(
        State("queued", "等发送", "Waiting to be sent", Look.WAIT, owner="system"),
        State("sent", "已发出", "Sent", Look.GO, clock="report_hours"),
        State("delivered", "已送达", "Delivered", Look.DONE, final=True),
        State("failed", "没送到", "Not delivered", Look.BACK, owner="system_admin"),
    ),
    steps=(
        Step("send", "发出", "Send", ("queued",), "sent", ("system",)),
        Step("deliver", "回执：已送达", "Report delivered", ("sent",), "delivered", ("system",)),
        Step("fail", "没送到", "Give up", ("queued", "sent"), "failed", ("system",), needs_reason=True),
        Step("again", "再发一次", "Send again", ("failed",), "queued", ("system_admin",), primary=True),
    ),
)
