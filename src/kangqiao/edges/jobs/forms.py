"""Every night: kept answers of forms that nobody repeats any more, and drafts nobody came back for, are forgotten."""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base import drafts
from kangqiao.base.acting import as_system
from kangqiao.base.idempotency import forget_answers

log = logging.getLogger(__name__)


@app.periodic(cron="45 3 * * *")
@app.task(name="forms.forget", queueing_lock="forms.forget", pass_context=False)
def forget(timestamp: int) -> int:
    """Keys and answers of forms older than two days go, and words nobody came back for in three."""
    with as_system("forms"):
        count, words = forget_answers(at=timezone.now()), drafts.forget(at=timezone.now())
    log.info("forms: %d old answers and %d drafts forgotten", count, words)
    return count
