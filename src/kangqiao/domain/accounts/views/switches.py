"""Choosing seat, language and size."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from kangqiao.base.access import access
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import LanguageForm, ModeForm, SeatForm
from kangqiao.domain.accounts.views.parts import LANGUAGE_COOKIE, MODE_COOKIE, ONE_YEAR_SECONDS, own_address
from kangqiao.kernel.errors import NotVisible


@require_POST
@access("signed_in")
def switch_seat(request: HttpRequest) -> HttpResponse:
    """The person acts from another of their own seats from now on; its home page opens."""
    form = SeatForm(request.POST)
    chosen = (
        queries.membership_of(request.user, form.cleaned_data["seat"], timezone.localdate())
        if form.is_valid()
        else None
    )
    if chosen is None:
        raise NotVisible(str(queries.NO_PAGE))
    request.session["membership"] = chosen.pk
    return HttpResponseRedirect("/")


@require_POST
@access("public")
# twice is once: the same language is chosen again
def switch_language(request: HttpRequest) -> HttpResponse:
    """Chinese or English, kept in a cookie and, for somebody signed in, with the account."""
    form = LanguageForm(request.POST)
    answer = _back(request)
    if form.is_valid():
        language = form.cleaned_data["language"]
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=ONE_YEAR_SECONDS, samesite="Lax")
        seat = getattr(request, "seat", None)
        if seat is not None:
            actions.set_language(user_id=seat.user_id, language=language, by=seat.actor, at=timezone.now())
    return answer


@require_POST
@access("public")
# twice is once: the same pages are chosen again
def switch_mode(request: HttpRequest) -> HttpResponse:
    """Large plain pages or ordinary ones, kept in a cookie and, for somebody signed in, with the account."""
    form = ModeForm(request.POST)
    answer = _back(request)
    if form.is_valid():
        mode = form.cleaned_data["mode"]
        answer.set_cookie(MODE_COOKIE, mode, max_age=ONE_YEAR_SECONDS, samesite="Lax")
        seat = getattr(request, "seat", None)
        if seat is not None:
            actions.set_elder_mode(user_id=seat.user_id, is_on=mode == "elder", by=seat.actor, at=timezone.now())
    return answer


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(own_address(request, request.POST.get("next", "")))
