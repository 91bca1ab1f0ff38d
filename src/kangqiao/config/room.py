"""A full disk, said in words: what is new is refused early enough for the database and reading to go on.

PostgreSQL stops when it cannot write its journal. So the site stops taking forms while there is room left; looks are
still possible, with the small traces they leave. What fills up all the same, or lies on a database server of the
site's own, is told when the server says so.
"""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.defaults import server_error
from psycopg.errors import DiskFull

from kangqiao.config.limits import bare_page
from kangqiao.kernel.errors import KangqiaoError

Handler = Callable[[HttpRequest], HttpResponse]
MEGABYTE = 1024 * 1024
READING = ("GET", "HEAD", "OPTIONS")
RETRY_AFTER_SECONDS = 60


class RoomMiddleware:
    """Takes no form from a seat while the disk of the data folder has less room than the setting `ROOM_MB`.

    Coming in is still possible: who has no seat yet may sign in to read.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_new = request.method not in READING and getattr(request, "seat", None) is not None
        return no_room(request) if is_new and not is_roomy() else self.get_response(request)


def is_roomy() -> bool:
    """Whether the disk of the data folder has the room that is kept; one system call."""
    return shutil.disk_usage(settings.DATA).free >= settings.ROOM_MB * MEGABYTE


def no_room(request: HttpRequest) -> HttpResponse:
    """503: what happened, what still works, who can help."""
    error = KangqiaoError(
        _("服务器的磁盘满了，这次提交没有保存，已有的数据都在。"),
        next_step=_("现在可以继续查看。请通知系统管理员清理磁盘，稍后再提交一次。"),
    )
    response = bare_page(request, error, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def failed(request: HttpRequest) -> HttpResponse:
    """The page for an error nobody foresaw, told apart from a disk that is full."""
    return no_room(request) if is_full(sys.exc_info()[1]) else server_error(request)


def is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error, on our side or the database's."""
    while error is not None:
        if isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__ or error.__context__
    return False
