"""The desk scans the code on a phone."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.base.pages import undo_tag
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.scheduling import actions, permissions
from kangqiao.domain.scheduling.forms import ScanForm
from kangqiao.domain.scheduling.views.booking import TOLD, Request, _day_page
from kangqiao.kernel.errors import Denied, RuleBroken, Taken


@access("role", roles=(*permissions.DESK, Role.EXPERT))
@require_POST
@idempotent
def scan(request: Request) -> HttpResponse:
    """Whoever shows the code is checked in; the field waits for the next one, and a refusal stands above it."""
    form, next_one = ScanForm(request.POST.dict(), is_awaited=True), f"{reverse('slots-day')}?scan=1"
    if form.is_valid():
        try:
            came = actions.check_in_scanned(code=form.cleaned_data["code"], by=request.actor, at=timezone.now())
        except (RuleBroken, Taken, Denied) as refused:
            form.refuse(str(refused))
        else:
            undo = undo_tag("slots-step", came.pk, back=next_one)
            messages.success(request, TOLD["check_in"] % {"name": came.resident.name}, extra_tags=undo)
            return redirect(next_one)
    return render(request, "scheduling/day.html", _day_page(request, timezone.localdate(), form), status=422)
