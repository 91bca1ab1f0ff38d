"""What every page needs: the seat, the clock, the demonstration mark."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from kangqiao.base.idempotency import new_key


def page(request: HttpRequest) -> dict[str, Any]:
    """Context shared by all templates; the rail and the head come from the home edge."""
    seat = getattr(request, "seat", None)
    return {
        "seat": seat,
        "now": timezone.now(),
        "demo": settings.DEMO != "none",
        "idempotency_key": new_key,
        "drafts_url": reverse("drafts-keep") if seat else "",
        "drafts_drop_url": reverse("drafts-drop") if seat else "",
    }
