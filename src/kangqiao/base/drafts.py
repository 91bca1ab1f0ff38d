"""What somebody had typed when their session was over or their form was refused: kept, and put back into the form.

The draft lies in the session on the server. It belongs to the person who typed it: a signed cookie says who sat at this
browser last, and nobody else who signs in here gets to see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from kangqiao.base.pages import wants_part

Handler = Callable[[HttpRequest], HttpResponse]
KEY = "draft"
# Sent by `page.js` with calls nobody pressed a button for: a count of what is filled, a list that follows a choice.
ASIDE_HEADER = "X-Kangqiao-Aside"
COOKIE = "__Host-kq-last" if settings.TLS else "kq-last"
# A working day; the browser's cookie of who sat here last no longer than a week.
KEPT_SECONDS = 12 * 3600
COOKIE_SECONDS = 7 * 24 * 3600
# The session is read with every request; the longest form of the product has some 15,000 characters.
LONGEST = 100_000
# What belongs to the sending, not to the words, and what is never written down.
NOT_KEPT = {"csrfmiddlewaretoken", "idempotency_key"}
SECRET_WORDS = ("password", "code", "token", "secret", "key", "proof")

_signer = Signer(salt="kangqiao.drafts")


class DraftMiddleware:
    """Notes who sits at this browser, and forgets a draft once its form has come through."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        seat = getattr(request, "seat", None)
        if seat is None:
            return response
        if owner(request, from_seat=False) != seat.user_id:
            response.set_cookie(
                COOKIE, _signer.sign(str(seat.user_id)), max_age=COOKIE_SECONDS, httponly=True, samesite="Lax",
                secure=settings.TLS,
            )  # fmt: skip
        draft = request.session.get(KEY)
        is_sent = draft and request.method == "POST" and draft["action"] == request.get_full_path()
        if is_sent and response.status_code < 400:
            del request.session[KEY]
        return response


def owner(request: HttpRequest, *, from_seat: bool = True) -> int | None:
    """Who types at this browser: the person signed in, else the one who was last."""
    seat = getattr(request, "seat", None)
    if from_seat and seat is not None:
        return int(seat.user_id)
    try:
        return int(_signer.unsign(request.COOKIES.get(COOKIE, "")))
    except (BadSignature, ValueError):
        return None


def is_aside(request: HttpRequest) -> bool:
    """Whether a page called by itself or while somebody typed, so that this is not the form they send."""
    return ASIDE_HEADER in request.headers


def keep(request: HttpRequest) -> bool:
    """Keeps what a refused form holds; False where there is nothing, nobody to give it back to, or too much of it.

    A call made aside holds the same words under another address; it must not take the place of the form itself.
    """
    who = owner(request)
    if request.method != "POST" or who is None or is_aside(request) or not _is_from_here(request):
        return False
    try:
        fields = [(name, value) for name in request.POST for value in request.POST.getlist(name) if _is_word(name)]
    except (SuspiciousOperation, UnreadablePostError):
        return False
    if not fields or sum(len(name) + len(value) for name, value in fields) > LONGEST:
        return False
    request.session[KEY] = {
        "owner": who, "action": request.get_full_path(), "page": page_of(request), "fields": fields,
        "at": time.time(),  # reads the clock: this layer around a view is an edge
    }  # fmt: skip
    return True


def page_of(request: HttpRequest) -> str:
    """The page a form was sent from, without its host; the home page where the browser does not say."""
    told = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if told.netloc != request.get_host() or not told.path.startswith("/") or told.path.startswith("//"):
        return "/"
    return told.path + (f"?{told.query}" if told.query else "")


def waiting(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `draft` where it belongs, `draft_waits` while its owner has to sign in first."""
    if not hasattr(request, "session") or wants_part(request) or KEY not in request.session:
        return {}
    draft, seat = request.session[KEY], getattr(request, "seat", None)
    # reads the clock: a context processor of every page
    if time.time() - draft["at"] > KEPT_SECONDS or (seat is not None and seat.user_id != draft["owner"]):
        del request.session[KEY]
        return {}
    if seat is None:
        return {"draft_waits": True}
    is_here = request.get_full_path() in (draft["page"], draft["action"])
    return {"draft": {"action": draft["action"], "fields": draft["fields"]}} if is_here else {}


def _is_word(name: str) -> bool:
    return name not in NOT_KEPT and not any(part in SECRET_WORDS for part in name.lower().split("_"))


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of ours sent the form: another site's words are never put into one of our forms."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    sent_by = request.headers.get("Origin") or request.headers.get("Referer", "")
    return urlsplit(sent_by).netloc == request.get_host()
