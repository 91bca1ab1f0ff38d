"""How long work ends: its bar is full or red, and who asked for it hears the bell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base.acting import on_behalf
from kangqiao.base.actor import Actor
from kangqiao.base.jobs import finish_job
from kangqiao.domain.messaging.actions import notify
from kangqiao.kernel.errors import KangqiaoError


def end(
    job_id: int, *, by: Actor, at: datetime, failure: str = "", result: bytes | None = None, result_name: str = ""
) -> None:
    """The work is over; told once, however often its job was begun."""
    job = finish_job(
        job_id=job_id, by=by, at=at, failure=failure, result=result, result_name=result_name if result else ""
    )
    kind, _colon, number = by.id.partition(":")
    if job is None or kind != "user":
        return
    word = _("没有做成：%(what)s") if failure else _("做完了：%(what)s")
    notify(
        cause=f"job:{job.pk}", kind="job", subject=word % {"what": job.label}, body=failure,
        url=job.url or reverse("work-index"), user_id=int(number), by=by, at=at,
    )  # fmt: skip


@contextmanager
def giving_up(job_id: int, by: Actor) -> Iterator[None]:
    """What goes wrong for good inside is said on the bar and by the bell, and raised on for the log.

    A rule says its own sentence; anything else is a fault of ours, and what was done so far stays.
    """
    try:
        yield
    except Exception as error:
        ours = _("中途出了错，已做完的部分保留着。请联系系统管理员。")
        why = str(error) if isinstance(error, KangqiaoError) else ours
        with on_behalf(by, "job.give_up"):
            end(job_id, by=by, at=timezone.now(), failure=why)
        raise
