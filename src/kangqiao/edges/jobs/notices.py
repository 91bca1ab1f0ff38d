"""Every minute: what is due is handed to the carrier of text messages, and what was handed over is asked after."""

from __future__ import annotations

import logging
import time
from collections import Counter

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base import carriers
from kangqiao.base.acting import as_system
from kangqiao.domain.messaging import actions
from kangqiao.domain.messaging.states import DELIVERY
from kangqiao.domain.residents.queries import telephone_of

log = logging.getLogger(__name__)
# Other work waits for its turn meanwhile; what is left goes out a minute later.
MOST_SECONDS = 20


@app.periodic(cron="* * * * *")
@app.task(name="messaging.send", queueing_lock="messaging.send", pass_context=False)
def send(timestamp: int) -> dict[str, int]:
    """One message after the other, each in a transaction of its own; killed in between, the next run goes on there.

    Where nobody answers it stops: the others would wait in vain as well.
    """
    found: Counter[str] = Counter()
    if not carriers.name():
        return found
    carrier, until = carriers.carrier(), time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        with as_system("notices") as by:
            row = actions.step_due(carrier=carrier, number_of=telephone_of, by=by, at=timezone.now())
        if row is None:
            break
        found[row.status] += 1
        if row.status == DELIVERY.initial and row.answer:
            break
    log.info("messages: %s", dict(found))
    return dict(found)
