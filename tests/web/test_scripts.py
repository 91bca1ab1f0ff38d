"""Hostile words in every text of every row, on every page, in a browser that enforces the content policy (T-XSS).

Nothing may run, nothing may be refused by the policy (it is the second lock, and was never touched), and no markup of
ours may have come out of a text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Dialog, Page
from pytest_django.live_server_helper import LiveServer

from kangqiao.base.checks import declared
from kangqiao.domain.accounts.models import ADMINISTRATORS
from kangqiao.domain.accounts.views.parts import STAMPS
from tests.access_matrix.test_matrix import Address, addresses
from tests.access_matrix.world import SEATS, Side, two_sides
from tests.journey_plugin import database
from tests.web.poison import poison, publish, written_fields

PAYLOADS = (
    "<svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><script>alert(1)</script>{{7*7}}",
    """javascript:alert(1)//'"--></style></textarea><img src=x onerror=alert(1)>${7*7}""",
    """<a href="javascript:alert(1)">x</a><form action="//evil.example"><base href="//evil.example/"><iframe>""",
)
# Pages of administrators that must have been walked: each asks for a fresh proof or stands in their rail.
OF_ADMINISTRATORS = {
    *(f"system_admin people-{name}" for name in ("list", "new", "detail", "role-changes")),
    *(f"security_admin people-{name}" for name in ("list", "detail", "role-changes")),
    "audit_admin audit",
}
# The smallest size of a text that can carry markup with a script.
ROOM = min(map(len, PAYLOADS))
LISTEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.broken.push(event.effectiveDirective + " " + event.blockedURI));
"""
# What only a text of ours could have made: every page of the product is without these.
MADE_BY_TEXT = """() => [
    ...document.querySelectorAll("[onload], [onerror], iframe, base, img[src='x'], [href^='javascript:' i]"),
    ...document.querySelectorAll("form[action*=evil]"),
    ...[...document.querySelectorAll("script")].filter((one) => !one.src && one.type !== "application/json"),
].map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def poisoned(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Side, str]]:
    """A city full of hostile words, and the address where its pages are served from a database of its own."""
    name = connection.settings_dict["NAME"]
    # A run of these alone has set up no test database.
    template = name if name.startswith("test_") else "template1"
    with django_db_blocker.unblock(), database(f"test_{name}_hostile", template):
        call_command("migrate", verbosity=0)
        ours, _ = two_sides()
        poison(ours, PAYLOADS)
        publish(ours)
        server = LiveServer("127.0.0.1")
        try:
            yield ours, server.url
        finally:
            server.stop()


def readers(number: int, address: Address, *, is_slow: bool) -> list[str | None]:
    """Who opens the address of that number: three roles in turn in a slow run, else one at every third; and every
    administrator, in the usual run where they must have been.
    """
    rule = declared(address.pattern)
    assert rule is not None
    admitted = [role for role in (None, *(role.value for role in SEATS)) if rule.admits(role)]
    turn = number % len(admitted)
    chosen = (admitted[turn:] + admitted[:turn])[: 3 if is_slow else number % 3 == 0]
    return chosen + [
        role
        for role in admitted
        if role in ADMINISTRATORS and role not in chosen and (is_slow or f"{role} {address.name}" in OF_ADMINISTRATORS)
    ]


def inside(side: Side, role: str | None) -> Client:
    """A browser of somebody in this role who has just proven who they are: nothing asks before it opens."""
    client = Client(raise_request_exception=False)
    if role:
        client.force_login(side.users[role])
        client.get("/notices/")
        session = client.session
        session[STAMPS] |= {"proven": timezone.now().isoformat()}
        session.save()
    return client


def cookie(client: Client, url: str) -> list[dict[str, Any]]:
    """The session of somebody who is signed in."""
    return [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}]


def dismiss(found: list[str], dialog: Dialog) -> None:
    """A dialog is what a script of a word would show."""
    found.append(f"a dialog said {dialog.message}")
    dialog.dismiss()


def look(page: Page, url: str) -> list[str]:
    """What a page does that none should."""
    answer = page.goto(url, wait_until="load")
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return []
    found = [f"{url}: policy stopped {one}" for one in page.evaluate("window.broken")]
    found += [f"{url}: a text became {one}" for one in page.evaluate(MADE_BY_TEXT)]
    # Panels, menus and dialogs draw what they hold only when they are open.
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return found


