"""Every minute free places go to the next in line; every night holds that ended long ago are forgotten.

Places need no job to become free.
"""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.domain.scheduling import actions

log = logging.getLogger(__name__)


@app.periodic(cron="55 3 * * *")
@app.task(name="scheduling.sweep", queueing_lock="scheduling.sweep", pass_context=False)
def sweep(timestamp: int) -> int:
    """Holds of the week before last go."""
    with as_system("slots") as by:
        count = actions.sweep_holds(by=by, at=timezone.now())
    log.info("scheduling: %d old holds forgotten", count)
    return count


@app.periodic(cron="* * * * *")
@app.task(name="scheduling.offer", queueing_lock="scheduling.offer", pass_context=False)
def offer(timestamp: int) -> int:
    """What became free by itself, because an offer or a hold ended, goes to the next in line."""
    count = actions.offer_free_places(by=Actor.system("waitlist"), at=timezone.now())
    log.info("scheduling: %d places offered", count)
    return count
