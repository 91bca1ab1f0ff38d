"""The resident's page for those who treat."""

from __future__ import annotations

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from kangqiao.base.access import access
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.records import queries
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.residents.permissions import TREATING, can_register, is_child

MOST_VISITS = 60


@require_safe
@access("role", roles=tuple(TREATING))
def resident(request: HttpRequest, resident_id: int) -> HttpResponse:
    """Banner, conditions, visits, letters, and why this seat may look; the look itself is written down."""
    seat = request.seat  # type: ignore[attr-defined]
    one = residents.get_resident(seat, resident_id)
    bases = residents.bases_shown(seat, one)
    protection = queries.protection_of(seat, one)
    visits = queries.visits_shown(seat, one, MOST_VISITS, protection)
    context = {
        "resident": one,
        "age": residents.age(one, timezone.localdate()),
        "bases": bases,
        "conditions": queries.conditions_of(seat, one, protection),
        "documents": queries.documents_of(seat, one, protection),
        "hides": protection.hides,
        "days": [(day, list(rows)) for day, rows in groupby(visits, key=lambda visit: visit.day)],
        "most": MOST_VISITS,
        "may_refer": seat.role in (Role.GP, Role.CENTRE_MANAGER),
        "may_name_guardian": can_register(seat.actor, one.centre_id) and is_child(one, timezone.now()),
    }
    return render(request, "records/resident.html", context)


@require_POST
@access("role", roles=tuple(TREATING))
# twice is once: nothing changes, each look is written down, and the number must not be kept as an answer
def identifier(request: HttpRequest, resident_id: int) -> HttpResponse:
    """The whole identity number, for once; who asked for it is written down."""
    seat = request.seat  # type: ignore[attr-defined]
    one = residents.get_resident(seat, resident_id)
    return HttpResponse(format_html('<span class="masked">{}</span>', one.identifier))


@require_safe
@access("role", roles=tuple(TREATING))
def document(request: HttpRequest, document_id: int) -> HttpResponse:
    """One signed letter."""
    seat = request.seat  # type: ignore[attr-defined]
    letter = queries.document(seat, document_id)
    return render(request, "records/document.html", {"letter": letter, "resident": letter.resident})
