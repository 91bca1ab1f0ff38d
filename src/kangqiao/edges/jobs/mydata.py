"""A person's data are gathered and become a file, in that person's name and as far as they may see it now."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone, translation
from procrastinate.contrib.django import app

from kangqiao.base.acting import on_behalf
from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.jobs import move_bar
from kangqiao.edges.jobs.ending import end, giving_up
from kangqiao.edges.mydata import bundle, forms, sheet
from kangqiao.pathways.own_data import everything_kept, seat_still_held

log = logging.getLogger(__name__)
ENDINGS = {forms.SHEET: "html", forms.BUNDLE: "json"}


@app.task(name="mydata.gather", pass_context=False)
def gather(
    resident_id: int, membership_id: int, wanted: str, language: str, by: dict[str, Any], job_id: int
) -> int:  # fmt: skip
    """Makes the file and answers how many rows stand in it; begun anew it makes the same one again."""
    asking = Actor(**by)
    with giving_up(job_id, asking), on_behalf(asking, "mydata.gather") as person, translation.override(language):
        at = timezone.now()
        kept = everything_kept(seat_still_held(person, membership_id), resident_id, at)
        content = sheet.written(kept) if wanted == forms.SHEET else bundle.written(kept)
        record("mydata.export", kept.resident, by=person, at=at, resident_id=resident_id, form=wanted, rows=kept.count)
        move_bar(job_id, done=kept.count, total=kept.count)
        name = f"kangqiao-my-data-{timezone.localdate(at):%Y%m%d}.{ENDINGS[wanted]}"
        end(job_id, by=person, at=at, result=content, result_name=name)
    log.info("my data: %d rows", kept.count)
    return kept.count
