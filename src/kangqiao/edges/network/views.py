"""The map of the network, and the live duties of one agreement."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.domain.agreements import permissions, queries
from kangqiao.edges.network.drawing import drawing
from kangqiao.pathways import duty_compliance


@require_safe
@access("role", roles=permissions.READERS)
def network(request: HttpRequest) -> HttpResponse:
    """Hospitals with their centres, what is not covered, and who must hold agreements and has none."""
    seat, on = request.seat, timezone.localdate()  # type: ignore[attr-defined]
    found = queries.network(seat, on)
    context = {"network": found, "drawing": drawing(found), "scope": queries.scope_rows(seat, on)}
    return render(request, "network/map.html", context)


@require_safe
@access("role", roles=permissions.READERS)
@exports
def duties(request: HttpRequest, pk: int) -> HttpResponse:
    """The duties of an agreement with what was counted for each."""
    agreement = queries.get_agreement(request.seat, pk)  # type: ignore[attr-defined]
    results = duty_compliance.compliance_of(agreement, on=timezone.localdate())
    sides = [
        (party, [row for row in results if row.duty.side == party.side]) for party in queries.parties_of(agreement)
    ]
    asks = any(row.needs_reason for row in results) and queries.may_justify(request.seat, agreement)  # type: ignore[attr-defined]
    context = {"agreement": agreement, "sides": sides, "asks": asks, "at": timezone.now()}
    return render(request, "network/duties.html", context)
