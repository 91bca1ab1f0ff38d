"""The pages of agreements."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kangqiao.base.access import access
from kangqiao.domain.agreements import permissions, queries


@access("role", roles=permissions.READERS)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One agreement: state, facts, parties, duties, history."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    return render(request, "agreements/detail.html", {"agreement": agreement})
