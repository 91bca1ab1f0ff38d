"""The life of a team, of a contract, of visits at home, at a place and with all of a team, and of an approval."""

from kangqiao.kernel.states import Look, State, StateTable, Step

TEAM = StateTable(
    name="team",
    zh="家庭医生团队",
    initial="forming",
    states=(
        State("forming", "组建中", "Forming", Look.WAIT, owner="manager"),
        State("open", "接受签约", "Open", Look.DONE, owner="manager"),
        State("closed", "已撤销", "Closed", Look.GONE, final=True),
    ),
    steps=(
        Step("open", "公布并接受签约", "Publish", ("forming",), "open", ("manager",), primary=True),
        Step("close", "撤销团队", "Close", ("forming", "open"), "closed", ("manager",), needs_reason=True, danger=True),
    ),
)

CONTRACT = StateTable(
    name="contract",
    zh="签约",
    initial="applied",
    states=(
        State("applied", "待团队接受", "Waiting for the team", Look.WAIT, owner="team"),
        State("accepted", "待签署", "To be signed", Look.WAIT, owner="resident", clock="sign_within_days"),
        State("signed", "已续约，待生效", "Renewed, not begun", Look.GO, owner="system"),
        State("active", "签约中", "Active", Look.DONE, owner="team"),
        State("suspended", "暂停服务", "Suspended", Look.BACK, owner="team"),
        State("refused", "未接受", "Refused", Look.GONE, final=True),
        State("withdrawn", "已撤回", "Withdrawn", Look.GONE, final=True),
        State("lapsed", "过期未签", "Not signed in time", Look.GONE, final=True),
        State("expired", "已到期", "Expired", Look.GONE, final=True),
        State("transferred", "已转签", "Moved to another team", Look.GONE, final=True),
        State("ended", "已解约", "Ended", Look.GONE, final=True),
    ),
    steps=(
        Step("accept", "接受签约", "Accept", ("applied",), "accepted", ("team",), primary=True),
        Step("refuse", "不接受并说明", "Refuse with a reason", ("applied",), "refused", ("team",), needs_reason=True),
        Step("sign", "签署", "Sign", ("accepted",), "active", ("team", "resident"), primary=True),
        Step("withdraw", "撤回", "Withdraw", ("applied", "accepted", "signed"), "withdrawn", ("team", "resident")),
        Step("lapse", "过期未签", "Not signed in time", ("accepted",), "lapsed", ("system",)),
        Step("renew", "续约", "Renew", ("applied",), "signed", ("team", "resident")),
        Step("begin_term", "新一期生效", "Begin the new term", ("signed",), "active", ("system",)),
        Step("suspend", "暂停服务", "Suspend", ("active",), "suspended", ("team",), needs_reason=True),
        Step("resume", "恢复服务", "Resume", ("suspended",), "active", ("team",), primary=True),
        Step("transfer", "转到新团队", "Move to the new team", ("active", "suspended"), "transferred", ("system",)),
        Step("expire", "到期", "Expire", ("active", "suspended"), "expired", ("system",)),
        Step(
            "end", "解约", "End", ("active", "suspended"), "ended", ("team", "resident"), needs_reason=True, danger=True
        ),
    ),
)
HOME_VISIT = StateTable(
    name="home_visit",
    zh="上门看望",
    initial="planned",
    states=(
        State("planned", "待上门", "To be done", Look.WAIT, owner="helper"),
        State("done", "已上门", "Done", Look.DONE, final=True),
        State("cancelled", "已取消", "Called off", Look.GONE, final=True),
    ),
    steps=(
        Step("finish", "已经去过", "Done", ("planned",), "done", ("helper", "team"), primary=True),
        Step("cancel", "取消", "Call off", ("planned",), "cancelled", ("team",), needs_reason=True),
    ),
)
COMMUNITY_VISIT = StateTable(
    name="community_visit",
    zh="进单位服务",
    initial="planned",
    states=(
        State("planned", "待前往", "To be done", Look.WAIT, owner="team"),
        State("done", "已去过", "Done", Look.DONE, final=True),
        State("cancelled", "已取消", "Called off", Look.GONE, final=True),
    ),
    steps=(
        Step("finish", "已经去过", "Done", ("planned",), "done", ("team",), primary=True),
        Step("cancel", "取消", "Call off", ("planned",), "cancelled", ("team",), needs_reason=True),
    ),
)
ONE_STOP = StateTable(
    name="one_stop",
    zh="一站式就诊",
    initial="planned",
    states=(
        State("planned", "已安排", "Planned", Look.WAIT, owner="team"),
        State("done", "一次办完", "All done in one visit", Look.DONE, final=True),
        State("cancelled", "已取消", "Called off", Look.GONE, final=True),
    ),
    steps=(
        Step("finish", "最后一步做好", "The last step is done", ("planned",), "done", ("team", "system")),
        Step("cancel", "取消", "Call off", ("planned",), "cancelled", ("team",), needs_reason=True),
    ),
)
APPROVAL = StateTable(
    name="approval",
    zh="签约服务批准",
    initial="asked",
    states=(
        State("asked", "待批准", "To be decided", Look.WAIT, owner="bureau"),
        State("granted", "已批准", "Approved", Look.DONE, owner="bureau"),
        State("refused", "未批准", "Not approved", Look.GONE, final=True),
        State("taken_back", "已撤回申请", "Taken back", Look.GONE, final=True),
        State("withdrawn", "批准已收回", "Approval withdrawn", Look.GONE, final=True),
    ),
    steps=(
        Step("grant", "批准", "Approve", ("asked",), "granted", ("bureau",), primary=True),
        Step("refuse", "不批准并说明", "Refuse with a reason", ("asked",), "refused", ("bureau",), needs_reason=True),
        Step("take_back", "撤回申请", "Take back", ("asked",), "taken_back", ("house",)),
        Step(
            "withdraw", "收回批准", "Withdraw the approval", ("granted",), "withdrawn", ("bureau",), needs_reason=True,
            danger=True,
        ),
    ),
)  # fmt: skip
# States in which a contract holds a place in its team's panel.
PLACED = ("accepted", "active", "suspended")
# States that have or had a term.
TERMED = ("signed", "active", "suspended", "expired", "transferred", "ended")
RUNNING = ("active", "suspended")
PENDING = ("applied", "accepted")
