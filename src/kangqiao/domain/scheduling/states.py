"""The life of a session, of a booking, of waiting for one, of who lost one, and of an appeal against an absence."""

from kangqiao.kernel.states import Look, State, StateTable, Step

SESSION = StateTable(
    name="session",
    zh="出诊单元",
    initial="open",
    states=(
        State("open", "开放", "Open", Look.DONE, owner="centre"),
        State("withdrawn", "已停诊", "Withdrawn", Look.GONE, final=True),
    ),
    steps=(
        Step(
            "withdraw",
            "停诊",
            "Withdraw",
            ("open",),
            "withdrawn",
            ("centre", "hospital", "system"),
            needs_reason=True,
            danger=True,
            undo=True,
        ),
        Step(
            "substitute", "替诊", "Substitute", ("open",), "open", ("centre", "hospital", "system"), needs_reason=True
        ),
    ),
)

BOOKING = StateTable(
    name="booking",
    zh="预约",
    initial="booked",
    states=(
        State("booked", "已预约", "Booked", Look.GO, owner="resident"),
        State("arrived", "已到诊", "Arrived", Look.WAIT, owner="practitioner"),
        State("fulfilled", "已就诊", "Seen", Look.DONE, final=True),
        State("cancelled", "已取消", "Cancelled", Look.GONE, final=True),
        State("no_show", "未到诊", "Did not come", Look.BACK, final=True),
    ),
    steps=(
        Step("check_in", "签到", "Check in", ("booked",), "arrived", ("desk", "resident"), primary=True, undo=True),
        Step("fulfil", "完成就诊", "Complete the visit", ("booked", "arrived"), "fulfilled", ("practitioner", "desk")),
        Step("cancel", "取消预约", "Cancel", ("booked",), "cancelled", ("resident", "desk", "system"), undo=True),
        Step("miss", "记为未到", "Mark as missed", ("booked",), "no_show", ("desk", "system"), undo=True),
    ),
)

WAITING = StateTable(
    name="waiting",
    zh="候补",
    initial="waiting",
    states=(
        State("waiting", "候补中", "Waiting", Look.WAIT, owner="system"),
        State("served", "等到了", "Got a place", Look.DONE, final=True),
        State("left", "不等了", "Left", Look.GONE, final=True),
        State("ended", "没等到", "Ended", Look.GONE, final=True),
    ),
    steps=(
        Step("accept", "要这个号", "Take it", ("waiting",), "served", ("resident", "centre", "system"), primary=True),
        Step("leave", "不等了", "Stop waiting", ("waiting",), "left", ("resident", "centre")),
        Step("end", "候补结束", "End the waiting", ("waiting",), "ended", ("system",)),
    ),
)

DISPLACED = StateTable(
    name="displaced",
    zh="停诊待安置",
    initial="open",
    states=(
        State("open", "待安置", "To be placed again", Look.BACK, owner="desk"),
        State("placed", "已另约", "Placed again", Look.DONE, final=True),
        State("let_go", "不用了", "Let go", Look.GONE, final=True),
        State("restored", "照常出诊", "Goes ahead after all", Look.DONE, final=True),
    ),
    steps=(
        Step("place", "改约", "Place again", ("open",), "placed", ("resident", "centre", "desk"), primary=True),
        Step("let_go", "不用了", "Let go", ("open",), "let_go", ("resident", "centre", "desk")),
        Step("restore", "停诊撤销", "Goes ahead after all", ("open",), "restored", ("system",)),
    ),
)

APPEAL = StateTable(
    name="appeal",
    zh="爽约申诉",
    initial="made",
    states=(
        State("made", "等答复", "Waiting for an answer", Look.WAIT, owner="desk"),
        State("granted", "不计爽约", "Not counted", Look.DONE, final=True),
        State("refused", "仍计爽约", "Still counted", Look.GONE, final=True),
        State("withdrawn", "不用答复了", "Needs no answer", Look.GONE),
    ),
    steps=(
        Step("grant", "不计爽约", "Do not count it", ("made",), "granted", ("desk",), needs_reason=True, primary=True),
        Step("refuse", "仍计爽约", "Count it still", ("made",), "refused", ("desk",), needs_reason=True),
        Step("withdraw", "不用答复了", "Needs no answer", ("made",), "withdrawn", ("desk",), needs_reason=True),
        Step("renew", "再申诉", "Appeal again", ("withdrawn",), "made", ("resident",)),
    ),
)
