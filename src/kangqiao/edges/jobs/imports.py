"""Entering an uploaded table piece by piece; and every night, what was uploaded long ago is forgotten."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone
from procrastinate.contrib.django import app

from kangqiao.base import imports
from kangqiao.base.acting import as_system, on_behalf
from kangqiao.base.actor import Actor
from kangqiao.base.jobs import forget_results, move_bar
from kangqiao.edges.excel.files import left_out
from kangqiao.edges.excel.kinds import kind_for
from kangqiao.edges.jobs.ending import end, giving_up

log = logging.getLogger(__name__)


@app.task(name="imports.enter", pass_context=False)
def enter(batch_id: int, by: dict[str, Any]) -> int:
    """Enters the good rows of a batch in the name of who sent it; answers how many are in.

    Each piece is a transaction with the bar in it. Begun anew after its worker was killed, it goes on where the last
    whole piece ended, since rows that are in carry the id they became.
    """
    person = Actor(**by)
    with on_behalf(person, "imports.enter"):
        batch = imports.get_batch(person, batch_id)
        kind, job = kind_for(batch.kind, person), batch.job
    assert job is not None, "a batch that was sent has its job"
    with giving_up(job.pk, person):
        while True:
            with on_behalf(person, "imports.enter"):
                count = imports.enter_piece(kind=kind, batch_id=batch_id, by=person, at=timezone.now())
                counts = imports.counts_of(batch)
                move_bar(job.pk, done=counts["entered"], errors=counts["bad"])
            if not count:
                break
        with on_behalf(person, "imports.enter"):
            at = timezone.now()
            imports.close_batch(batch_id=batch_id, at=at)
            end(job.pk, by=person, at=at, result=left_out(kind, batch), result_name=f"{kind.key}-left-out.xlsx")
    log.info("imports %d: %d entered, %d left out", batch_id, counts["entered"], counts["bad"])
    return counts["entered"]


@app.periodic(cron="50 3 * * *")
@app.task(name="imports.forget", queueing_lock="imports.forget", pass_context=False)
def forget(timestamp: int) -> int:
    """Words of old batches and files of old work go."""
    with as_system("imports") as _by:
        at = timezone.now()
        count = imports.forget_rows(at=at) + forget_results(at=at)
    log.info("imports: %d old rows and files forgotten", count)
    return count
