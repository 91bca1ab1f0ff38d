"""Every hour: agreements take effect on their first day and lapse after their last."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.agreements import actions

log = logging.getLogger(__name__)


@app.periodic(cron="5 * * * *")
@app.task(name="agreements.terms", queueing_lock="agreements.terms", pass_context=False)
def terms(timestamp: int) -> dict[str, int]:
    """Moves agreements whose first day has come or whose term is over; running it again changes nothing."""
    at = timezone.now()
    on = timezone.localdate(at)
    with as_system("agreement-terms") as by:
        begun = actions.take_effect_due(on=on, by=by, at=at)
        lapsed = actions.lapse_due(on=on, by=by, at=at)
    log.info("agreements: %d in force, %d lapsed", len(begun), len(lapsed))
    return {"in_force": len(begun), "lapsed": len(lapsed)}
