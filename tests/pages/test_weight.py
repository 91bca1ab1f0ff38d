"""U-10: how much a first visit and a part weigh, and that nothing is asked of another house."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Browser, Response

from kangqiao.base.server.assets import SQUEEZED
from tests.access_matrix.cells import addresses
from tests.access_matrix.world import SEATS
from tests.pages.conftest import City

KB = 1024
MOST = {"resident": 150 * KB, "gp": 250 * KB, "dispatcher": 250 * KB, "bureau_officer": 250 * KB, None: 250 * KB}
START = {"resident": "/", "gp": "/", "dispatcher": "/roster/", "bureau_officer": "/indicators/", None: "/public/"}
MOST_OF_A_PART = 30 * KB
# The book of clauses is the whole text of a paper; nobody works a queue there.
BOOKS = ("clauses-list", "clauses-detail", "gallery")


def weight(answer: Response) -> int:
    """What goes over the wire: files of the product in their gzip form, pages as they are."""
    body = answer.body()
    return len(gzip.compress(body, 9)) if urlsplit(answer.url).path.endswith(SQUEEZED) else len(body)


@pytest.mark.parametrize("role", list(MOST), ids=str)
def test_a_first_visit_is_light_and_asks_nobody_else(role: str | None, city: City, browser: Browser) -> None:
    context = browser.new_context(base_url=city.url)
    context.add_cookies(city.cookies(role, "zh-hans"))  # type: ignore[arg-type]
    page, answers = context.new_page(), list[Response]()
    asked = list[str]()
    page.on("response", lambda answer: answers.append(answer))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(START[role], wait_until="networkidle")
    total = sum(weight(one) for one in answers if one.status == 200)
    context.close()

    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(city.url).netloc}
    assert 60 * KB < total <= MOST[role], f"{total / KB:.0f} KB"


def test_parts_are_light(city: City, is_slow: bool) -> None:
    """What HTMX is answered, for every address, as it is sent, without compression; a slow run asks as every role."""
    heavy, count = [], 0
    for turn, role in enumerate(SEATS):
        client = Client(raise_request_exception=False)
        client.force_login(city.side.users[role.value])
        for number, address in enumerate(addresses()):
            if not address.admits(role.value) or not (is_slow or (number + turn) % 6 == 0):
                continue
            answer = client.get(address.on(city.side), headers={"HX-Request": "true"})
            is_part = answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/html")
            size = len(answer.content) if is_part and not answer.streaming else 0
            if answer.streaming:
                b"".join(answer)  # type: ignore[arg-type]
            answer.close()
            count += is_part
            if size > MOST_OF_A_PART and address.name not in BOOKS:
                heavy.append(f"{role} /{address.route} {size / KB:.0f} KB")

    assert count > (100 if is_slow else 50)
    assert heavy == []
