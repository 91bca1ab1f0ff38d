"""Every morning contracted residents whose turn it is get the next thing to read that fits them."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.education import actions

log = logging.getLogger(__name__)


@app.periodic(cron="40 9 * * *")
@app.task(name="education.send", queueing_lock="education.send", pass_context=False)
def send(timestamp: int) -> int:
    """Sends in pieces, each a transaction of its own; running it again on the same day sends nothing twice."""
    sent, after = 0, 0
    while True:
        with as_system("education-send") as by:
            some, last = actions.send_materials(after=after, by=by, at=timezone.now())
        sent += some
        if last is None:
            break
        after = last
    log.info("health education sent to %s", sent)
    return sent
