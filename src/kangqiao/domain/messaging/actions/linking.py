"""A person's account and their WeChat are tied together, and parted again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from kangqiao.base import wechat
from kangqiao.base.actor import Actor
from kangqiao.domain.accounts import actions as accounts
from kangqiao.domain.accounts import queries as people
from kangqiao.domain.accounts.models import OutsideIdentity
from kangqiao.domain.messaging.actions.sending import choose_channel
from kangqiao.domain.messaging.models import Channel


def link_wechat(*, user_id: int, openid: str, by: Actor, at: datetime) -> OutsideIdentity:
    """A person who is in, and whose id WeChat has just told, is told by WeChat from now on: that is what they pressed.

    Raises Denied, or RuleBroken when that WeChat is tied to somebody else or the account to another one.
    """
    with transaction.atomic():
        row = accounts.bind_identity(
            user_id=user_id, issuer=wechat.issuer(), subject=openid, called=_("微信"), by=by, at=at
        )
        choose_channel(user_id=user_id, channel=Channel.WECHAT, is_on=True, by=by, at=at)
    return row


def unlink_wechat(*, user_id: int, by: Actor, at: datetime) -> None:
    """The tie is taken off, and nothing goes there any more. Raises Denied."""
    with transaction.atomic():
        choose_channel(user_id=user_id, channel=Channel.WECHAT, is_on=False, by=by, at=at)
        found = people.identity_of(user_id, wechat.issuer())
        if found is not None:
            accounts.unbind_identity(identity_id=found.pk, by=by, at=at)
