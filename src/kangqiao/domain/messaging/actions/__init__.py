"""Every write of messaging: telling, reading what was told, and what of it goes out to a telephone."""

from kangqiao.domain.messaging.actions.sending import choose_channel, send_again, step_due
from kangqiao.domain.messaging.actions.telling import mark_all_read, mark_read, mark_unread, notify, notify_all

__all__ = [
    "choose_channel", "mark_all_read", "mark_read", "mark_unread", "notify", "notify_all", "send_again", "step_due",
]  # fmt: skip
