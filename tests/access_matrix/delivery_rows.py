"""A text message to a side's resident that did not arrive, and that they wanted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging.models import ChannelChoice, Delivery

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_deliveries(side: Side) -> None:
    """Given up because the gateway refused it."""
    one = side.users[Role.RESIDENT]
    side.add("channel_choice", ChannelChoice, user=one, channel="sms", is_on=True, chosen_at=side.at)
    side.add(
        "delivery", Delivery, notice=side.row("notice", "resident"), user=one, organization=side.centre, channel="sms",
        status="failed", failure="refused", queued_at=side.at,
    )  # fmt: skip
