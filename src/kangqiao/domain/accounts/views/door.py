"""The door: coming in with a password or a click, and going out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.base.acting import beyond
from kangqiao.base.visitor import address
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import SeatForm, SignInForm
from kangqiao.domain.accounts.views.parts import STAMPS, come_in, oneself, proceed, refuse, signed_in
from kangqiao.kernel.errors import NotVisible, RuleBroken, TooOften


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
@beyond("accounts.door")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; in a demonstration it also lists the invented people by role."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        where = address(request)
        try:
            user = actions.sign_in(**form.cleaned_data, demo=settings.DEMO, address=where, at=timezone.now())
        except (RuleBroken, TooOften) as refused:
            return refuse(request, form, refused, "accounts/sign_in.html", _door(request, form))
        return proceed(request, user, "password", wanted=request.POST.get("next", ""))
    return render(request, "accounts/sign_in.html", _door(request, form), status=422 if form.errors else 200)


@require_POST
@access("public")
@beyond("accounts.door")
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """One click into an invented person; nowhere but in a demonstration."""
    form = SeatForm(request.POST)
    person = queries.demo_seat(form.cleaned_data["seat"], timezone.localdate()) if form.is_valid() else None
    if person is None:
        raise NotVisible(str(queries.NO_PAGE))
    user = actions.sign_in_as_demo(user_id=person.user_id, demo=settings.DEMO, at=timezone.now())
    return come_in(request, user, "demo", request.POST.get("next", ""), membership_id=person.pk)


@require_POST
@access("public")
@beyond("accounts.door")
# twice is once: who is out is out
def sign_out(request: HttpRequest) -> HttpResponse:
    """The session ends and its data goes with it."""
    sign_in_id = request.session.get(STAMPS, {}).get("id")
    user = signed_in(request)
    if sign_in_id and user is not None:
        actions.end_sign_in(sign_in_id=sign_in_id, why="out", by=oneself(user), at=timezone.now())
    logout(request)
    return HttpResponseRedirect(resolve_url("sign-in"))


def _door(request: HttpRequest, form: Form) -> dict[str, Any]:
    return {
        "form": form,
        "people": queries.demo_people(timezone.localdate()) if settings.DEMO != "none" else [],
        "next": request.GET.get("next", request.POST.get("next", "")),
        "why": request.GET.get("why", ""),
        "has_sso": bool(settings.SSO["issuer"]),
        "without_second": settings.DEMO_WITHOUT_SECOND_FACTOR,
    }
