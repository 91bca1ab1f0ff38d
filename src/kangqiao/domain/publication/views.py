"""The pages of the yearly list, from draft to the public."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from, verb_of, wants_drawer
from kangqiao.domain.publication import actions, forms, permissions, queries
from kangqiao.kernel.errors import Denied, NotVisible

# The moves of the page: what each posts to, what is typed, and what the person is told afterwards.
STEPS: dict[str, tuple[Callable[..., Any], tuple[str, ...], Any]] = {
    "submit": (actions.submit_publication, (), gettext_lazy("已送卫生行政部门审核，名单和摘要已冻结。")),
    "return": (actions.return_publication, ("reason",), gettext_lazy("已退回医院修改，原因一并送达。")),
    "approve": (actions.approve_publication, (), gettext_lazy("已批准，医院可以公示了。")),
    "publish": (actions.publish_publication, (), gettext_lazy("已公示，任何人都能在公示网站看到。")),
}


@require_safe
@access("role", roles=permissions.STAFF)
@exports
def publication_list(request: HttpRequest) -> HttpResponse:
    """The lists of a year with state and last day, and who has not begun."""
    seat, today = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    narrow = forms.Year(request.GET, today=today)
    context = {
        "narrow": narrow,
        "rows": queries.listed(seat, narrow.chosen, today),
        "owed": queries.owed(seat, narrow.chosen),
        "hospital": queries.hospital_of(seat),
    }
    return render(request, "publication/list.html", context)


@require_POST
@access("role", roles=("guidance_office", "hospital_director"))
@idempotent
def draft(request: HttpRequest) -> HttpResponse:
    """The seat's hospital begins its list of a year."""
    hospital = queries.hospital_of(request.seat)  # type: ignore[attr-defined]
    if hospital is None:
        raise Denied(_("公示名单由医院自己的社区指导科准备。"), clause="SZ16-4.3b")
    year, by = forms.Year(request.POST, today=timezone.localdate()).chosen, request.actor  # type: ignore[attr-defined]
    made = actions.draft_publication(organization_id=hospital.pk, year=year, by=by, at=timezone.now())
    messages.success(request, _("名单已按协议和派驻生成草稿，请核对后送审。"))
    return redirect("publication-detail", pk=made.pk)


@require_safe
@access("role", roles=permissions.STAFF)
@exports
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One list: state and next step, content, difference to the last one, history."""
    seat, today = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    publication = queries.get_publication(seat, pk)
    context = {
        "publication": publication,
        "content": publication.content,
        "state": queries.state_of(publication),
        "steps": queries.available_steps(seat, publication),
        "days_left": (publication.due_on - today).days,
        "changes": queries.differences(publication),
        "history": queries.story_of(publication),
    }
    if wants_drawer(request):
        moves = [verb_of(step, reverse("publication-step", args=(pk,))) for step in context["steps"]]
        return render(request, "publication/glance.html", context | {"moves": moves, "back": came_from(request)})
    return render(request, "publication/detail.html", context)


@require_POST
@access("role", roles=permissions.STAFF)
@idempotent
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """One move of the list, with its reason where one is needed."""
    queries.get_publication(request.seat, pk)  # type: ignore[attr-defined]
    if request.POST.get("step") not in STEPS:
        raise NotVisible(_("没有这一步。"), next_step=_("请从公示页上的按钮操作。"))
    action, names, told = STEPS[request.POST["step"]]
    typed = {name: request.POST.get(name, "") for name in names}
    action(publication_id=pk, by=request.actor, at=timezone.now(), **typed)  # type: ignore[attr-defined]
    messages.success(request, told)
    return redirect(came_from(request) or reverse("publication-detail", args=(pk,)))