@pytest.mark.trust("T-XSS")
def test_no_word_of_any_row_runs_on_any_page(
    poisoned: tuple[Side, str], browser: Browser, measured: Callable[[str], None], is_slow: bool
) -> None:
    side, url = poisoned
    found: list[str] = []
    pages, shown = 0, 0
    walked: set[str] = set()

    for role in (None, *(role.value for role in SEATS)):
        mine = [one for number, one in enumerate(addresses()) if role in readers(number, one, is_slow=is_slow)]
        client = inside(side, role)
        context = browser.new_context(base_url=url)
        context.add_init_script(LISTEN)
        if role:
            context.add_cookies(cookie(client, url))  # type: ignore[arg-type]
        page = context.new_page()
        page.on("dialog", partial(dismiss, found))
        for address in mine:
            path = address.on(side)
            status, kind = asked(client, path)
            if status != 200 or not kind.startswith("text/html"):
                continue
            found += look(page, url + path)
            pages += 1
            walked |= {f"{role} {address.name}"} if role in ADMINISTRATORS else set()
            shown += "alert(1)" in page.evaluate("document.body.innerText")
        context.close()

    measured(
        f"{len(list(written_fields()))} fields, {pages} pages in Chromium, {shown} show hostile words, {len(found)} ran"
    )
    assert not found, "\n".join(("", *found[:40]))
    assert walked >= OF_ADMINISTRATORS
    assert pages >= (60 if is_slow else 40)
    assert shown >= (25 if is_slow else 12)


def asked(client: Client, path: str) -> tuple[int, str]:
    """Status and kind of an answer, without a browser."""
    answer = client.get(path)
    if answer.streaming:
        b"".join(answer)  # type: ignore[arg-type]
    answer.close()
    return answer.status_code, answer.headers.get("Content-Type", "")


@pytest.mark.trust("T-XSS")
def test_parts_and_data_hold_hostile_words_as_text(
    poisoned: tuple[Side, str], measured: Callable[[str], None], is_slow: bool
) -> None:
    """What HTMX fetches, and JSON: the browser makes a page of the one and never of the other."""
    side, _ = poisoned
    count, found = 0, []
    clients = {role: inside(side, role) for role in (None, *(role.value for role in SEATS))}
    for number, address in enumerate(addresses()):
        for role in readers(number, address, is_slow=is_slow):
            client = clients[role]
            for headers in ({"HX-Request": "true"}, {}):
                answer = client.get(address.on(side), headers=headers)
                kind = answer.headers.get("Content-Type", "")
                for close in answer._resource_closers:  # a file that is sent
                    close()
                if answer.streaming or answer.status_code >= 500:
                    continue
                text = answer.content.decode("utf-8", "replace")
                count += 1
                if kind.startswith("text/html"):
                    found += [f"{address.name}: {one}" for one in PAYLOADS if one in text]
                elif kind.startswith("application/json") and answer.status_code == 200:
                    json.loads(text)

    measured(f"{count} parts and files read, {len(found)} with markup alive")
    assert not found, "\n".join(("", *found[:40]))
    assert count > (150 if is_slow else 90)


def test_every_field_that_can_carry_a_script_is_poisoned(poisoned: tuple[Side, str]) -> None:
    """Of every model of which the city has a row."""
    held = {type(row) for row in poisoned[0].rows.values()}
    clean = []
    for model, column in written_fields():
        has_room = (column.max_length or 10_000) >= ROOM + 4
        if model in held and has_room:
            values = model._default_manager.values_list(column.name, flat=True)
            clean += [] if any("(1)" in str(value) for value in values) else [f"{model._meta.label}.{column.name}"]

    assert clean == []


def test_looking_finds_a_page_that_runs_words(browser: Browser) -> None:
    page = browser.new_context().new_page()
    page.add_init_script(LISTEN)
    headers = {"Content-Type": "text/html", "Content-Security-Policy": "script-src 'self'"}
    page.route("**/*", lambda route: route.fulfill(body=f"<p>{PAYLOADS[1]}</p>", headers=headers))

    found = look(page, "http://127.0.0.1:9/")
    page.context.close()

    assert any("policy stopped" in one for one in found)
    assert any("a text became <img" in one for one in found)
