"""The life of a posting, of a roster and of a half-day."""

from kangqiao.kernel.states import Look, State, StateTable, Step

POSTING = StateTable(
    name="posting",
    zh="派驻",
    initial="nominated",
    states=(
        State("nominated", "已提名", "Nominated", Look.WAIT, owner="hospital"),
        State("approved", "已批准", "Approved", Look.GO, owner="hospital"),
        State("posted", "派驻中", "Posted", Look.DONE, owner="centre"),
        State("ended", "已结束", "Ended", Look.GONE, final=True),
        State("refused", "未批准", "Refused", Look.BACK, final=True),
    ),
    steps=(
        Step("approve", "批准", "Approve", ("nominated",), "approved", ("hospital",), primary=True, undo=True),
        Step("refuse", "不批准", "Refuse", ("nominated",), "refused", ("hospital",), needs_reason=True),
        Step("post", "派驻", "Post", ("approved",), "posted", ("hospital",), primary=True),
        Step("end", "结束派驻", "End", ("posted", "approved"), "ended", ("hospital", "system"), needs_reason=True),
    ),
)

ROSTER = StateTable(
    name="roster",
    zh="排班表",
    initial="draft",
    states=(
        State("draft", "待发布", "Draft", Look.WAIT, owner="dispatcher"),
        State("published", "已发布", "Published", Look.DONE, owner="dispatcher"),
        State("superseded", "已被新版替代", "Superseded", Look.GONE, final=True),
    ),
    steps=(
        Step("publish", "发布排班", "Publish", ("draft",), "published", ("dispatcher",), primary=True),
        Step("supersede", "替代", "Supersede", ("draft", "published"), "superseded", ("dispatcher", "system")),
    ),
)

HALF_DAY = StateTable(
    name="half_day",
    zh="半天坐诊",
    initial="planned",
    states=(
        State("planned", "已排", "Planned", Look.WAIT, owner="dispatcher"),
        State("confirmed", "已确认", "Confirmed", Look.GO, owner="expert"),
        State("done", "已出诊", "Done", Look.DONE, final=True),
        State("missed", "未出诊", "Missed", Look.BACK, final=True),
        State("cancelled", "已取消", "Cancelled", Look.GONE, final=True),
    ),
    steps=(
        Step(
            "confirm", "确认", "Confirm", ("planned",), "confirmed", ("hospital", "centre", "dispatcher"), primary=True
        ),
        Step(
            "complete", "确认出诊", "Confirm attendance", ("confirmed",), "done", ("centre",), primary=True, undo=True
        ),
        Step("miss", "记为未出诊", "Mark as missed", ("confirmed",), "missed", ("centre",), needs_reason=True),
        Step(
            "cancel",
            "停诊",
            "Cancel",
            ("planned", "confirmed"),
            "cancelled",
            ("dispatcher", "centre", "hospital"),
            needs_reason=True,
            danger=True,
            undo=True,
        ),
    ),
)
