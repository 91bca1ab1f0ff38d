"""The life of a sampled item."""

from kangqiao.kernel.states import Look, State, StateTable, Step

SAMPLED = StateTable(
    name="sampled_item",
    zh="质控抽查",
    initial="to_check",
    states=(
        State("to_check", "待核查", "To be checked", Look.WAIT, owner="bureau"),
        State("sound", "没有问题", "Nothing found", Look.DONE, final=True),
        State("found", "待整改", "To be corrected", Look.BACK, owner="centre", clock="correct_within_days"),
        State("corrected", "已整改，待复核", "Corrected, to be looked at", Look.GO, owner="bureau"),
        State("closed", "已销案", "Closed", Look.DONE, final=True),
    ),
    steps=(
        Step("pass", "没有问题", "Nothing found", ("to_check",), "sound", ("bureau",), primary=True),
        Step("find", "记下问题，交中心整改", "Findings to the centre", ("to_check",), "found", ("bureau",)),
        Step("correct", "已整改", "Corrected", ("found",), "corrected", ("centre",), needs_reason=True, primary=True),
        Step("close", "销案", "Close", ("corrected",), "closed", ("bureau",), primary=True),
        Step("send_back", "退回再改", "Send back", ("corrected",), "found", ("bureau",), needs_reason=True),
    ),
)
# What counts as checked.
CHECKED = ("sound", "found", "corrected", "closed")
