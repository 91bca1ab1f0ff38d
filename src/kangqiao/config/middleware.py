"""Three thin layers around every view: language, seat, and errors turned into answers once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import resolve
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode

from kangqiao.base import acting
from kangqiao.base.access import note_failure, note_refusal
from kangqiao.base.actor import Actor
from kangqiao.base.drafts import is_aside, page_of
from kangqiao.base.pages import wants_part
from kangqiao.domain.accounts import actions as sign_ins
from kangqiao.domain.accounts import queries as accounts
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.rules import over
from kangqiao.domain.accounts.views.parts import STAMPS, begin
from kangqiao.domain.residents import actions as residents
from kangqiao.kernel.errors import (
    AlreadyMoved,
    Denied,
    KangqiaoError,
    NoPolicyInForce,
    NotVisible,
    RuleBroken,
    Taken,
    TooOften,
)

LANGUAGE_COOKIE = "kq-language"
# Sent by `page.js` with what a page asks by itself.
POLL_HEADER = "X-Kangqiao-Poll"
# How exact the idle limit is; each time costs a write.
SEEN_EVERY = timedelta(minutes=1)
Handler = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """The language a person chose, else Chinese; a browser's own wish does not switch a shared desk."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = request.COOKIES.get(LANGUAGE_COOKIE, "zh-hans")
        translation.activate(language if language in ("zh-hans", "en") else "zh-hans")
        request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class SeatMiddleware:
    """Puts the seat a person acts from, and the actor written into every action, on the request.

    Who somebody is cannot be asked as that somebody yet, so the system looks it up; the request gets its number here.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.number = acting.new_request()  # type: ignore[attr-defined]
        seat = _seat_of(request) if request.session.session_key else None
        request.seat = seat  # type: ignore[attr-defined]
        request.actor = seat.actor if seat else None  # type: ignore[attr-defined]
        return self.get_response(request)


class ErrorMiddleware:
    """Translates a domain error into its status and page: 404, 403, 422 or 409."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        _report_wide_reading(request)
        patch_vary_headers(response, ("HX-Request",))  # one address answers a page and its part
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for a domain error; any other exception is left to the server."""
        if not isinstance(error, KangqiaoError):
            return None
        _write_down(request, error)
        status = status_of(error)
        part = wants_part(request)
        if isinstance(error, AlreadyMoved) and not part and (page := _page_as_it_stands(request, error)):
            return page
        template = "error_fragment.html" if part else "error.html"
        # The view's transaction is rolled back; the page with its frame has one of its own, from the same seat.
        with _acting_again(request):
            context = {"error": error, "status": status, "proof": _proof(request, error)}
            response = render(request, template, context, status=status)
        if isinstance(error, TooOften):
            response["Retry-After"] = str(error.retry_after_seconds)
        if part:
            response["HX-Retarget"], response["HX-Reswap"] = "#problem", "innerHTML"
            if isinstance(error, AlreadyMoved):  # the parts that show the row load themselves anew
                response["HX-Trigger"] = "moved"
        return response


def _page_as_it_stands(request: HttpRequest, error: AlreadyMoved) -> HttpResponse | None:
    """The page a form was sent from, as it stands now, with the sentence above it; None where it cannot be shown.

    The form's own page says what became of the row; its address stays the form's, so that reloading sends nothing.
    """
    if not request.headers.get("Referer"):
        return None
    page = urlsplit(page_of(request))
    again = copy(request)
    again.method, again.path, again.path_info, again.GET = "GET", page.path, page.path, QueryDict(page.query)
    again.META = {**request.META, "REQUEST_METHOD": "GET", "PATH_INFO": page.path, "QUERY_STRING": page.query}
    again.moved = error  # type: ignore[attr-defined]
    try:
        again.resolver_match = match = resolve(page.path)
        response: HttpResponse = match.func(again, *match.args, **match.kwargs)
    except (KangqiaoError, Http404):
        return None
    if response.status_code != 200:
        return None
    request.reads = getattr(again, "reads", None)  # type: ignore[attr-defined]
    response.status_code = 409
    return response


def status_of(error: KangqiaoError) -> int:
    """The HTTP status of a domain error."""
    match error:
        case NotVisible():
            return 404
        case Denied():
            return 403
        case Taken():
            return 409
        case RuleBroken() | NoPolicyInForce():
            return 422
        case TooOften():
            return 429
        case _:
            return 500


def _proof(request: HttpRequest, error: KangqiaoError) -> str:
    """Where somebody proves who they are and goes on with what was refused; empty where that changes nothing."""
    if not (isinstance(error, TooOften) and error.is_lifted_by_proof):
        return ""
    is_whole = request.method == "GET" and not wants_part(request)
    wanted = request.get_full_path() if is_whole else page_of(request)
    return resolve_url("accounts-prove") + "?" + urlencode({"next": wanted})


def _write_down(request: HttpRequest, error: KangqiaoError) -> None:
    """A refused call leaves its trace, and so does a failed one that looked at somebody."""
    if isinstance(error, NotVisible | Denied | TooOften):
        note_refusal(request, request.resolver_match.kwargs if request.resolver_match else {})
    elif getattr(request, "reads", None):
        note_failure(request)


def _report_wide_reading(request: HttpRequest) -> None:
    """The security administrators hear of somebody who opens very many records, also when the call was stopped."""
    found = getattr(request, "reads", None)
    if found is None or found.wide is None:
        return
    people, minutes = found.wide
    with acting.as_system("reads"):
        actor = request.actor  # type: ignore[attr-defined]
        residents.report_wide_reading(people=people, minutes=minutes, by=actor, at=timezone.now())


@contextmanager
def _acting_again(request: HttpRequest) -> Iterator[None]:
    seat = getattr(request, "seat", None)
    if seat is None:  # the page of a reader without a seat asks the database nothing
        yield
        return
    with transaction.atomic():
        acting.as_seat(seat, request=getattr(request, "number", ""))
        yield


def _seat_of(request: HttpRequest) -> Seat | None:
    with acting.as_system("seat"):
        if not request.user.is_authenticated:
            return None
        # The frame of the page lists them too. A user who is not active is not authenticated.
        request.memberships = accounts.current_memberships(request.user, timezone.localdate())  # type: ignore[attr-defined]
        seat = accounts.seat_among(request.memberships, request.user, request.session.get("membership"))  # type: ignore[attr-defined]
        return seat if _keep(request, is_resident=seat is not None and seat.role == Role.RESIDENT) else None


def _keep(request: HttpRequest, *, is_resident: bool) -> bool:
    """Whether the sign-in lasts; one that was left alone, or is too old, ends here with its session."""
    now = timezone.now()
    if STAMPS not in request.session:
        begin(request, request.user, "session", now)  # type: ignore[arg-type]
    stamps = request.session[STAMPS]
    started, seen = (datetime.fromisoformat(stamps[name]) for name in ("started", "seen"))
    why = over(is_resident=is_resident, started_at=started, seen_at=seen, now=now)
    # A call made aside is refused and ends nothing: its answer would take the cookie of a form sent at the same moment.
    if why and is_aside(request):
        request.user = AnonymousUser()
    elif why:
        by = Actor.system("sign-in")
        sign_ins.end_sign_in(sign_in_id=stamps["id"], why=why, by=by, at=now)
        logout(request)
    if why:
        request.session_over = why  # type: ignore[attr-defined]
        return False
    # A page that asks by itself whether there is news is nobody at the desk.
    if now - seen >= SEEN_EVERY and POLL_HEADER not in request.headers:
        request.session[STAMPS] = stamps | {"seen": now.isoformat()}
    return True
