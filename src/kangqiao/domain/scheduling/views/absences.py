"""Pages of absences: what a resident reads about theirs, the appeal, the desk's answer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, permissions, queries
from kangqiao.domain.scheduling.forms import AnswerForm, AppealForm
from kangqiao.domain.scheduling.views.booking import Request, _asked, _for_whom
from kangqiao.kernel.errors import RuleBroken


@access("role", roles=(Role.RESIDENT,))
@require_GET
def absences(request: Request) -> HttpResponse:
    """How often the resident stayed away, what follows from it until when, and how to appeal."""
    resident = _for_whom(request, _asked(request))
    if resident is None:
        raise RuleBroken(_("您的账号还没有绑定居民档案。"), next_step=_("请带身份证到社区卫生服务中心办理。"))
    sheet = queries.absence_sheet(resident, timezone.now())
    return render(request, "scheduling/absences.html", {"sheet": sheet, "resident": resident})


@access("role", roles=(Role.RESIDENT,))
@require_http_methods(["GET", "POST"])
@idempotent
def appeal(request: Request, booking_id: int) -> HttpResponse:
    """The resident says why they did not come."""
    shown, form = queries.get_booking(request.seat, booking_id), AppealForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        page = {"booking": shown, "form": form}
        return render(request, "scheduling/appeal.html", page, status=200 if request.method == "GET" else 422)
    actions.appeal_absence(booking_id=shown.pk, reason=form.cleaned_data["reason"], by=request.actor, at=timezone.now())
    messages.success(request, _("申诉已交给出诊机构，答复会发到消息里。"))
    own = shown.resident.user_id == request.seat.user_id
    return redirect(reverse("slots-absences") + ("" if own else f"?resident={shown.resident_id}"))


@access("role", roles=permissions.ANSWERING)
@require_GET
def appeals(request: Request) -> HttpResponse:
    """The appeals that wait for an answer of this house."""
    shown = queries.open_appeals(request.seat)
    count, _oldest = queries.appeals_waiting(request.seat).counted()
    return render(request, "scheduling/appeals.html", {"appeals": shown, "further": count - len(shown)})


@access("role", roles=permissions.ANSWERING)
@require_http_methods(["GET", "POST"])
@idempotent
def decide(request: Request, appeal_id: int) -> HttpResponse:
    """The desk reads why somebody did not come, and answers with a reason."""
    shown, form = queries.get_appeal(request.seat, appeal_id), AnswerForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        page = {"appeal": shown, "form": form}
        return render(request, "scheduling/decide.html", page, status=200 if request.method == "GET" else 422)
    is_granted = form.cleaned_data["step"] == "grant"
    actions.decide_appeal(
        appeal_id=shown.pk, is_granted=is_granted, answer=form.cleaned_data["answer"],
        by=request.actor, at=timezone.now(),
    )  # fmt: skip
    told = _("%(name)s的这一次不计爽约。") if is_granted else _("%(name)s的这一次仍计爽约。")
    messages.success(request, told % {"name": shown.resident.name})
    return redirect("slots-appeals")
