"""The network as staff see it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.base.exports import exports
from kangqiao.base.idempotency import idempotent
from kangqiao.domain.institutions import actions, queries

STAFF = (
    "gp", "expert", "centre_manager", "referral_desk", "guidance_office", "dispatcher", "hospital_director",
    "pharmacist", "helper", "school_health", "bureau_officer", "finance_officer", "insurer", "system_admin",
    "security_admin", "audit_admin",
)  # fmt: skip


@require_safe
@access("role", roles=STAFF)
@exports
def network(request: HttpRequest) -> HttpResponse:
    """Hospitals with level, ownership and guidance office; a hospital without its office is named (ZH-4.1a)."""
    seat = request.seat  # type: ignore[attr-defined]
    place = queries.place_chain(seat.place_id)[-1]
    context = {
        "place": place,
        "hospitals": queries.hospitals_with_office(place.code),
        "without_office": list(queries.hospitals_without_guidance_office(place.code)),
        "centres": queries.centres_in(place.code),
    }
    return render(request, "institutions/network.html", context)


@require_POST
@access("role", roles=("hospital_director", "guidance_office", "bureau_officer", "system_admin"))
@idempotent
def register_office(request: HttpRequest, hospital_id: int) -> HttpResponse:
    """The hospital's guidance office is registered."""
    actor = request.actor  # type: ignore[attr-defined]
    actions.register_guidance_office(hospital_id=hospital_id, by=actor, at=timezone.now())
    return HttpResponseRedirect(resolve_url("institutions-network"))
