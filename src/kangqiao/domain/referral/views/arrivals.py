"""The window for referred patients at the outpatient desk: who is expected, who is here, who is next."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kangqiao.base.access import access
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.referral import actions, permissions, queries
from kangqiao.domain.referral.views.letters import Request


@access("role", roles=permissions.DESK_ROLES)
@require_GET
def today(request: Request) -> HttpResponse:
    """Everybody expected today with all their places, and the three queues of those who are here."""
    now = timezone.now()
    rows = queries.arrivals(request.seat, now)
    page = {
        "expected": [row for row in rows if not row.is_here],
        "here": [row for row in rows if row.is_here],
        "late": sum(row.is_late for row in rows),
        "queues": queries.queues(request.seat, now),
    }
    return render(request, "referral/arrivals.html", page)


@access("role", roles=permissions.DESK_ROLES)
@require_POST
@idempotent
def receive(request: Request, referral_id: int) -> HttpResponse:
    """A patient has come: every place of today is checked in."""
    one = queries.get_referral(request.seat, referral_id)
    actions.receive_patient(referral_id=one.pk, by=request.actor, at=timezone.now())
    messages.success(request, _("%(name)s已到院，转出中心会收到通知。") % {"name": one.resident.name})
    return redirect("referral-arrivals")


@access("role", roles=permissions.HOSPITAL_ROLES)
@require_POST
@idempotent
def done(request: Request, referral_id: int, part: str) -> HttpResponse:
    """An examination is done, or the patient lies in the bed."""
    one = queries.get_referral(request.seat, referral_id)
    actions.complete_part(referral_id=one.pk, kind=part, by=request.actor, at=timezone.now())
    messages.success(request, _("已登记，写进了健康档案。"))
    at_window = request.seat.role in permissions.DESK_ROLES
    return redirect("referral-arrivals") if at_window else redirect("referral-detail", one.pk)
