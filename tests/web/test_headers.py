"""Every answer of every address carries the headers, for whoever asks and whatever comes back (T-HDR)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from kangqiao.config.headers import HEADERS, HSTS
from kangqiao.domain.accounts.models import Role
from tests.access_matrix.test_matrix import addresses
from tests.access_matrix.world import two_sides

ASKED_AS = (None, Role.GP, Role.RESIDENT, Role.BUREAU_OFFICER, Role.REFERRAL_DESK)
# Of what is no page of the product: a file, a page that does not exist, an address nothing leads to, a broken one.
OTHERS = (
    "/static/kangqiao/page.js",
    "/static/kangqiao/none.js",
    "/nothing-here/",
    "/residents/%00/",
    "/public/999999/",
)


def breaks(request: HttpRequest) -> HttpResponse:
    """A view with a fault of ours."""
    raise ZeroDivisionError


def planted(request: HttpRequest) -> HttpResponse:
    """A view that would weaken its own answer."""
    answer = HttpResponse("<p style='x'>", headers={"Content-Security-Policy": "", "Cache-Control": "public"})
    answer.set_cookie("c", "1", samesite="None")
    return answer


urlpatterns = [path("breaks/", breaks), path("planted/", planted), path("", include("kangqiao.config.urls"))]


class Inline(HTMLParser):
    """Finds what the content policy forbids in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = (given.get("type") or "").endswith("json")
        if tag == "style" or (tag == "script" and "src" not in given and not is_data):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or re.match(r"on[a-z]+$|hx-on", name) or (value or "").strip().startswith("javascript:"):
                self.found.append(f"<{tag} {name}>")


def wrong(response: Any, *, is_signed_in: bool, is_file: bool = False) -> Iterator[str]:
    """What an answer lacks."""
    for name, value in HEADERS.items():
        if response.headers.get(name) != value:
            yield f"{name}: {response.headers.get(name)}"
    if not re.fullmatch(r"[a-z]+", response.headers.get("Server", "")):
        yield f"Server: {response.headers.get('Server')}"
    kept = response.headers.get("Cache-Control", "")
    if is_signed_in and not is_file and kept != "no-store":
        yield f"Cache-Control: {kept}"
    if settings.TLS and response.headers.get("Strict-Transport-Security") != HSTS:
        yield "no HSTS"
    for cookie in response.cookies.values():
        if cookie["samesite"] != "Lax" or not cookie["httponly"]:
            yield f"cookie {cookie.key}"
        if settings.TLS and not cookie["secure"]:
            yield f"cookie {cookie.key} without Secure"
    if response.headers.get("Content-Type", "").startswith("text/html"):
        page = Inline()
        page.feed(response.content.decode())
        yield from page.found


def walk(role: Role | None, **options: Any) -> tuple[int, list[str]]:
    """Ask every address by GET and by POST; how many answers came and what was wrong with them."""
    ours, foreign = two_sides()
    client = Client(raise_request_exception=False, **options)
    if role is not None:
        client.force_login(ours.users[role])
    asked = [(method, address.on(side)) for address in addresses() for method, side in
             (("GET", ours), ("GET", foreign), ("POST", foreign)) if address.name != "sign-out"]  # fmt: skip
    asked += [("GET", other) for other in OTHERS]
    found = []
    for method, url in asked:
        response = client.generic(method, url, secure=settings.TLS)
        for fault in wrong(response, is_signed_in=role is not None, is_file=url.startswith("/static/")):
            found.append(f"{role} {method} {url} → {response.status_code}: {fault}")
        if response.streaming:
            b"".join(response)
        response.close()
    return len(asked), found


@pytest.mark.trust("T-HDR")
@pytest.mark.django_db
@pytest.mark.parametrize("role", ASKED_AS)
def test_every_answer_carries_the_headers(role: Role | None, measured: Callable[[str], None]) -> None:
    count, found = walk(role)

    measured(f"{role or 'nobody'}: {count} answers, {len(found)} faults")
    assert not found, "\n".join(("", *found[:40]))
    assert count > 200


@pytest.mark.django_db
def test_every_answer_carries_the_headers_behind_tls(settings: Any) -> None:
    settings.TLS = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True

    _, found = walk(Role.GP)

    assert not found, "\n".join(("", *found[:40]))


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
def test_an_error_of_the_server_carries_them_too() -> None:
    response = Client(raise_request_exception=False).get("/breaks/")

    assert response.status_code == 500
    assert list(wrong(response, is_signed_in=False)) == []


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
def test_no_view_weakens_its_answer() -> None:
    client = Client()
    client.cookies["sessionid"] = "somebody's"

    found = list(wrong(client.get("/planted/"), is_signed_in=True))

    assert found == ["cookie c", "<p style>"]


@pytest.mark.django_db
@override_settings(MIDDLEWARE=[name for name in settings.MIDDLEWARE if "Headers" not in name])
def test_wrong_sees_that_the_layer_is_missing() -> None:
    found = list(wrong(Client().get("/sign-in/"), is_signed_in=True))

    assert {"Content-Security-Policy: None", "Permissions-Policy: None", "Server: None"} <= set(found)
