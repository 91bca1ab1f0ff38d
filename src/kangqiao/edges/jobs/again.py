"""Every minute: a job whose worker was killed in the middle begins anew."""

from __future__ import annotations

import logging

from procrastinate import JobContext, exceptions
from procrastinate.contrib.django import app
from procrastinate.jobs import Job, Status

log = logging.getLogger(__name__)
# A worker writes a sign of life every ten seconds; three missed ones and it is dead.
SILENT_SECONDS = 30
# A job that kills its worker again and again would never let the others have their turn.
MOST_ATTEMPTS = 5


@app.periodic(cron="* * * * *")
@app.task(name="jobs.again", queueing_lock="jobs.again", pass_context=True)
async def again(context: JobContext, timestamp: int) -> int:
    """Puts back what silent workers held; jobs leave no half behind, since each writes in one transaction."""
    manager = context.app.job_manager
    stalled = [job for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS) if job.id]
    for job in stalled:
        if job.attempts >= MOST_ATTEMPTS:
            log.error("job %s %d ended its worker %d times and is given up", job.task_name, job.id, job.attempts)
            await _give_up(context, job)
            continue
        try:
            await manager.retry_job(job)
        except exceptions.UniqueViolation:
            await _give_up(context, job)  # its next run waits already and does the same
    log.info("jobs: %d begun anew", len(stalled))
    return len(stalled)


async def _give_up(context: JobContext, job: Job) -> None:
    await context.app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
