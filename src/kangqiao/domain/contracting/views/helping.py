"""Helpers: the pages of those who help a team, and the visits they are sent on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.kernel.errors import NotVisible, RuleBroken, Taken

PAGE = 40


@require_safe
@access("role", roles=permissions.HELPERS)
def helped(request: SeatedRequest) -> HttpResponse:
    """The teams a helper helps: the own visits with date and address, then whom to reach and when they are awaited."""
    seat, now = request.seat, timezone.now()
    page = page_of(request, queries.helped(seat), PAGE)
    queries.with_appointments(list(page), now, listed=True)
    visits = queries.visit_lines(seat, list(queries.home_visits(seat)))
    context = {"places": queries.places_of(seat), "page_obj": page, "visits": visits, "today": timezone.localdate(now)}
    return render(request, "contracting/helped.html", context)


@require_safe
@access("role", roles=permissions.HELPERS)
def person(request: SeatedRequest, resident_id: int) -> HttpResponse:
    """One contracted resident as a helper knows them: contact and appointments."""
    found = [queries.get_helped(request.seat, resident_id)]
    (one,) = queries.with_appointments(found, timezone.now(), listed=False)
    return render(request, "contracting/helped_person.html", {"one": one})


@require_safe
@access("role", roles=permissions.CENTRE)
def visits(request: SeatedRequest) -> HttpResponse:
    """The visits the house's helpers have to go on, the earliest first."""
    page = page_of(request, queries.home_visits(request.seat), PAGE)
    context = {"page_obj": page, "lines": queries.visit_lines(request.seat, list(page)), "today": timezone.localdate()}
    return render(request, "contracting/visits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def new_visit(request: SeatedRequest, contract_id: int) -> HttpResponse:
    """A helper of the team is sent to the resident of a contract."""
    one = queries.get_contract(request.seat, contract_id)
    helpers = queries.helpers_of(one.team)
    form = forms.VisitForm(request.POST or None, helpers=helpers, initial={"on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        about = {"resident_id": one.resident_id, **form.cleaned_data}
        try:
            actions.plan_visit(**about, by=request.actor, at=timezone.now())
        except (RuleBroken, Taken) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("已安排，他会收到消息。"))
            return redirect("contracting-visits")
    page = {"contract": one, "resident": one.resident, "helpers": helpers, "form": form}
    return render(request, "contracting/visit_new.html", page, status=422 if form.errors else 200)


@require_POST
@access("role", roles=permissions.VISITORS)
@idempotent
def step(request: SeatedRequest, visit_id: int) -> HttpResponse:
    """A visit was made, or is called off with a reason."""
    one, by, at = queries.get_visit(request.seat, visit_id), request.actor, timezone.now()
    match request.POST.get("step"):
        case "finish":
            actions.finish_visit(visit_id=one.pk, by=by, at=at)
            messages.success(request, _("已记下。"))
        case "cancel":
            actions.cancel_visit(visit_id=one.pk, reason=request.POST.get("reason", ""), by=by, at=at)
            messages.success(request, _("已取消，他会收到消息。"))
        case _:
            raise NotVisible(_("没有这一步。"), next_step=_("请从上门清单上的按钮操作。"))
    own = "contracting-helped" if request.seat.role in permissions.HELPERS else "contracting-visits"
    return redirect(came_from(request) or own)
