"""A form sent twice, and how long its answer is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kangqiao.base.idempotency import forget_answers
from kangqiao.base.models import IdempotencyKey

AT = datetime(2026, 5, 18, 2, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_answers_older_than_two_days_are_forgotten() -> None:
    for key, age in (("old", timedelta(hours=49)), ("fresh", timedelta(hours=47))):
        IdempotencyKey.objects.create(
            key=key, by_id="user:1", path="/x/", fingerprint="f", created_at=AT - age, body="<p>演示</p>"
        )

    gone = forget_answers(at=AT)

    assert gone == 1
    assert [row.key for row in IdempotencyKey.objects.all()] == ["fresh"]
