"""Long work as a row: how far it is, for the bar that survives leaving the page, and the file that came of it.

The work itself runs in the queue and writes in transactions of its own, piece by piece; each piece moves the bar in the
same transaction, so that a worker killed in the middle begins anew where the last piece ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext as _

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.base.models import Job
from kangqiao.kernel.errors import NotVisible

# Files of finished work hold rows about people; whoever has not fetched one in this time asks for it anew.
KEPT_FOR = timedelta(days=30)


def begin_job(*, kind: str, label: str, url: str = "", total: int = 0, by: Actor, at: datetime) -> Job:
    """Somebody asks for long work; from now on they see its bar, and only they."""
    row = Job.objects.create(
        kind=kind, label=label, url=url, total=total, by_id=by.id, by_name=by.name,
        organization_id=by.organization_id, started_at=at,
    )  # fmt: skip
    record("base.begin_job", row, by=by, at=at, kind=kind)
    return row


def move_bar(job_id: int, *, done: int, errors: int = 0, total: int | None = None) -> None:
    """So much is done. No trace of its own: what was done has one."""
    known = {} if total is None else {"total": total}
    Job.objects.filter(pk=job_id, finished_at__isnull=True).update(done=done, errors=errors, **known)


def finish_job(
    *, job_id: int, by: Actor, at: datetime, failure: str = "", result: bytes | None = None, result_name: str = ""
) -> Job | None:
    """The work is over, well or with the sentence that says why not. None when it was over already."""
    row = Job.objects.select_for_update().filter(pk=job_id, finished_at__isnull=True).first()
    if row is None:
        return None
    row.finished_at, row.failure, row.result, row.result_name = at, failure, result, result_name
    row.save(update_fields=("finished_at", "failure", "result", "result_name"))
    record("base.finish_job", row, by=by, at=at, kind=row.kind, done=row.done, errors=row.errors, failed=bool(failure))
    return row


def jobs_of(by: Actor) -> models.QuerySet[Job]:
    """What somebody asked for from this seat, newest first."""
    return Job.objects.filter(by_id=by.id, organization_id=by.organization_id).defer("result")


def get_job(by: Actor, job_id: int) -> Job:
    """One's own work. Raises NotVisible."""
    found = jobs_of(by).filter(pk=job_id).first()
    if found is None:
        raise NotVisible(_("没有这项任务，或不是您交办的。"))
    return found


def forget_results(*, at: datetime) -> int:
    """Files nobody needs any more go. Returns how many."""
    return Job.objects.filter(finished_at__lt=at - KEPT_FOR, result__isnull=False).update(result=None, result_name="")
