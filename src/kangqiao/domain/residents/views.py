"""Finding a resident."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.domain.residents import queries
from kangqiao.domain.residents.permissions import TREATING

MOST_SHOWN = 20


@require_safe
@access("role", roles=tuple(TREATING))
def search(request: HttpRequest) -> HttpResponse:
    """The search page; HTMX asks for its list alone while the person types."""
    text = request.GET.get("q", "")
    found = queries.search_residents(request.seat, text, MOST_SHOWN)  # type: ignore[attr-defined]
    return render(request, "residents/search.html", {"text": text, "found": found, "most": MOST_SHOWN})
