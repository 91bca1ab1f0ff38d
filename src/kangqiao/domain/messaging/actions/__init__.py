"""Every write of messaging: telling, reading what was told, and what of it goes out by text message or WeChat."""

from kangqiao.domain.messaging.actions.linking import link_wechat, unlink_wechat
from kangqiao.domain.messaging.actions.sending import choose_channel, send_again, step_due
from kangqiao.domain.messaging.actions.telling import mark_all_read, mark_read, mark_unread, notify, notify_all

__all__ = [
    "choose_channel", "link_wechat", "mark_all_read", "mark_read", "mark_unread", "notify", "notify_all", "send_again",
    "step_due", "unlink_wechat",
]  # fmt: skip
