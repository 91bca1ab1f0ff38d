"""The one-stop service: pilots with their results, a team's day, a visit arranged, its steps done (FT18-3.1a)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports, page_of
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import came_from
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.contracting import actions, forms, permissions, queries
from kangqiao.domain.contracting.models import Contract, TeamMember
from kangqiao.domain.contracting.parameters import Flow
from kangqiao.kernel.errors import RuleBroken, Taken
from kangqiao.kernel.period import in_calendar

PAGE = 50


@require_safe
@access("role", roles=permissions.READERS)
@exports
def pilots(request: SeatedRequest) -> HttpResponse:
    """The pilots of the house or of a bureau's place, with how many visits were done at one stop."""
    seat, on = request.seat, timezone.localdate()
    page = page_of(request, queries.pilots(seat), PAGE)
    months = queries.pilot_months([one.pk for one in page], on)
    context = {
        "page_obj": page,
        "lines": [(one, _whole(months[one.pk])) for one in page],
        "may_begin": seat.role in permissions.PACKERS and bool(queries.may_pilot(seat)),
        "may_arrange": seat.role in permissions.CENTRE,
        "today": on,
    }
    return render(request, "contracting/pilots.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.PACKERS)
@idempotent
def begin(request: SeatedRequest) -> HttpResponse:
    """A centre begins to try it."""
    seat = request.seat
    form = forms.PilotForm(
        request.POST or None, houses=queries.may_pilot(seat), initial={"starts_on": timezone.localdate()}
    )
    if form.is_valid():
        try:
            made = actions.begin_pilot(**form.cleaned_data, by=request.actor, at=timezone.now())
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("试点已开始。从签约页可以安排一站式就诊。"))
            return redirect("contracting-pilot", made.pk)
    context = {"form": form, "houses": form.houses}
    return render(request, "contracting/pilot_new.html", context, status=422 if form.errors else 200)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def pilot(request: SeatedRequest, pilot_id: int) -> HttpResponse:
    """One pilot: site, start, flows and the results by month; counts alone."""
    one, on = queries.get_pilot(request.seat, pilot_id), timezone.localdate()
    months = queries.pilot_months([one.pk], on)[one.pk]
    context = {
        "pilot": one,
        "months": months,
        "whole": _whole(months),
        "flows": [_named(flow) for flow in queries.flows_in(one.organization.place.code, max(on, one.starts_on))],
        "may_end": queries.may_keep_pilot(request.seat, one),
        "may_arrange": request.seat.role in permissions.CENTRE,
        "today": on,
    }
    return render(request, "contracting/pilot.html", context)


@require_POST
@access("role", roles=permissions.PACKERS)
@idempotent
def end(request: SeatedRequest, pilot_id: int) -> HttpResponse:
    """The pilot ends with today."""
    one = queries.get_pilot(request.seat, pilot_id)
    actions.end_pilot(pilot_id=one.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("试点到今天结束，结果留在这里。"))
    return redirect("contracting-pilot", one.pk)


@require_safe
@access("role", roles=permissions.CENTRE)
@exports
def day(request: SeatedRequest) -> HttpResponse:
    """Who comes that day, and every step in order: when, who of the team, done or not."""
    seat, today = request.seat, timezone.localdate()
    on = _day_named(request.GET.get("on", ""), today)
    stops = queries.one_stops(seat, on)
    context = {
        "on": on,
        "today": today,
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
        "stops": stops,
        "pilot": queries.pilot_on(seat.organization_id, on),
        "may_do": on <= today,
    }
    return render(request, "contracting/one_stop_day.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def plan(request: SeatedRequest, contract_id: int) -> HttpResponse:
    """One press arranges every step of the flow on one day."""
    held, on = queries.get_contract(request.seat, contract_id), timezone.localdate()
    flows = queries.flows_for(held, on)
    form = forms.OneStopForm(request.POST or None, flows=flows, initial={"on": on})
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.plan_one_stop(contract_id=held.pk, **form.cleaned_data, by=request.actor, at=timezone.now())
        except (RuleBroken, Taken) as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已安排：来一次，依次办完。"))
            return redirect(f"{reverse('contracting-one-stop-day')}?on={made.on.isoformat()}")
    context = _planning(held, flows, on) | {"form": form}
    return render(request, "contracting/one_stop_new.html", context, status=422 if form.errors else 200)


@require_POST
@access("role", roles=permissions.CENTRE)
@idempotent
def done(request: SeatedRequest, one_stop_step_id: int) -> HttpResponse:
    """A step was done by a member of the team."""
    one = queries.get_one_stop_step(request.seat, one_stop_step_id)
    made = actions.finish_one_stop_step(step_id=one.pk, by=request.actor, at=timezone.now())
    words = _("一次办完了。") if made.visit.state.final else _("已记下，请居民到下一步。")
    messages.success(request, words)
    return redirect(came_from(request) or f"{reverse('contracting-one-stop-day')}?on={one.visit.on.isoformat()}")


@require_POST
@access("role", roles=permissions.CENTRE)
@idempotent
def cancel(request: SeatedRequest, one_stop_id: int) -> HttpResponse:
    """The resident does not come after all, with the reason."""
    one, by, at = queries.get_one_stop(request.seat, one_stop_id), request.actor, timezone.now()
    actions.cancel_one_stop(one_stop_id=one.pk, reason=request.POST.get("reason", ""), by=by, at=at)
    messages.success(request, _("已取消，居民会收到消息。"))
    return redirect(came_from(request) or f"{reverse('contracting-one-stop-day')}?on={one.on.isoformat()}")


def _whole(months: list[queries.PilotMonth]) -> queries.PilotMonth:
    """All months together."""
    first = min((one.month for one in months), default=date.min)
    return queries.PilotMonth(
        first, *(sum(getattr(one, name) for one in months) for name in ("visits", "steps", "done", "whole"))
    )


def _planning(held: Contract, flows: list[Flow], on: date) -> dict[str, Any]:
    return {
        "contract": held,
        "resident": held.resident,
        "flows": [_named(flow) for flow in flows],
        "pilot": queries.pilot_on(held.team.organization_id, on),
    }


def _named(flow: Flow) -> tuple[Flow, list[tuple[Any, str]]]:
    """A flow with its steps and the kind of member of each in words."""
    return flow, [(step, str(TeamMember.Kind(step.kind).label)) for step in flow.steps]


def _day_named(text: str, today: date) -> date:
    """The day of an address; today where it names none."""
    try:
        return in_calendar(datetime.strptime(text, "%Y-%m-%d").date()) or today  # noqa: DTZ007 (a day alone)
    except ValueError:
        return today
