"""Coming in, going out, and choosing seat, language and size."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kangqiao.base.access import access
from kangqiao.domain.accounts import actions, queries
from kangqiao.domain.accounts.forms import LanguageForm, ModeForm, SeatForm, SignInForm
from kangqiao.domain.accounts.models import User
from kangqiao.kernel.errors import NotVisible, RuleBroken

LANGUAGE_COOKIE, MODE_COOKIE = "kq-language", "kq_mode"
ONE_YEAR_SECONDS = 365 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@access("public")
def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; in a demonstration it also lists the invented people by role."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = actions.sign_in(**form.cleaned_data, demo=settings.DEMO, at=timezone.now())
        except RuleBroken as refused:
            form.add_error(None, str(refused))
        else:
            return _come_in(request, user)
    people = queries.demo_people(timezone.localdate()) if settings.DEMO != "none" else []
    context = {"form": form, "people": people, "next": request.GET.get("next", request.POST.get("next", ""))}
    return render(request, "accounts/sign_in.html", context, status=422 if form.errors else 200)


@require_POST
@access("public")
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """One click into an invented person; nowhere but in a demonstration."""
    form = SeatForm(request.POST)
    person = queries.demo_seat(form.cleaned_data["seat"], timezone.localdate()) if form.is_valid() else None
    if person is None:
        raise NotVisible(str(queries.NO_PAGE))
    user = actions.sign_in_as_demo(user_id=person.user_id, demo=settings.DEMO, at=timezone.now())
    return _come_in(request, user, membership_id=person.pk)


@require_POST
@access("public")
def sign_out(request: HttpRequest) -> HttpResponse:
    """The session ends and its data goes with it."""
    logout(request)
    return HttpResponseRedirect(resolve_url("sign-in"))


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


def _come_in(request: HttpRequest, user: User, membership_id: int | None = None) -> HttpResponse:
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    # A browser that changes hands keeps its session through `login`; the seat chosen before must not come along.
    request.session.pop("membership", None)
    if membership_id is not None:
        request.session["membership"] = membership_id
    answer = _back(request)
    answer.set_cookie(LANGUAGE_COOKIE, user.language, max_age=ONE_YEAR_SECONDS, samesite="Lax")
    answer.set_cookie(MODE_COOKIE, "elder" if user.elder_mode else "plain", max_age=ONE_YEAR_SECONDS, samesite="Lax")
    return answer


def _back(request: HttpRequest) -> HttpResponseRedirect:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(wanted if is_ours and wanted else "/")
