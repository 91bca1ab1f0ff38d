"""Every minute: what is due is handed to the carrier of its channel, and what was handed over is asked after."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base import carriers, wechat
from kangqiao.base.acting import as_system
from kangqiao.domain.accounts.queries import identity_of
from kangqiao.domain.messaging import actions
from kangqiao.domain.messaging.models import Channel
from kangqiao.domain.messaging.states import DELIVERY
from kangqiao.domain.residents.queries import has_died, telephone_of

log = logging.getLogger(__name__)
# Other work waits for its turn meanwhile; what is left goes out a minute later.
MOST_SECONDS = 20


def openid_of(user_id: int) -> str:
    """The id the site's service account knows a living person by; empty where they tied none."""
    found = identity_of(user_id, wechat.issuer())
    return found.subject if found and not has_died(user_id) else ""


ADDRESSES: dict[str, Callable[[int], str]] = {Channel.SMS: telephone_of, Channel.WECHAT: openid_of}


@app.periodic(cron="* * * * *")
@app.task(name="messaging.send", queueing_lock="messaging.send", pass_context=False)
def send(timestamp: int) -> dict[str, int]:
    """One channel after the other, so that one that does not answer holds up no other."""
    found: Counter[str] = Counter()
    channels = [one for one in ADDRESSES if carriers.name(one)]
    for channel in channels:
        found += _drain(channel, seconds=MOST_SECONDS / len(channels))
    if channels:
        log.info("messages: %s", dict(found))
    return dict(found)


def _drain(channel: str, *, seconds: float) -> Counter[str]:
    """One message after the other, each in a transaction of its own; killed in between, the next run goes on there.

    Where nobody answers it stops: the others would wait in vain as well.
    """
    found: Counter[str] = Counter()
    carrier, until = carriers.carrier(channel), time.monotonic() + seconds
    while time.monotonic() < until:
        with as_system("notices") as by:
            row = actions.step_due(
                channel=channel, carrier=carrier, address_of=ADDRESSES[channel], by=by, at=timezone.now()
            )
        if row is None:
            break
        found[row.status] += 1
        if row.status == DELIVERY.initial and row.answer:
            break
    return found
