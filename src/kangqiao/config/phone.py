"""What a resident's phone may keep to be read without a network, for whom, and how long.

Browsers and caches keep nothing (`no-store`). The portal's own worker (`sw.js`) keeps the pages named here in a store
of its own, as long as the session lasts, and empties it when a page comes that is not this person's. See ADR 24.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.rules import lasts_until
from kangqiao.domain.accounts.views.parts import STAMPS

Handler = Callable[[HttpRequest], HttpResponse]
# On every page of a resident: a mark of the person, the seconds until the session ends when idle, and at the latest.
PERSON = "X-Kangqiao-Person"
# On the pages the phone may keep.
KEEP = "X-Kangqiao-Keep"
KEPT = frozenset({"home", "records-mine", "slots-mine", "referral-mine", "contracting-mine", "followup-mine"})


class PhoneMiddleware:
    """Marks a resident's pages; what a phone sends late reaches nobody but the person who typed it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seat: Seat | None = getattr(request, "seat", None)
        typed_by = request.headers.get(PERSON)
        if typed_by and seat is not None and typed_by != mark_of(seat):
            words = _("这是另一个人在这部手机上填的，没有记进您的档案。")
            return HttpResponse(words, status=409, content_type="text/plain; charset=utf-8")
        response = self.get_response(request)
        if seat is None or seat.role != Role.RESIDENT or STAMPS not in request.session:
            return response
        response.headers[PERSON] = " ".join((mark_of(seat), *map(str, _seconds(request))))
        match = request.resolver_match
        if match is not None and match.url_name in KEPT and request.method == "GET" and response.status_code == 200:
            response.headers[KEEP] = "1"
        return response


def mark_of(seat: Seat) -> str:
    """Tells one person at one seat from another, and says nothing else."""
    return salted_hmac("kangqiao.phone", f"{seat.user_id}.{seat.membership_id}").hexdigest()[:16]


def _seconds(request: HttpRequest) -> list[int]:
    stamps, now = request.session[STAMPS], timezone.now()
    started, seen = (datetime.fromisoformat(stamps[name]) for name in ("started", "seen"))
    ends = lasts_until(is_resident=True, started_at=started, seen_at=seen)
    return [max(0, int((end - now).total_seconds())) for end in ends]
