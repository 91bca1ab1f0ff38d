"""Reading a report of a browser: what is worth a line, cut short, and never more lines than a log can bear."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from django.http import HttpRequest, RawPostDataException

# A report of Chromium or Firefox has 1 to 2 kB; a page that reports in a loop must not fill the disk.
LARGEST_BYTES = 8 * 1024
LINES_A_MINUTE = 30
LONGEST_VALUE = 200
FIELDS = ("effective-directive", "violated-directive", "blocked-uri", "source-file", "line-number")

_lock = Lock()
_minute, _lines = 0, 0


def read(request: HttpRequest) -> str:
    """One line for the log, or nothing where the report is too large, no report at all, or one too many."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BYTES:
        return ""
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException):  # a form is no report; its body was read as one
        return ""
    report = found.get("csp-report") if isinstance(found, dict) else None
    if not isinstance(report, dict) or not _has_room():
        return ""
    return " ".join(f"{field}={_cut(report, field)}" for field in FIELDS if field in report)


def _cut(report: Mapping[str, Any], field: str) -> str:
    """A value on one line and without the question part of an address, which may hold a name somebody searched for."""
    plain = str(report[field]).partition("?")[0][:LONGEST_VALUE]
    return json.dumps(plain)


def _has_room() -> bool:
    global _minute, _lines
    with _lock:
        now = int(time.monotonic() // 60)
        if now != _minute:
            _minute, _lines = now, 0
        _lines += 1
        return _lines <= LINES_A_MINUTE
