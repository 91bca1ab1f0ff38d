"""What somebody typed and has not sent: kept while they type, and put back into the form when they come again.

A page keeps the words of its forms every three seconds; what a form holds that was refused, or whose session was over,
is kept too. A draft lies sealed in the database, one for each person, form and object (the form's address names both),
and goes when its form has come through. It belongs to the person who typed it: a signed cookie says who sat at this
browser last, and nobody else who signs in here gets to see it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from kangqiao.base import acting, idempotency
from kangqiao.base.models import Draft
from kangqiao.base.pages import wants_part
from kangqiao.base.sealed import Unreadable, seal, unseal

Handler = Callable[[HttpRequest], HttpResponse]
# In the session: whether this person has drafts at all (most pages then ask nothing), and that one waits for a sign-in.
KEY, WAITS = "drafts", "draft_waits"
# Sent by `page.js` with calls nobody pressed a button for: a count of what is filled, a list that follows a choice.
ASIDE_HEADER = "X-Kangqiao-Aside"
COOKIE = "__Host-kq-last" if settings.TLS else "kq-last"
# Over a weekend; the browser's cookie of who sat here last no longer than a week.
KEPT_FOR = timedelta(days=3)
COOKIE_SECONDS = 7 * 24 * 3600
# The longest form of the product has some 15,000 characters, and nobody has forty forms open.
LONGEST, MOST, LONGEST_ADDRESS = 100_000, 40, 500
# What belongs to the sending, not to the words, and what is never written down.
NOT_KEPT = {"csrfmiddlewaretoken", "idempotency_key", "draft_action", "draft_page", "draft_step", "back", "step"}
SECRET = {"code", "key", "token", "secret", "old", "new", "again", "proof_code"}
SECRET_ENDS = ("password", "_token", "_secret")
REFUSED = (409, 422)

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
        if request.method == "POST" and request.session.get(KEY) and "draft_action" not in request.POST:
            with acting.as_system("drafts"):  # the view's transaction is over, and with it who acted in it
                _sent(request, response, int(seat.user_id))
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
    step = _step(request)
    with acting.as_system("drafts"):  # the call was refused, or whoever typed is not signed in any more
        is_kept = _store(request, who, request.get_full_path(), step, page_of(request))
    if not is_kept:
        return False
    if getattr(request, "seat", None) is None:
        request.session[WAITS] = True
    return True


def save(request: HttpRequest) -> datetime | None:
    """Keeps what a page sends of a form while it is typed; a form that is empty again has no draft.

    The fields `draft_action`, `draft_step` and `draft_page` name the form and its page. None where nothing is kept: an
    address that is none of ours, too much, or a form that was sent meanwhile.
    """
    who, given = owner(request), request.POST
    action, page = given.get("draft_action", ""), given.get("draft_page", "")
    if who is None or not _is_address(action) or not _is_address(page) or idempotency.was_sent(request):
        return None
    step = given.get("draft_step", "")[:40]
    if not any(value.strip() for _name, value in _words(request)):
        drop(who, action, step)
        return timezone.now()  # reads the clock: called by a view alone
    return timezone.now() if _store(request, who, action, step, page) else None  # reads the clock: likewise


def drop(who: int, action: str, step: str = "") -> None:
    """The person does not want the words of a form any more."""
    Draft.objects.filter(owner_id=who, action=action[:LONGEST_ADDRESS], step__in={step, ""}).delete()


def forget(*, at: datetime) -> int:
    """Words nobody came back for go after three days. Returns how many went."""
    count, _rows = Draft.objects.filter(at__lt=at - KEPT_FOR).delete()
    return count


def page_of(request: HttpRequest) -> str:
    """The page a form was sent from, without its host; the home page where the browser does not say."""
    told = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if told.netloc != request.get_host() or not told.path.startswith("/") or told.path.startswith("//"):
        return "/"
    return told.path + (f"?{told.query}" if told.query else "")


def waiting(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: `drafts` where they belong, `draft_waits` while their owner has to sign in first."""
    if not hasattr(request, "session") or wants_part(request):
        return {}
    seat = getattr(request, "seat", None)
    if seat is None:
        return {"draft_waits": True} if request.session.get(WAITS) else {}
    request.session.pop(WAITS, None)
    if KEY not in request.session:
        request.session[KEY] = Draft.objects.filter(owner_id=seat.user_id).exists()
    # The answer to a form shows what was sent, which is newer than what was kept.
    if not request.session[KEY] or request.method != "GET":
        return {}
    here = request.get_full_path()[:LONGEST_ADDRESS]
    since = timezone.now() - KEPT_FOR  # reads the clock: a context processor of every page
    rows = Draft.objects.filter(owner_id=seat.user_id, at__gte=since).order_by("at")
    found = [_shown(row) for row in rows if here in (row.page, row.action)]
    return {"drafts": [one for one in found if one["fields"]]} if found else {}


def _shown(row: Draft) -> dict[str, Any]:
    try:
        fields = json.loads(unseal(row.sealed))
    except Unreadable:  # the site's key was changed since
        fields = []
    return {"action": row.action, "step": row.step, "fields": fields, "at": timezone.localtime(row.at)}


def _sent(request: HttpRequest, response: HttpResponse, who: int) -> None:
    """A form that came through needs no draft; of one that was refused the draft holds what was sent."""
    action, step = request.get_full_path(), _step(request)
    if response.status_code < 400:
        drop(who, action, step)
    elif response.status_code in REFUSED and Draft.objects.filter(owner_id=who, action=action, step=step).exists():
        _store(request, who, action, step, page_of(request))


def _store(request: HttpRequest, who: int, action: str, step: str, page: str) -> bool:
    fields = _words(request)
    is_too_long = sum(len(name) + len(value) for name, value in fields) > LONGEST
    if not fields or is_too_long or max(len(action), len(page)) > LONGEST_ADDRESS:
        return False
    at = timezone.now()  # reads the clock: this layer around a view is an edge
    kept = {"page": page, "sealed": seal(json.dumps(fields).encode()), "at": at}
    _row, is_new = Draft.objects.update_or_create(owner_id=who, action=action, step=step, defaults=kept)
    if is_new:
        newest = Draft.objects.filter(owner_id=who).order_by("-at").values_list("pk", flat=True)
        Draft.objects.filter(pk__in=list(newest[MOST:])).delete()
    if getattr(request, "seat", None) is not None and not request.session.get(KEY):
        request.session[KEY] = True
    return True


def _words(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        names: Iterable[str] = request.POST
        return [(name, value) for name in names for value in request.POST.getlist(name) if _is_word(name)]
    except (SuspiciousOperation, UnreadablePostError):
        return []


def _step(request: HttpRequest) -> str:
    try:
        return request.POST.get("step", "")[:40]
    except (SuspiciousOperation, UnreadablePostError):
        return ""


def _is_word(name: str) -> bool:
    return name not in NOT_KEPT and name.lower() not in SECRET and not name.lower().endswith(SECRET_ENDS)


def _is_address(text: str) -> bool:
    """Whether it is a path of ours, with its query; never another host's."""
    return text[:1] == "/" and text[:2] != "//" and "\\" not in text and len(text) <= LONGEST_ADDRESS


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of ours sent the form: another site's words are never put into one of our forms."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    sent_by = request.headers.get("Origin") or request.headers.get("Referer", "")
    return urlsplit(sent_by).netloc == request.get_host()
