"""Every write of follow-up."""

from kangqiao.domain.followup.actions.keeping import (
    assess,
    count_channel,
    finish_item,
    follow_services,
    invite,
    register_channel,
)
from kangqiao.domain.followup.actions.surveys import (
    PIECE,
    Visit,
    answer_survey,
    ask_surveys,
    lapse_surveys,
    plan_surveys,
    read_survey,
)
from kangqiao.domain.followup.actions.tasks import finish_task, split_visit

__all__ = [
    "PIECE",
    "Visit",
    "answer_survey",
    "ask_surveys",
    "assess",
    "count_channel",
    "finish_item",
    "finish_task",
    "follow_services",
    "invite",
    "lapse_surveys",
    "plan_surveys",
    "read_survey",
    "register_channel",
    "split_visit",
]
