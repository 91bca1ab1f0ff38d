"""Reports of the content policy, and the page of a form without its mark."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kangqiao.base import drafts
from kangqiao.base.access import access
from kangqiao.base.pages import wants_part
from kangqiao.edges.web import reports
from kangqiao.kernel.errors import Denied

log = logging.getLogger(__name__)


@csrf_exempt  # a browser sends its reports by itself, without the mark of a form; nothing is changed by one
@require_POST
@access("public")
def content_policy_report(request: HttpRequest) -> HttpResponse:
    """A browser refused something a page held: one line in the log. Too many or too large ones are dropped."""
    line = reports.read(request)
    if line:
        log.warning("content policy: %s", line)
    return HttpResponse(status=204)


@require_POST
@access("signed_in")
# twice is once: the words kept last are the ones that hold
def keep_draft(request: HttpRequest) -> HttpResponse:
    """A page keeps what is being typed into one of its forms; says when that was."""
    at = drafts.save(request)
    if at is None:
        return HttpResponse(status=204)
    return JsonResponse({"said": _("已保存 %(time)s") % {"time": f"{timezone.localtime(at):%H:%M:%S}"}})


@require_POST
@access("signed_in")
# twice is once: gone is gone
def drop_draft(request: HttpRequest) -> HttpResponse:
    """Whoever typed it does not want it any more; the page comes back without it."""
    who = drafts.owner(request)
    if who is not None:
        drafts.drop(who, request.POST.get("draft_action", ""), request.POST.get("draft_step", "")[:40])
    page = request.POST.get("draft_page", "")
    return redirect(page if url_has_allowed_host_and_scheme(page, {request.get_host()}) else "home")


@access("public")
def form_without_mark(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without the mark of a page of this person's, so nothing was done; says why that happens."""
    log.info("form refused: %s", reason)
    kept = drafts.keep(request)
    error = Denied(
        _("表单没有提交：这个页面打开以后，您在别处重新登录过，或浏览器没有带上验证信息。"),
        next_step=_("您填的内容还在。请回到刚才的页面，看一遍再提交。")
        if kept
        else _("请回到刚才的页面，刷新后再提交一次。"),
    )
    part = wants_part(request)
    context = {"error": error, "status": 403, "back": drafts.page_of(request)}
    response = render(request, "error_fragment.html" if part else "error.html", context, status=403)
    if part:
        response["HX-Retarget"], response["HX-Reswap"] = "#problem", "innerHTML"
    return response
