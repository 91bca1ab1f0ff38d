"""Planning in the background, the closing of a week, and postings whose term is over."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from kangqiao.base.acting import as_system, on_behalf
from kangqiao.base.actor import Actor
from kangqiao.base.idempotency import is_first_run
from kangqiao.base.jobs import move_bar
from kangqiao.domain.roster import actions
from kangqiao.edges.jobs.ending import end, giving_up
from kangqiao.kernel.period import week

log = logging.getLogger(__name__)


@app.task(name="roster.plan", pass_context=True)
def plan(context: JobContext, place_id: int, starts_on: str, weeks: int, by: dict[str, Any], job_id: int = 0) -> int:
    """Plans the roster a dispatcher asked for, in that dispatcher's name; answers the id of the new draft.

    Begun anew after its worker was killed, a run that has left its draft leaves no second one and answers 0.
    """
    start, at = date.fromisoformat(starts_on), timezone.now()
    asking = Actor(**by)
    with giving_up(job_id, asking), on_behalf(asking, "roster.plan") as person:
        if not is_first_run(f"roster.plan:{context.job.id}", at=at):
            return 0
        roster = actions.plan_roster(place_id=place_id, starts_on=start, weeks=weeks, by=person, at=at)
        count = roster.half_days.count()
        move_bar(job_id, done=count, total=count, errors=len(roster.unmet))
        end(job_id, by=person, at=timezone.now())
    log.info("roster %d: %d half-days, %d unmet", roster.pk, count, len(roster.unmet))
    return roster.pk


@app.periodic(cron="30 1 * * 1")
@app.task(name="roster.close_week", queueing_lock="roster.close_week", pass_context=False)
def close_week(timestamp: int) -> int:
    """Every Monday: hospitals that kept too few half-days last week are told."""
    at = timezone.now()
    last = week(timezone.localdate(at) - timedelta(days=7))
    with as_system("roster-week") as by:
        told = actions.notify_shortfalls(of=last, by=by, at=at)
    log.info("roster: %d shortfalls of the week of %s told", told, last.start)
    return told


@app.periodic(cron="15 0 * * *")
@app.task(name="roster.end_postings", queueing_lock="roster.end_postings", pass_context=False)
def end_postings(timestamp: int) -> int:
    """Every night: postings whose term is over are closed."""
    at = timezone.now()
    with as_system("roster-postings") as by:
        ended = actions.end_due_postings(on=timezone.localdate(at), by=by, at=at)
    log.info("roster: %d postings ended", len(ended))
    return len(ended)
