"""Reports of a browser about the content policy: one line each, cut short, and not without end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from kangqiao.edges.web import reports

ADDRESS = "/csp-report/"


def report(**more: Any) -> str:
    """What Chromium sends."""
    return json.dumps({"csp-report": {"effective-directive": "script-src", "blocked-uri": "inline", **more}})


@pytest.fixture(autouse=True)
def empty_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is written yet this minute."""
    monkeypatch.setattr(reports, "_lines", 0)


def send(body: str | bytes) -> int:
    """One report by a browser that enforces marks of forms."""
    return Client(enforce_csrf_checks=True).post(ADDRESS, body, content_type="application/csp-report").status_code


@pytest.mark.django_db
def test_report_is_one_line_without_the_question(caplog: pytest.LogCaptureFixture) -> None:
    status = send(report(**{"source-file": "https://h/residents/?q=王小明\nforged line", "x": "y"}))

    assert status == 204
    assert [line.getMessage() for line in caplog.records] == [
        'content policy: effective-directive="script-src" blocked-uri="inline" source-file="https://h/residents/"'
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"csp-report": 1}', b"[" * 5000, b"\xff", report(x="y" * 9000)])
def test_what_is_no_report_is_dropped(body: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert send(body) == 204
    assert not caplog.records


@pytest.mark.django_db
def test_reports_without_end_leave_thirty_lines(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        send(report())

    assert len(caplog.records) == reports.LINES_A_MINUTE
