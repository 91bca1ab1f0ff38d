"""Failed work is begun anew by hand, and who did so is written down."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from procrastinate import exceptions
from procrastinate.contrib.django import app

from kangqiao.base.actor import Actor
from kangqiao.base.audit import record
from kangqiao.edges.work.queries import failed_job
from kangqiao.kernel.errors import RuleBroken


def begin_anew(*, job_id: int, by: Actor, at: datetime) -> str:
    """The queue takes a failed piece of work up again; each writes all of it or nothing, so it may. Returns its task.

    Raises RuleBroken when it did not fail, or its next run waits already.
    """
    with transaction.atomic():
        job = failed_job(job_id)
        if job is None:
            raise RuleBroken(_("这项任务不在失败之列，可能已经重试过。"), next_step=_("请看列表的最新情况。"))
        try:
            with transaction.atomic():
                app.job_manager.retry_job_by_id(job_id, at)
        except exceptions.UniqueViolation:
            raise RuleBroken(_("同样的任务已在排队，不用重试。"), next_step=_("等它做完再看。")) from None
        record("work.begin_anew", job, by=by, at=at, task=job.task_name)
        return str(job.task_name)
