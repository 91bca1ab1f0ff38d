"""What stations did in a month: the centre's sum with what is missing in it, a report, a station of its own."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.institutions.actions import register_station
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.stations import actions, forms, permissions, queries, rules
from kangqiao.kernel.errors import RuleBroken


@require_safe
@access("role", roles=permissions.READERS)
@exports
def index(request: SeatedRequest) -> HttpResponse:
    """The month of each centre: its stations, who is late or missing, and the sum of what came in."""
    seat, on = request.seat, timezone.localdate()
    month = queries.month_named(request.GET.get("month", ""), on)
    after = rules.month_after(month)
    context = {
        "month": month,
        "before": queries.last_month(month),
        "after": after if after <= queries.last_month(on) else None,
        "centres": queries.centre_months(seat, month, on),
        "may_add": seat.role in permissions.KEEPERS,
        "may_report": seat.role in permissions.CENTRE,
        "has_stations": queries.stations(seat).exists(),
        # A station sees itself alone, which is no sum of its centre.
        "is_summed": seat.organization_kind != Organization.Kind.STATION,
    }
    return render(request, "stations/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.KEEPERS)
@idempotent
def new(request: SeatedRequest) -> HttpResponse:
    """A station of the own centre."""
    form = forms.StationForm(request.POST or None)
    if form.is_valid():
        by, at, house = request.actor, timezone.now(), request.seat.organization_id
        try:
            register_station(centre_id=house, **form.cleaned_data, by=by, at=at)
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("服务站已登记，从开的那个月起每月报一次。"))
            return redirect("stations-list")
    return render(request, "stations/new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access("role", roles=permissions.CENTRE)
@idempotent
def report(request: SeatedRequest, station_id: int) -> HttpResponse:
    """The numbers of a station for a month: typed in, or corrected with the former ones beside."""
    station, on = queries.get_station(request.seat, station_id), timezone.localdate()
    month = queries.month_named(request.GET.get("month", ""), on)
    kinds, versions = queries.kinds_of(station, month), queries.versions_of(station, month)
    form = forms.ReportForm(
        request.POST or None, kinds=kinds, is_correction=bool(versions), initial=versions[0][1] if versions else {}
    )
    if form.is_valid():
        try:
            by, at = request.actor, timezone.now()
            actions.report_month(station_id=station.pk, month=month, **form.keywords(), by=by, at=at)
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已更正，原来的数字留着。") if versions else _("已收到。"))
            return redirect(_list(month))
    lines = [(one, [numbers.get(kind.key) for kind in kinds]) for one, numbers, _on in versions]
    context = {"station": station, "month": month, "form": form, "kinds": kinds, "versions": lines}
    context["back"] = _list(month)
    return render(request, "stations/report.html", context, status=422 if form.errors else 200)


def _list(month: date) -> str:
    return f"{reverse('stations-list')}?month={month:%Y-%m}"
