"""The calendar of a year, and one day of it with the clinics that stand on it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.scheduling import actions, queries
from kangqiao.domain.scheduling.forms import DayStepForm, NameDaysForm
from kangqiao.domain.scheduling.views.booking import Request
from kangqiao.domain.scheduling.views.pools import READERS
from kangqiao.kernel.errors import RuleBroken


@access("role", roles=READERS)
@require_http_methods(["GET", "HEAD", "POST"])
@exports
@idempotent
def year(request: Request) -> HttpResponse:
    """Twelve months with the days that are not as their weekday, and the form that names some of them."""
    scope, form = queries.calendar_scope(request.actor), NameDaysForm(request.POST or None)
    if form.is_valid():
        try:
            rows = actions.name_days(**form.days(), by=request.actor, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("已定下%(count)s天。请看那天还有没有门诊。") % {"count": len(rows)})
            return redirect(f"{reverse('slots-calendar-day')}?day={rows[0].day.isoformat()}")
    this = timezone.localdate().year
    number = queries.year_named(request.GET.get("year", ""), this)
    page = {"scope": scope, "year": queries.year_of(scope, number), "form": form, "today": timezone.localdate()}
    page["weekdays"] = [_("一"), _("二"), _("三"), _("四"), _("五"), _("六"), _("日")]
    return render(request, "scheduling/calendar.html", page, status=422 if form.errors else 200)


@access("role", roles=READERS)
@require_http_methods(["GET", "HEAD", "POST"])
@exports
@idempotent
def day(request: Request) -> HttpResponse:
    """What one day counts as and by whose word, who is booked on it, and the clinics to be called off."""
    asked = request.POST.get("day") or request.GET.get("day") or timezone.localdate().isoformat()
    shown, scope, now = queries.day_named(asked), queries.calendar_scope(request.actor), timezone.now()
    here = f"{reverse('slots-calendar-day')}?day={shown.isoformat()}"
    if request.method == "POST":
        form = DayStepForm(request.POST)
        if not form.is_valid():
            raise RuleBroken(_("没有这一步。"), next_step=_("请回到日历重新选择。"))
        if form.cleaned_data["step"] == "clear":
            actions.clear_day(day=shown, by=request.actor, at=now)
            messages.success(request, _("已撤销，这一天按公布的安排算。"))
        else:
            reason = form.cleaned_data["reason"] or _("这一天不出诊")
            count = actions.call_off_empty(day=shown, reason=reason, by=request.actor, at=now)
            messages.success(request, _("没人约的%(count)s场已停诊。") % {"count": count})
        return redirect(here)
    page = {"scope": scope, "day": shown, "sheet": queries.day_sheet_of(request.actor, scope, shown, now)}
    return render(request, "scheduling/calendar_day.html", page | {"today": timezone.localdate()})
