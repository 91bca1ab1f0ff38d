"""Every night plans are brought up to what was served; every morning residents are asked how it goes after a visit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system
from kangqiao.domain.followup import actions
from kangqiao.pathways.ask_after_visits import visits_since

log = logging.getLogger(__name__)
# How far back the morning looks: what is entered late is still asked about.
LOOK_BACK = timedelta(days=3)


@app.periodic(cron="10 3 * * *")
@app.task(name="followup.services", queueing_lock="followup.services", pass_context=False)
def services(timestamp: int) -> dict[str, int]:
    """Brings the plans up to what was served; running it again changes nothing."""
    with as_system("followup-services") as by:
        found = actions.follow_services(by=by, at=timezone.now())
    log.info("plans: %s", found)
    return found


@app.periodic(cron="10 9 * * *")
@app.task(name="followup.surveys", queueing_lock="followup.surveys", pass_context=False)
def surveys(timestamp: int) -> dict[str, int]:
    """Plans what is to be asked after the last visits, asks what is due, and closes what nobody answered in time.

    Each piece is a transaction of its own; running it again changes nothing.
    """
    found = {"lapsed": _in_pieces(actions.lapse_surveys), "planned": _plan(), "asked": _in_pieces(actions.ask_surveys)}
    log.info("surveys: %s", found)
    return found


def _plan() -> int:
    today = timezone.localdate()
    with as_system("followup-surveys"):
        pieces = list(visits_since(today - LOOK_BACK, today))
    planned = 0
    for visits in pieces:
        with as_system("followup-surveys") as by:
            planned += actions.plan_surveys(visits=visits, by=by, at=timezone.now())
    return planned


def _in_pieces(step: Callable[..., int]) -> int:
    done = 0
    while True:
        with as_system("followup-surveys") as by:
            count = step(by=by, at=timezone.now())
        done += count
        if not count:
            return done
