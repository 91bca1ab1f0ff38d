"""Choosing seat, language and size."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.base.pages import MODE_COOKIE, WHOLE, reader
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import DisplayForm, LanguageForm, SeatForm
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.views.parts import LANGUAGE_COOKIE, ONE_YEAR_SECONDS, own_address
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


@require_http_methods(["GET", "HEAD", "POST"])
@access("public")
# twice is once: the same pages are chosen again
def display(request: HttpRequest) -> HttpResponse:
    """Size and contrast of the pages and keys of one letter, kept in a cookie and, for somebody signed in, with the
    account.
    """
    form = DisplayForm(request.POST or None, initial=DisplayForm.said(reader(request)["display"]))
    seat = getattr(request, "seat", None)
    if request.method != "POST" or not form.is_valid():
        page = {"form": form, "next": request.GET.get("next", ""), "frame_template": _frame_of(seat)}
        return render(request, "accounts/display.html", page, status=422 if form.errors else 200)
    chosen, answer = form.chosen, _back(request)
    answer.set_cookie(MODE_COOKIE, str(chosen), max_age=ONE_YEAR_SECONDS, samesite="Lax")
    if seat is not None:
        actions.set_display(user_id=seat.user_id, display=chosen, by=seat.actor, at=timezone.now())
    return answer


def _frame_of(seat: Seat | None) -> str:
    if seat is None:
        return WHOLE.public
    return WHOLE.resident if seat.role == Role.RESIDENT else WHOLE.staff


def _back(request: HttpRequest) -> HttpResponseRedirect:
    return HttpResponseRedirect(own_address(request, request.POST.get("next", "")))
