"""A form sent twice: what comes back, what is refused, and how long its answer is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from kangqiao.base.actor import Actor
from kangqiao.base.idempotency import attempt_of, forget_answers, idempotent
from kangqiao.base.models import IdempotencyKey
from kangqiao.base.sessions import SessionStore
from kangqiao.kernel.errors import RuleBroken, Taken

AT = datetime(2026, 5, 18, 2, 0, tzinfo=UTC)
WEI, CHEN = Actor("user:1", "卫演示"), Actor("user:2", "陈演示")
pytestmark = pytest.mark.django_db


class Counting:
    """A view that counts how often it ran, and answers with the number."""

    def __init__(self, answer: Callable[[int], HttpResponse]) -> None:
        self.ran = 0
        self.answer = answer
        self.view = idempotent(self._run)

    def _run(self, request: HttpRequest) -> HttpResponse:
        self.ran += 1
        return self.answer(self.ran)


@pytest.fixture
def booking() -> Counting:
    return Counting(lambda number: HttpResponseRedirect(f"/bookings/{number}/"))


def post(body: dict[str, Any], by: Actor = WEI, path: str = "/book/", **headers: str) -> HttpRequest:
    request = RequestFactory().post(path, body, headers=headers)
    request.session = SessionStore()
    request.actor = by  # type: ignore[attr-defined]
    return request


def test_repeat_gets_the_first_answer(booking: Counting) -> None:
    body = {"idempotency_key": "k", "slot": "7"}

    first, again = booking.view(post(body)), booking.view(post(body | {"csrfmiddlewaretoken": "renewed"}))

    assert booking.ran == 1
    assert (again.status_code, again.headers["Location"]) == (302, first.headers["Location"])
    assert again.headers["Idempotent-Replay"] == "true"


def test_repeat_of_a_fragment_leads_to_the_same_page() -> None:
    step = Counting(lambda number: HttpResponse(status=204, headers={"HX-Redirect": f"/referrals/{number}/"}))

    step.view(post({"idempotency_key": "k"}))
    again = step.view(post({"idempotency_key": "k"}))

    assert (step.ran, again.status_code, again.headers["HX-Redirect"]) == (1, 204, "/referrals/1/")


def test_key_may_come_as_a_header(booking: Counting) -> None:
    for _ in range(2):
        booking.view(post({}, **{"Idempotency-Key": "k"}))

    assert booking.ran == 1


@pytest.mark.parametrize("key", ["", "k" * 81])
def test_post_without_a_usable_key_does_nothing(booking: Counting, key: str) -> None:
    with pytest.raises(RuleBroken, match="防重复的编号"):
        booking.view(post({"idempotency_key": key}))

    assert booking.ran == 0


@pytest.mark.parametrize(
    "other",
    [
        post({"idempotency_key": "k", "slot": "8"}),
        post({"idempotency_key": "k", "slot": "7"}, path="/book/?as=partner"),
        post({"idempotency_key": "k", "slot": "7", "paper": SimpleUploadedFile("a.txt", b"2")}),
    ],
    ids=["field", "query", "file"],
)
def test_same_key_with_other_content_is_refused(booking: Counting, other: HttpRequest) -> None:
    booking.view(post({"idempotency_key": "k", "slot": "7"}))

    with pytest.raises(RuleBroken, match="内容却不一样"):
        booking.view(other)

    assert booking.ran == 1


def test_two_people_may_happen_on_the_same_key(booking: Counting) -> None:
    answers = [booking.view(post({"idempotency_key": "k"}, by=by)).headers["Location"] for by in (WEI, CHEN)]

    assert answers == ["/bookings/1/", "/bookings/2/"]


def test_refusal_frees_the_key_so_that_the_corrected_form_goes_through() -> None:
    form = Counting(lambda number: HttpResponse(status=422 if number == 1 else 200))

    answers = [form.view(post({"idempotency_key": "k", "n": n})).status_code for n in ("wrong", "right")]

    assert answers == [422, 200]


def test_error_frees_the_key() -> None:
    def fail(number: int) -> HttpResponse:
        raise RuleBroken("不行。")

    form = Counting(fail)
    for _ in range(2):
        with pytest.raises(RuleBroken, match="不行"), transaction.atomic():  # the request's own transaction
            form.view(post({"idempotency_key": "k"}))

    assert not IdempotencyKey.objects.exists()


def test_repeat_before_the_first_is_answered_is_told_to_wait() -> None:
    body = {"idempotency_key": "k"}

    def meanwhile(number: int) -> HttpResponse:
        with pytest.raises(Taken, match="正在处理"):
            slow.view(post(body))
        return HttpResponse("done")

    slow = Counting(meanwhile)

    assert slow.view(post(body)).content == b"done"
    assert slow.ran == 1


def test_reading_a_page_needs_no_key(booking: Counting) -> None:
    request = RequestFactory().get("/book/")

    assert booking.view(request).status_code == 302


def test_attempt_is_the_same_for_a_repeat_and_another_for_everybody_else() -> None:
    key = {"idempotency_key": "k" * 80}

    names = [
        attempt_of(post(key)),
        attempt_of(post(key)),
        attempt_of(post(key, by=CHEN)),
        attempt_of(post({"idempotency_key": "k"})),
    ]

    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 80


def test_answers_older_than_two_days_are_forgotten() -> None:
    for key, age in (("old", timedelta(hours=49)), ("fresh", timedelta(hours=47))):
        IdempotencyKey.objects.create(
            key=key, by_id="user:1", path="/x/", fingerprint="f", created_at=AT - age, body="<p>演示</p>"
        )

    gone = forget_answers(at=AT)

    assert gone == 1
    assert [row.key for row in IdempotencyKey.objects.all()] == ["fresh"]
