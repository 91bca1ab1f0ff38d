"""Every ten minutes: what is overdue is told, what is settled closes."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.portal import actions

log = logging.getLogger(__name__)


@app.periodic(cron="*/10 * * * *")
@app.task(name="portal.clocks", queueing_lock="portal.clocks", pass_context=False)
def clocks(timestamp: int) -> dict[str, int]:
    """Keeps the clocks of residents' questions; running it again changes nothing."""
    with as_system("portal-clocks") as by:
        found = actions.keep_clocks(by=by, at=timezone.now())
    log.info("questions: %s", found)
    return found
