"""The life of a referral up and of a referral down."""

from kangqiao.kernel.states import Look, State, StateTable, Step

UP = StateTable(
    name="referral_up",
    zh="上转",
    initial="sent",
    states=(
        State("sent", "待接收", "Waiting for the desk", Look.WAIT, owner="desk", clock="accept_hours"),
        State("returned", "已退回", "Returned", Look.BACK, owner="gp"),
        State("accepted", "已接收", "Accepted", Look.GO, owner="patient"),
        State("seen", "已就诊", "Seen", Look.GO, owner="specialist", clock="summary_hours"),
        State("summarised", "已回信", "Summary returned", Look.DONE, owner="gp"),
        State("closed", "已结案", "Closed", Look.DONE, final=True),
        State("withdrawn", "已撤回", "Withdrawn", Look.GONE, final=True),
        State("not_attended", "未到诊", "Did not attend", Look.BACK, final=True),
    ),
    steps=(
        Step("accept", "接收并占号", "Accept with the slot", ("sent",), "accepted", ("desk",), primary=True),
        Step(
            "return",
            "退回并说明",
            "Return with a reason",
            ("sent", "accepted"),
            "returned",
            ("desk",),
            needs_reason=True,
        ),
        Step("resend", "补充后再送", "Send again", ("returned",), "sent", ("gp",), primary=True),
        Step("withdraw", "撤回", "Withdraw", ("sent", "returned", "accepted"), "withdrawn", ("gp",), needs_reason=True),
        Step("see", "确认就诊", "Confirm the visit", ("accepted",), "seen", ("desk", "specialist"), primary=True),
        Step("rebook", "改期", "Move to another time", ("accepted",), "accepted", ("desk",)),
        Step(
            "not_attend",
            "记为未到诊",
            "Mark as not attended",
            ("accepted",),
            "not_attended",
            ("desk",),
            needs_reason=True,
            undo=True,
        ),
        Step(
            "summarise",
            "写就诊小结并回传",
            "Return the summary",
            ("seen",),
            "summarised",
            ("desk", "specialist"),
            primary=True,
        ),
        Step("close", "已阅结案", "Read and close", ("summarised",), "closed", ("gp",), primary=True, undo=True),
    ),
)

DOWN = StateTable(
    name="referral_down",
    zh="下转",
    initial="proposed",
    states=(
        State("proposed", "待中心接收", "Waiting for the centre", Look.WAIT, owner="gp", clock="down_accept_hours"),
        State("declined", "中心未接收", "Declined", Look.BACK, owner="specialist"),
        State("taken_over", "中心已接收", "Taken over", Look.GO, owner="gp", clock="first_contact_days"),
        State("followed_up", "已随访", "Followed up", Look.DONE, final=True),
        State("withdrawn", "已撤回", "Withdrawn", Look.GONE, final=True),
    ),
    steps=(
        Step("take_over", "接收并安排随访", "Take over", ("proposed",), "taken_over", ("gp",), primary=True, undo=True),
        Step("decline", "不接收并说明", "Decline with a reason", ("proposed",), "declined", ("gp",), needs_reason=True),
        Step(
            "propose_again",
            "补充后再送",
            "Propose again",
            ("declined",),
            "proposed",
            ("desk", "specialist"),
            primary=True,
        ),
        Step(
            "follow_up",
            "记录首次随访",
            "Record the first contact",
            ("taken_over",),
            "followed_up",
            ("gp",),
            primary=True,
        ),
        Step(
            "withdraw",
            "撤回",
            "Withdraw",
            ("proposed", "declined"),
            "withdrawn",
            ("desk", "specialist"),
            needs_reason=True,
        ),
    ),
)
