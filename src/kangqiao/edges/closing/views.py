"""Closing an appraisal, asked once more because it cannot be undone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import Verb, came_from, wants_drawer
from kangqiao.domain.appraisal import queries
from kangqiao.domain.finance import queries as finance
from kangqiao.pathways.close_appraisal import close_appraisal


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=("bureau_officer",), step_up=True)
@idempotent
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows the money that waits for the appraisal; posting closes it for good and releases the money."""
    appraisal = queries.get_appraisal(request.seat, pk)  # type: ignore[attr-defined]
    if request.method == "POST":
        _closed, lines = close_appraisal(appraisal_id=pk, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
        told = ngettext("已定案，%(n)s 笔经费转为可拨付。", "已定案，%(n)s 笔经费转为可拨付。", lines)
        messages.success(request, told % {"n": lines})
        return redirect(came_from(request) or reverse("appraisal-detail", args=(pk,)))
    context = {
        "appraisal": appraisal,
        "may": any(step.action == "close" for step in queries.available_steps(request.seat, appraisal)),  # type: ignore[attr-defined]
        "released": finance.would_release(appraisal),
    }
    if wants_drawer(request):
        verb = Verb(_("确认定案"), reverse("appraisal-close", args=(pk,)), primary=True)
        context |= {"moves": [verb] if context["may"] else [], "back": came_from(request)}
        return render(request, "closing/glance.html", context)
    return render(request, "closing/close.html", context)
