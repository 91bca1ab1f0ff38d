"""Every night, after services are counted: what was done is done in the plans too."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.followup import actions

log = logging.getLogger(__name__)


@app.periodic(cron="10 3 * * *")
@app.task(name="followup.services", queueing_lock="followup.services", pass_context=False)
def services(timestamp: int) -> dict[str, int]:
    """Brings the plans up to what was served; running it again changes nothing."""
    with as_system("followup-services") as by:
        found = actions.follow_services(by=by, at=timezone.now())
    log.info("plans: %s", found)
    return found
