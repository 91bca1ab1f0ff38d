"""The life of a publication; nothing is published without approval."""

from kangqiao.kernel.states import Look, State, StateTable, Step

PUBLICATION = StateTable(
    name="publication",
    zh="公示",
    initial="draft",
    states=(
        State("draft", "草稿", "Draft", Look.WAIT, owner="hospital", clock="publish_by"),
        State("submitted", "待审核", "Waiting for approval", Look.WAIT, owner="bureau"),
        State("returned", "已退回", "Returned", Look.BACK, owner="hospital"),
        State("approved", "已批准", "Approved", Look.GO, owner="hospital"),
        State("published", "已公示", "Published", Look.DONE, final=True),
    ),
    steps=(
        Step("submit", "送审", "Submit", ("draft", "returned"), "submitted", ("hospital",), primary=True),
        Step("return", "退回修改", "Return", ("submitted",), "returned", ("bureau",), needs_reason=True),
        Step("approve", "批准公示", "Approve", ("submitted",), "approved", ("bureau",), primary=True),
        Step(
            "publish", "公示", "Publish", ("approved",), "published", ("hospital", "bureau"), danger=True, primary=True
        ),
    ),
)
