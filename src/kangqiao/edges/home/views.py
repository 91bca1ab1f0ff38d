"""Home, the chain, and one case followed through it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.pages import wants_part
from kangqiao.domain.accounts.models import ROLE_DESCRIPTIONS, Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.domain.education import queries as education
from kangqiao.domain.followup import queries as followup
from kangqiao.domain.messaging import queries as messaging
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.residents import queries as residents
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.edges.home import forms
from kangqiao.edges.home.board import board_of
from kangqiao.pathways import chain as the_chain


@require_safe
@access("signed_in")
def home(request: SeatedRequest) -> HttpResponse:
    """What waits for this seat, and the rows of one of its worklists; HTMX asks for that list alone.

    A resident sees the next appointment instead.
    """
    if request.seat.role == Role.RESIDENT:
        return _resident_home(request)
    asked = forms.Asked(request.GET)
    board = board_of(request.seat, timezone.now(), **asked.wanted())
    page = {
        "board": board,
        "inbox_url": reverse("messaging-inbox"),
        "is_moved": bool(request.GET.get("row")),
        "description": ROLE_DESCRIPTIONS[Role(request.seat.role)],
    }
    is_part = wants_part(request) and request.headers.get("HX-Target") == "queue"
    return render(request, "home/part.html" if is_part else "home/staff.html", page)


def _resident_home(request: SeatedRequest) -> HttpResponse:
    """What the resident is asked after a visit, the next appointments, referrals and notices."""
    resident = residents.resident_of(request.seat.user_id)
    if resident is None:
        return redirect("slots-find")
    ahead, _past = scheduling.own_bookings(request.seat, resident.pk, timezone.now())
    context = {
        "resident": resident,
        "surveys": followup.open_surveys(request.seat),
        "bookings": [own.booking for own in ahead],
        "referrals": referrals.of_resident(request.seat, resident.pk)[:3],
        "unread": education.unread(request.seat, resident.pk),
        "notices": messaging.inbox(request.seat)[:3],
    }
    return render(request, "home/resident.html", context)


@require_safe
@access("signed_in")
def chain(request: SeatedRequest) -> HttpResponse:
    """The chain with its live counts."""
    links = the_chain.links(request.seat.place_code[:4], timezone.now())
    context = {"links": links, "trail": None, "examples": the_chain.examples(request.seat)}
    return render(request, "home/chain.html", context)


@require_safe
@access("signed_in")
def follow(request: SeatedRequest, kind: str, pk: int) -> HttpResponse:
    """One agreement, half-day, referral or yuan through every link."""
    trail = the_chain.follow(request.seat, kind, pk)
    links = the_chain.links(request.seat.place_code[:4], timezone.now())
    rows = [(link, trail.at(link.key)) for link in links]
    return render(request, "home/chain.html", {"links": links, "trail": trail, "rows": rows})
