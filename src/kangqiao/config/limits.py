"""How much one visitor may ask of the site: calls in a minute, and bytes in a call."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from kangqiao.base import acting, audit
from kangqiao.base.actor import Actor
from kangqiao.base.pages import wants_part
from kangqiao.base.uploads import LARGEST_BYTES
from kangqiao.base.visitor import address
from kangqiao.kernel.errors import KangqiaoError

Handler = Callable[[HttpRequest], HttpResponse]
MINUTE = 60
# More different visitors than that in a minute are no visitors; counting them must not take the memory.
MOST_COUNTED = 50_000


class LimitsMiddleware:
    """Refuses what is too much before a view or a parser sees it.

    Each process of the web server counts for itself, in memory: a flood costs no query, and at most the limit times the
    number of processes gets through. What must be exact (failed sign-ins, residents looked at) is counted elsewhere.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.lock = Lock()
        self.minute = 0
        self.calls: Counter[str] = Counter()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        who = visitor(request)
        count, seconds_left = self.count(who)
        if count > settings.REQUESTS_A_MINUTE:
            if count == settings.REQUESTS_A_MINUTE + 1:
                self.write_down(request)
            return too_often(request, seconds_left)
        if is_too_large(request):
            return too_large(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """What holds the empty character, which no person types and no table can hold, goes no further."""
        sent = request.POST if request.method == "POST" else request.GET
        if not any("\0" in value for _name, values in sent.lists() for value in values):
            return None
        error = KangqiaoError(
            _("内容里有看不见的空字符，没有收下。"), next_step=_("请删去粘贴进来的部分，重新输入后再提交。")
        )
        return bare_page(request, error, 422)

    def count(self, who: str) -> tuple[int, int]:
        """Which call of the visitor in this minute it is, and how many seconds the minute lasts."""
        now = int(time.time())
        with self.lock:
            if now // MINUTE != self.minute or len(self.calls) > MOST_COUNTED:
                self.minute, self.calls = now // MINUTE, Counter()
            self.calls[who] += 1
            return self.calls[who], MINUTE - now % MINUTE

    def write_down(self, request: HttpRequest) -> None:
        """The first refusal of a visitor in a minute leaves a trace."""
        seat = getattr(request, "seat", None)
        by = seat.actor if seat else Actor(id=acting.ANONYMOUS, name="")
        with acting.as_system("limits"):
            audit.refused("web.too_often", by=by, at=timezone.now(), address=address(request) or "", path=request.path)


def visitor(request: HttpRequest) -> str:
    """Who is counted: a person wherever they sit, else the address, which a whole hospital may share."""
    seat = getattr(request, "seat", None)
    return f"user:{seat.user_id}" if seat else f"address:{address(request)}"


def is_too_large(request: HttpRequest) -> bool:
    """Whether the body is larger than any form; a file comes from somebody signed in."""
    length = request.headers.get("Content-Length") or "0"
    is_file = request.headers.get("Content-Type", "").startswith("multipart/") and getattr(request, "seat", None)
    most = LARGEST_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE if is_file else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return not length.isdigit() or int(length) > most


def too_often(request: HttpRequest, seconds: int) -> HttpResponse:
    """429, with when to come back."""
    error = KangqiaoError(
        _("这一分钟里的请求太多了，先停一停。"), next_step=_("请等 %(n)s 秒再试。您的数据没有改动。") % {"n": seconds}
    )
    response = bare_page(request, error, 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def too_large(request: HttpRequest) -> HttpResponse:
    """413: nothing of it was read."""
    error = KangqiaoError(
        _("内容太多，没有收下。"), next_step=_("一张表单最多 2.5 MB，一个文件最多 200 MB。请分开或缩短后再提交。")
    )
    return bare_page(request, error, 413)


def bare_page(request: HttpRequest, error: KangqiaoError, status: int) -> HttpResponse:
    """A refusal as a page or part, without frame and without a question to the database."""
    # Bare on purpose: the frame of a page would ask the database, which is what a flood must not do.
    request.seat = request.actor = None  # type: ignore[attr-defined]
    part = wants_part(request)
    context = {"error": error, "status": status}
    response = render(request, "error_fragment.html" if part else "error.html", context, status=status)
    if part:
        response["HX-Retarget"], response["HX-Reswap"] = "#problem", "innerHTML"
    return response
