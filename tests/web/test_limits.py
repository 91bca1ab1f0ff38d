"""Too many calls and too large ones are refused in words, with when to come back (T-RATE-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kangqiao.base.models import AuditEvent
from kangqiao.config import limits
from kangqiao.domain.accounts.models import Role
from tests.access_matrix.world import two_sides


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the limits, in seconds; a list whose one element is changed."""
    now = [1_000_000_040.0]  # twenty seconds into a minute
    monkeypatch.setattr(limits.time, "time", lambda: now[0])
    return now


@pytest.mark.trust("T-RATE-2")
@pytest.mark.django_db
def test_call_601_of_a_minute_is_refused_and_written_down_once(
    settings: Any, clock: list[float], measured: Callable[[str], None]
) -> None:
    settings.REQUESTS_A_MINUTE = 600
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.GP])

    statuses = [client.get("/language/").status_code for _ in range(610)]
    refused = client.get("/language/")
    part = client.get("/language/", headers={"HX-Request": "true"})
    other = Client().get("/sign-in/")
    clock[0] += 40
    after = client.get("/language/")

    assert statuses == [405] * 600 + [429] * 10
    assert refused.headers["Retry-After"] == "40"
    assert "请求太多" in refused.content.decode()
    assert part.headers["HX-Retarget"] == "#problem"
    assert other.status_code == 200
    assert after.status_code == 405
    rows = AuditEvent.objects.filter(action="web.too_often")
    assert [(row.kind, row.outcome, row.by_id) for row in rows] == [
        ("refused", "refused", f"user:{ours.users[Role.GP].pk}")
    ]
    measured("600 calls a minute, the 601st 429 with Retry-After, one trace a minute")


@pytest.mark.django_db
def test_visitors_without_a_seat_are_counted_by_address(settings: Any, clock: list[float]) -> None:
    settings.REQUESTS_A_MINUTE = 3
    client = Client()

    here = [client.get("/sign-in/", REMOTE_ADDR="192.0.2.1").status_code for _ in range(5)]
    elsewhere = client.get("/sign-in/", REMOTE_ADDR="192.0.2.2").status_code

    assert here == [200, 200, 200, 429, 429]
    assert elsewhere == 200
    assert AuditEvent.objects.get(action="web.too_often").detail["address"] == "192.0.2.1"


def test_counting_does_not_take_the_memory(clock: list[float]) -> None:
    layer = limits.LimitsMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]

    for number in range(limits.MOST_COUNTED + 100):
        layer.count(f"address:{number}")

    assert len(layer.calls) <= limits.MOST_COUNTED + 1


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_ten_megabytes_are_refused_unread(kind: str) -> None:
    answer = Client().post("/sign-in/", b"a" * 10_000_000, content_type=kind)

    assert answer.status_code == 413
    assert "内容太多" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["300000000", "-1", "many"])
def test_length_of_no_file_is_refused(length: str) -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.SYSTEM_ADMIN])

    answer = client.post("/institutions/list/", {"a": "b"}, CONTENT_LENGTH=length)

    assert answer.status_code == 413
