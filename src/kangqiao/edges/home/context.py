"""The rail and the head of every page of a person who is signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from kangqiao.base.pages import Frame, Seat
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.messaging import queries as messaging
from kangqiao.edges.home.rail import rail


def frame(request: HttpRequest) -> dict[str, Any]:
    """`rail` and `frame` for the seat of the request; nothing for a reader without one."""
    seat = getattr(request, "seat", None)
    if seat is None:
        return {}
    return {
        "rail": SimpleLazyObject(lambda: rail(seat.role, request.path)),
        "frame": SimpleLazyObject(lambda: _frame(request)),
    }


def _frame(request: HttpRequest) -> Frame:
    seat = request.seat  # type: ignore[attr-defined]
    return Frame(
        person=seat.user_name,
        role=str(seat.role_name),
        organisation=seat.organization_name,
        demo=bool(settings.DEMO != "none" and getattr(request.user, "is_demo", False)),
        seats=tuple(
            Seat(str(found.pk), found.organization.zh, str(Role(found.role).label), found.pk == seat.membership_id)
            for found in request.memberships  # type: ignore[attr-defined]
        ),
        switch_url=reverse("accounts-seat"),
        search_url=reverse("find"),
        inbox_url=reverse("messaging-inbox"),
        inbox_count=messaging.unread_count(seat),
        sign_out_url=reverse("sign-out"),
        own_url=reverse("own-sign-ins"),
    )
