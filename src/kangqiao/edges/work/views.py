"""The bars of long work, and its files."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.jobs import get_job, jobs_of
from kangqiao.base.sheets import download
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.kernel.errors import NotVisible

LISTED = 30


@require_safe
@access("signed_in")
def index(request: SeatedRequest) -> HttpResponse:
    """What somebody asked for from this seat, what runs still and what came of the rest."""
    return render(request, "work/index.html", {"jobs": jobs_of(request.actor)[:LISTED]})


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
    return download(bytes(job.result), file_name=job.result_name)
