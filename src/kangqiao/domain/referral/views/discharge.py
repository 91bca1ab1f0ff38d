"""Patients in a bed who may go back to their centre."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from kangqiao.base.access import access
from kangqiao.domain.referral import permissions, queries
from kangqiao.domain.referral.views.letters import Request


@access("role", roles=permissions.HOSPITAL_ROLES)
@require_GET
def fit(request: Request) -> HttpResponse:
    """The list by diagnosis and day; each line opens the hand-over with the letter it continues."""
    return render(request, "referral/discharge.html", {"beds": queries.fit_to_go_down(request.seat, timezone.now())})
