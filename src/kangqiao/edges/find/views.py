"""One field for everything: a page, and the list alone while somebody types."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.pages import WHOLE, wants_part
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.edges.find import queries


@require_safe
@access("signed_in")
def find(request: SeatedRequest) -> HttpResponse:
    """People, organisations, pages and things to do that are called so, within the reach of the seat."""
    found = queries.find(request.seat, request.GET.get("q", "")[:100], timezone.now())
    if wants_part(request):
        return render(request, "find/results.html", {"found": found})
    frame = WHOLE.resident if request.seat.role == Role.RESIDENT else WHOLE.staff
    return render(request, "find/page.html", {"found": found, "frame_template": frame})
