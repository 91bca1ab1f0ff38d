"""The life of a change of role."""

from kangqiao.kernel.states import Look, State, StateTable, Step

ROLE_CHANGE = StateTable(
    name="role_change",
    zh="岗位变动",
    initial="proposed",
    states=(
        State("proposed", "待审核", "Waiting for approval", Look.WAIT, owner="security_admin"),
        State("approved", "已生效", "Approved", Look.DONE, final=True),
        State("refused", "未同意", "Refused", Look.BACK, final=True),
        State("withdrawn", "已撤回", "Withdrawn", Look.GONE, final=True),
    ),
    steps=(
        Step("approve", "同意", "Approve", ("proposed",), "approved", ("security_admin",), primary=True),
        Step("refuse", "不同意", "Refuse", ("proposed",), "refused", ("security_admin",), needs_reason=True),
        Step("withdraw", "撤回", "Withdraw", ("proposed",), "withdrawn", ("system_admin",), danger=True),
    ),
)
