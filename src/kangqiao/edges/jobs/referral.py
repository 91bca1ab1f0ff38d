"""Every minute a centre that owes a school an answer is reminded.

Every ten minutes whoever owes a step of a referral is reminded, and its supervisor told when time is up.

Every Monday the directors read what stood still.
"""

from __future__ import annotations

import logging

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.referral import actions

log = logging.getLogger(__name__)


@app.periodic(cron="*/10 * * * *")
@app.task(name="referral.clocks", queueing_lock="referral.clocks", pass_context=False)
def clocks(timestamp: int) -> int:
    """Reads every running clock; each share of a limit is told once, so running it again tells nothing new."""
    with as_system("referral-clocks") as by:
        told = actions.escalate_overdue(by=by, at=timezone.now())
    log.info("referral: %d clocks told", told)
    return told


@app.periodic(cron="* * * * *")
@app.task(name="referral.schools", queueing_lock="referral.schools", pass_context=False)
def schools(timestamp: int) -> int:
    """Reads the clocks of emergencies at schools, which run in minutes; running it again tells nothing new."""
    with as_system("referral-schools") as by:
        told = actions.escalate_school_cases(by=by, at=timezone.now())
    log.info("referral: %d told of emergencies at schools", told)
    return told


@app.periodic(cron="0 8 * * 1")
@app.task(name="referral.weekly", queueing_lock="referral.weekly", pass_context=False)
def weekly(timestamp: int) -> int:
    """Once a week and hospital; running it again in the week tells nothing new."""
    with as_system("referral-weekly") as by:
        told = actions.tell_directors(by=by, at=timezone.now())
    log.info("referral: %d directors told", told)
    return told
