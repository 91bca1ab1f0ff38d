"""Help, the statement on accessibility, and what a phone needs to keep the portal on its first screen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kangqiao.base.access import access
from kangqiao.base.pages import WHOLE
from kangqiao.base.shortcuts import SHORTCUTS
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import SeatedRequest
from kangqiao.edges.help.figures import EXCEPTIONS, FIGURES, MEASURED_ON, ON_THE_PHONE
from kangqiao.edges.help.tours import tour_of


def _frame(request: HttpRequest) -> str:
    seat = getattr(request, "seat", None)
    if seat is None:
        return WHOLE.public
    return WHOLE.resident if seat.role == Role.RESIDENT else WHOLE.staff


@require_safe
@access("public")
def help_page(request: HttpRequest) -> HttpResponse:
    """What one can do when stuck: the tour, the keys, whom to ask."""
    return render(request, "help/help.html", {"shortcuts": SHORTCUTS, "frame_template": _frame(request)})


@require_safe
@access("signed_in")
def tour(request: SeatedRequest) -> JsonResponse:
    """The stops of the reader's role."""
    return JsonResponse({"stops": tour_of(request.seat.role)})


@require_safe
@access("public")
def accessibility(request: HttpRequest) -> HttpResponse:
    """What was measured, when, and what does not hold yet."""
    page = {"figures": FIGURES, "exceptions": EXCEPTIONS, "on": MEASURED_ON, "on_the_phone": ON_THE_PHONE}
    page["frame_template"] = _frame(request)
    return render(request, "help/accessibility.html", page)


@require_safe
@access("public")
def offline(request: HttpRequest) -> HttpResponse:
    """The page an installed portal shows without a network; it holds nothing of anybody."""
    return render(request, "help/offline.html")


@require_safe
@access("public")
def manifest(request: HttpRequest) -> JsonResponse:
    """The portal as an app of a phone."""
    icons = [
        {"src": static(f"kangqiao/app-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    answer = {
        "id": "/", "name": _("康桥 · 家门口的专家号"), "short_name": _("康桥"),
        "start_url": reverse("home"), "scope": "/", "display": "standalone", "orientation": "portrait",
        "background_color": "#f6f8fa", "theme_color": "#0b6e99",
        "lang": get_language(), "icons": icons,
    }  # fmt: skip
    return JsonResponse(answer, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})


@require_safe
@access("public")
def service_worker(request: HttpRequest) -> HttpResponse:
    """Keeps the files of the shell, and for a resident what config/phone.py marks."""
    return render(request, "help/sw.js", content_type="text/javascript; charset=utf-8")
