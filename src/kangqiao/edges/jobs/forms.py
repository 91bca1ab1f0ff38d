"""Every night: the kept answers of submitted forms that nobody repeats any more are forgotten."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.base.idempotency import forget_answers

log = logging.getLogger(__name__)


@app.periodic(cron="45 3 * * *")
@app.task(name="forms.forget", queueing_lock="forms.forget", pass_context=False)
def forget(timestamp: int) -> int:
    """Keys and answers of forms older than two days go."""
    with as_system("forms"):
        count = forget_answers(at=timezone.now())
    log.info("forms: %d old answers forgotten", count)
    return count
