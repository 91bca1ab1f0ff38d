"""The pages of appraisals."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from, verb_of, wants_drawer
from kangqiao.domain.appraisal import actions, forms, permissions, queries


@require_safe
@access("role", roles=permissions.ALLOWED)
@exports
def appraisal_list(request: HttpRequest) -> HttpResponse:
    """The appraisals of a year with state, score and pay share."""
    seat, narrow = request.seat, forms.Year(request.GET, today=timezone.localdate())  # type: ignore[attr-defined]
    context = {
        "narrow": narrow,
        "rows": queries.listed(seat, narrow.chosen),
        "not_opened": queries.can_open(seat, narrow.chosen),
    }
    return render(request, "appraisal/list.html", context)


@require_POST
@access("role", roles=("bureau_officer",))
@idempotent
def open_year(request: HttpRequest) -> HttpResponse:
    """Opens the year for every responsible hospital that has no appraisal of it."""
    seat, year = request.seat, forms.Year(request.POST, today=timezone.localdate()).chosen  # type: ignore[attr-defined]
    opened = actions.open_year(authority_id=seat.organization_id, year=year, by=seat.actor, at=timezone.now())
    told = ngettext("已为 %(n)s 家医院开启考核。", "已为 %(n)s 家医院开启考核。", len(opened))
    messages.success(request, told % {"n": len(opened)})
    return redirect(f"{reverse('appraisal-list')}?year={year}")


@require_safe
@access("role", roles=permissions.ALLOWED)
@exports
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One appraisal: state and next step, items with their reports, scale, history."""
    appraisal = queries.get_appraisal(request.seat, pk)  # type: ignore[attr-defined]
    steps = {step.action: step for step in queries.available_steps(request.seat, appraisal)}  # type: ignore[attr-defined]
    context = {
        "appraisal": appraisal,
        "state": queries.state_of(appraisal),
        "steps": steps,
        "rows": queries.item_rows(appraisal),
        "duties": queries.duties_of(appraisal),
        "scale": queries.parameters_of(appraisal),
        "history": queries.history_of(appraisal),
        "is_over": timezone.localdate().year > appraisal.year,
    }
    if wants_drawer(request):
        moves = [
            verb_of(step, reverse("appraisal-score", args=(pk,))) for step in steps.values() if step.action == "score"
        ]
        context |= {"moves": moves, "back": came_from(request)}
        return render(request, "appraisal/glance.html", context)
    return render(request, "appraisal/detail.html", context)


@require_POST
@access("role", roles=("bureau_officer",))
@idempotent
def score(request: HttpRequest, pk: int) -> HttpResponse:
    """Measures every item and computes the score; may be repeated until it is closed."""
    appraisal = queries.get_appraisal(request.seat, pk)  # type: ignore[attr-defined]
    scored = actions.score_appraisal(appraisal_id=appraisal.pk, by=request.actor, at=timezone.now())  # type: ignore[attr-defined]
    told = _("已按指标评分：%(score)s 分，拨付 %(share)s%%。指标已冻结，可以打开核对。")
    messages.success(request, told % {"score": scored.score, "share": scored.pay_percent})
    return redirect(came_from(request) or reverse("appraisal-detail", args=(pk,)))
