"""A middleware of the tests that ends its own process, as a power cut would, at a point of a request that is named.

`X-Fault: statement:7` ends it before the seventh statement the request sends; `before-commit:1`, `after-commit:1` and
`before-response` say themselves; `count` only counts and answers with X-Statements and X-Commits. It lies outside the
product's package, which is all that is installed: there is nothing of it to switch on (test_web_killed.py).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]


def power_cut() -> None:
    """No farewell: nothing is flushed, closed or rolled back by us."""
    os.kill(os.getpid(), signal.SIGKILL)


class FaultMiddleware:
    """Outermost, so that sessions and accounts are within its reach, too."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wanted = request.headers.get("X-Fault", "")
        if not wanted:
            return self.get_response(request)
        sent = commits = 0
        commit = connection.commit

        def statement(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal sent
            sent += 1
            if wanted == f"statement:{sent}":
                power_cut()
            return execute(*arguments)

        def commit_or_not() -> None:
            nonlocal commits
            commits += 1
            if wanted == f"before-commit:{commits}":
                power_cut()
            commit()
            if wanted == f"after-commit:{commits}":
                power_cut()

        connection.commit = commit_or_not  # type: ignore[method-assign]
        try:
            with connection.execute_wrapper(statement):
                response = self.get_response(request)
        finally:
            del connection.commit
        if wanted == "before-response":
            power_cut()
        response["X-Statements"], response["X-Commits"] = str(sent), str(commits)
        return response
