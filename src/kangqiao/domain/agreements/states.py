"""The life of an agreement, from draft to its end."""

from kangqiao.kernel.states import Look, State, StateTable, Step

AGREEMENT = StateTable(
    name="agreement",
    zh="协议",
    initial="draft",
    states=(
        State("draft", "起草中", "Draft", Look.WAIT, owner="hospital"),
        State("signing", "待签署", "Waiting for signatures", Look.WAIT, owner="party"),
        State("signed", "已签署", "Signed", Look.GO, owner="system"),
        State("in_force", "生效中", "In force", Look.DONE, owner="party"),
        State("ending_requested", "申请终止", "End requested", Look.BACK, owner="authority"),
        State("lapsed", "已到期", "Lapsed", Look.GONE, final=True),
        State("ended", "已终止", "Ended", Look.GONE, final=True),
        State("discarded", "已作废", "Discarded", Look.GONE, final=True),
    ),
    steps=(
        Step(
            "propose",
            "送各方签署",
            "Send for signature",
            ("draft",),
            "signing",
            ("hospital", "authority"),
            primary=True,
        ),
        Step(
            "discard", "作废草稿", "Discard", ("draft", "signing"), "discarded", ("hospital", "authority"), danger=True
        ),
        Step("complete", "各方已签", "All parties signed", ("signing",), "signed", ("system",)),
        Step("take_effect", "生效", "Take effect", ("signed",), "in_force", ("system",)),
        Step(
            "request_end",
            "申请终止",
            "Request the end",
            ("in_force",),
            "ending_requested",
            ("hospital", "centre"),
            needs_reason=True,
        ),
        Step(
            "refuse_end",
            "不同意终止",
            "Refuse the end",
            ("ending_requested",),
            "in_force",
            ("authority",),
            needs_reason=True,
        ),
        Step(
            "end",
            "同意终止",
            "Approve the end",
            ("ending_requested",),
            "ended",
            ("authority",),
            needs_reason=True,
            danger=True,
        ),
        Step("lapse", "到期", "Lapse", ("in_force", "ending_requested"), "lapsed", ("system",)),
    ),
)
