"""Every minute free places go to the next in line; every night the coming weeks are opened from the templates of
hospitals, holds that ended long ago are forgotten, and every place is counted anew.

Places need no job to become free.
"""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.base.actor import Actor
from kangqiao.domain.scheduling import actions, queries
from kangqiao.kernel.errors import NoPolicyInForce

log = logging.getLogger(__name__)
# One fault of ours may be in many rows; the log needs no more of them.
MOST_FAULTS = 50


@app.periodic(cron="55 3 * * *")
@app.task(name="scheduling.sweep", queueing_lock="scheduling.sweep", pass_context=False)
def sweep(timestamp: int) -> int:
    """Holds of the week before last go."""
    with as_system("slots") as by:
        count = actions.sweep_holds(by=by, at=timezone.now())
    log.info("scheduling: %d old holds forgotten", count)
    return count


@app.periodic(cron="15 4 * * *")
@app.task(name="scheduling.reconcile", queueing_lock="scheduling.reconcile", pass_context=False)
def reconcile(timestamp: int) -> int:
    """Counts every place anew against its bookings and holds; what differs stands in the log, and nothing is mended."""
    with as_system("slots-reconcile"):
        found = queries.faults(timezone.now())
    for one in found[:MOST_FAULTS]:
        log.error("scheduling: %s of row %d says %d, there are %d", one.what, one.row, one.counted, one.found)
    log.log(logging.ERROR if found else logging.INFO, "scheduling: %d places counted wrongly", len(found))
    return len(found)


@app.periodic(cron="30 0 * * *")
@app.task(name="scheduling.weeks", queueing_lock="scheduling.weeks", pass_context=False)
def weeks(timestamp: int) -> int:
    """Opens what is missing of the coming weeks, hospital by hospital, each in a transaction of its own.

    Killed in between, or not run for some nights, the next run opens what is missing; running it again opens nothing.
    """
    opened = 0
    with as_system("weeks"):
        houses = queries.houses_with_templates()
    for house in houses:
        try:
            with as_system("weeks") as by:
                note = actions.keep_weeks_open(organization_id=house, by=by, at=timezone.now())
        except NoPolicyInForce as missing:
            log.info("scheduling: no weeks opened for hospital %s: %s", house, missing)
            continue
        opened += note.opened if note else 0
    log.info("scheduling: %d clinics opened from templates", opened)
    return opened


@app.periodic(cron="* * * * *")
@app.task(name="scheduling.offer", queueing_lock="scheduling.offer", pass_context=False)
def offer(timestamp: int) -> int:
    """What became free by itself, because an offer or a hold ended, goes to the next in line."""
    count = actions.offer_free_places(by=Actor.system("waitlist"), at=timezone.now())
    log.info("scheduling: %d places offered", count)
    return count
