"""A fresh proof before dangerous steps: asked after ten minutes, and what was typed goes through afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django.fixtures import Settings

from kangqiao.base.access import access
from kangqiao.base.checks import declared, patterns
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import PASSWORD, enrol, phone
from kangqiao.domain.institutions.tests.factories import centre

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 14, 1, 0, tzinfo=UTC)
# What the issue names; each must ask. Other modules bring their own.
DANGEROUS = {
    "finance-pay", "appraisal-close", "roster-export", "own-remove-factor", "own-recovery-codes",
}  # fmt: skip


@access("signed_in", step_up=True)
def danger(request: HttpRequest) -> HttpResponse:
    """Says what it was sent."""
    return HttpResponse("done: " + " ".join(request.POST.getlist("note")) + request.GET.get("page", ""))


urlpatterns = [path("danger/", danger, name="danger"), path("", include("kangqiao.config.urls"))]


@pytest.fixture
def clock(settings: Settings) -> Iterator[time_machine.Coordinates]:
    settings.ROOT_URLCONF = __name__
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def come_in() -> Client:
    seat("resident", centre(), user("li", PASSWORD, is_demo=False))
    client = Client()
    client.post("/sign-in/", {"username": "li", "password": PASSWORD})
    return client


def hidden(page: str) -> dict[str, list[str]]:
    """The hidden fields of a page's first form, as a browser would send them."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.trust("T-AUTH-4")
def test_a_form_sent_late_waits_for_the_proof_and_then_goes_through_whole(
    clock: time_machine.Coordinates, measured: Callable[[str], None]
) -> None:
    client = come_in()
    at_once = client.post("/danger/", {"note": ["a", "b"]})
    clock.shift(timedelta(minutes=10))

    asked = client.post("/danger/?page=2", {"note": ["写了很久的话", "第二段"], "idempotency_key": "k1"})
    kept = hidden(asked.content.decode())
    wrong = client.post("/sign-in/prove/", kept | {"proof_password": "not it"})
    again = hidden(wrong.content.decode())
    proven = client.post("/sign-in/prove/", again | {"proof_password": PASSWORD})
    sent = client.post(proven.headers["Location"], again | {"proof_password": PASSWORD})
    later = client.post("/danger/", {"note": "c"})

    assert at_once.content == b"done: a b"
    assert asked.status_code == 403
    assert "您填的内容还在" in asked.content.decode()
    assert "proof_password" not in kept
    assert wrong.status_code == 422
    assert again["note"] == ["写了很久的话", "第二段"]
    assert again["idempotency_key"] == ["k1"]
    assert (proven.status_code, proven.headers["Location"]) == (307, "/danger/?page=2")
    assert sent.content.decode() == "done: 写了很久的话 第二段2"
    assert later.content == b"done: c"
    measured("after 10 min asked once, the form went through with all it held")


def test_a_page_opened_late_asks_first_and_then_opens(clock: time_machine.Coordinates) -> None:
    client = come_in()
    clock.shift(timedelta(minutes=10))

    asked = client.get("/danger/?page=7")
    page = client.get(asked.headers["Location"]).content.decode()
    proven = client.post("/sign-in/prove/", hidden(page) | {"proof_password": PASSWORD})

    assert asked.headers["Location"] == "/sign-in/prove/?next=%2Fdanger%2F%3Fpage%3D7"
    assert (proven.status_code, proven.headers["Location"]) == (302, "/danger/?page=7")
    assert client.get("/danger/?page=7").content == b"done: 7"


def test_a_part_of_a_page_is_told_where_to_ask(clock: time_machine.Coordinates) -> None:
    client = come_in()
    clock.shift(timedelta(minutes=10))
    htmx = {"HX-Request": "true", "HX-Current-URL": "http://testserver/notices/"}

    got = client.get("/danger/", headers=htmx)
    sent = client.post("/danger/", {"note": "kept"}, headers=htmx)

    assert got.headers["HX-Redirect"] == "/sign-in/prove/?next=http%3A%2F%2Ftestserver%2Fnotices%2F"
    assert sent.headers["HX-Retarget"] == "#problem"
    assert hidden(sent.content.decode())["note"] == ["kept"]
    assert "<html" not in sent.content.decode()


def test_who_has_a_second_factor_proves_with_it_and_not_with_the_password(clock: time_machine.Coordinates) -> None:
    who = user("gp-1", PASSWORD, is_demo=False)
    seat("gp", centre(), who)
    secret, client = enrol(who), Client()
    client.post("/sign-in/", {"username": "gp-1", "password": PASSWORD})
    client.post("/sign-in/second/", {"code": phone(secret)})
    clock.shift(timedelta(minutes=10))
    kept = hidden(client.post("/danger/", {"note": "a"}).content.decode())

    password = client.post("/sign-in/prove/", kept | {"proof_password": PASSWORD})
    code = client.post("/sign-in/prove/", kept | {"proof_code": phone(secret)})

    assert password.status_code == 422
    assert code.status_code == 307


@pytest.mark.parametrize("wanted", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_a_proof_leads_to_no_other_site(clock: time_machine.Coordinates, wanted: str) -> None:
    client = come_in()

    answer = client.post("/sign-in/prove/", {"proof_next": wanted, "proof_method": "post", "proof_password": PASSWORD})

    assert answer.headers["Location"] == "/"


def test_a_demonstration_says_its_password_where_it_asks(settings: Settings, clock: time_machine.Coordinates) -> None:
    settings.DEMO, settings.DEMO_WITHOUT_SECOND_FACTOR = "zhuhai", True
    own = seat("finance_officer", centre(), user("finance", "kangqiao-demo"))
    client = Client()
    client.post("/sign-in/demo/", {"seat": own.membership_id})
    fresh = client.get("/danger/")
    clock.shift(timedelta(minutes=10))

    page = client.post("/danger/", {"note": "a"}).content.decode()
    proven = client.post("/sign-in/prove/", hidden(page) | {"proof_password": "kangqiao-demo"})

    assert fresh.status_code == 200
    assert "kangqiao-demo" in page
    assert proven.status_code == 307


@pytest.mark.trust("T-AUTH-4")
def test_every_dangerous_step_asks(measured: Callable[[str], None]) -> None:
    asking = {entry.name for _route, entry in patterns() if (rule := declared(entry)) and rule.step_up}

    assert asking >= DANGEROUS, DANGEROUS - asking
    measured(f"{len(asking)} addresses ask for a fresh proof")


def test_nobody_unknown_can_be_asked() -> None:
    with pytest.raises(ValueError, match="unknown"):
        access("public", step_up=True)
