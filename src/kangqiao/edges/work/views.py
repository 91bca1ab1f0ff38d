"""The bars of long work, and its files."""

from __future__ import annotations

import mimetypes

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.jobs import get_job, jobs_of
from kangqiao.base.pages import came_from
from kangqiao.base.sheets import MIME, download
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.edges.work import forms, queries
from kangqiao.edges.work.retrying import begin_anew
from kangqiao.kernel.errors import NotVisible

LISTED = 30


@require_safe
@access("signed_in")
def index(request: SeatedRequest) -> HttpResponse:
    """What somebody asked for from this seat, and what came of it; the system administrator also sees what failed."""
    keeps_site = request.seat.role == Role.SYSTEM_ADMIN
    page = {"jobs": jobs_of(request.actor)[:LISTED], "failed": queries.failed(LISTED) if keeps_site else []}
    return render(request, "work/index.html", page)


@require_POST
@access("role", roles=(Role.SYSTEM_ADMIN,))
@idempotent
def anew(request: SeatedRequest) -> HttpResponse:
    """A failed piece of work goes back into the queue."""
    form = forms.Anew(request.POST)
    if not form.is_valid():
        raise NotVisible(_("没有这项任务。"))
    task = begin_anew(job_id=form.cleaned_data["job"], by=request.actor, at=timezone.now())
    messages.success(request, _("“%(task)s”已重新排队，一分钟内开始。") % {"task": queries.TASKS.get(task, task)})
    return redirect(came_from(request) or reverse("work-index"))


@require_safe
@access("signed_in")
def bar(request: SeatedRequest, job_id: int) -> HttpResponse:
    """One bar; a page that shows it asks again every two seconds, which counts as nobody at the desk."""
    job = get_job(request.actor, job_id)
    response = render(request, "work/bar.html", {"job": job})
    if job.finished_at is not None and request.headers.get("HX-Request"):
        response.headers["HX-Refresh"] = "true"  # what the page shows around the bar has changed
    return response


@require_safe
@access("signed_in", step_up=True)
def result(request: SeatedRequest, job_id: int) -> HttpResponse:
    """The file that came of it. Raises NotVisible when there is none or it was cleared away."""
    job = get_job(request.actor, job_id)
    if job.result is None:
        raise NotVisible(_("这项任务没有结果文件，或文件已过保存期。"))
    mime = mimetypes.guess_type(job.result_name)[0] or MIME
    return download(bytes(job.result), file_name=job.result_name, mime=mime)
