"""What referral brings, by hospital and quarter."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from kangqiao.base.access import access
from kangqiao.domain.referral import queries
from kangqiao.domain.referral.views.letters import Request


@access("role", roles=queries.READERS)
@require_GET
def results(request: Request) -> HttpResponse:
    """The waiting time gained, and both directions beside each other."""
    found = queries.results(request.seat, timezone.now(), _day(request.GET.get("from", "")))
    return render(request, "referral/results.html", {"found": found})


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
