"""Every hour terms begin and expire; every night services are counted and key groups read off the record."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.contracting import actions
from kangqiao.pathways.contract_services import count_since

log = logging.getLogger(__name__)
# How far back the night looks again: what is entered late is still counted.
LOOK_BACK = timedelta(days=45)


@app.periodic(cron="15 * * * *")
@app.task(name="contracting.terms", queueing_lock="contracting.terms", pass_context=False)
def terms(timestamp: int) -> dict[str, int]:
    """Moves contracts whose day has come; running it again changes nothing."""
    at = timezone.now()
    on = timezone.localdate(at)
    with as_system("contract-terms") as by:
        begun = actions.begin_due(on=on, by=by, at=at)
        expired = actions.expire_due(on=on, by=by, at=at)
        lapsed = actions.lapse_due(on=on, by=by, at=at)
        ended = [*actions.end_deceased(by=by, at=at), *actions.end_unapproved(on=on, by=by, at=at)]
        told = actions.remind_due(on=on, by=by, at=at)
    found = {"begun": len(begun), "expired": len(expired), "lapsed": len(lapsed), "ended": len(ended), "told": told}
    log.info("contracts: %s", found)
    return found


@app.periodic(cron="40 2 * * *")
@app.task(name="contracting.services", queueing_lock="contracting.services", pass_context=False)
def services(timestamp: int) -> dict[str, int]:
    """Counts the services of the last weeks and brings the key groups up to date; again changes nothing."""
    at = timezone.now()
    with as_system("contract-services") as by:
        opened, closed = actions.flag_key_groups(on=timezone.localdate(at), by=by, at=at)
        counted = count_since(since=at - LOOK_BACK, by=by, at=at)
    log.info("contracts: %d services, %d and %d key persons", counted, opened, closed)
    return {"services": counted, "opened": opened, "closed": closed}
