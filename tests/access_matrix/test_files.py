"""Files and links: another person, somebody signed out, an ended session, an altered address get nothing (T-ACL-5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session as StoredSession
from django.test import Client

from tests.access_matrix.cells import ACTORS, MARKED, NOBODY, Address, addresses, body, signed_in
from tests.access_matrix.test_matrix import Measured, Sides
from tests.access_matrix.world import Side

pytestmark = pytest.mark.trust("T-ACL-5")

# Pages that are printed or handed on like a file.
PRINTED = ("agreements-paper", "referral-print", "records-document")


def is_file(address: Address) -> bool:
    """Whether an address answers with a file, or with a page made to be printed."""
    route = address.route
    return address.name in PRINTED or "export" in route or route.endswith((".xlsx", ".json", ".ndjson", ".svg"))


def files() -> list[Address]:
    """Every file that is not for everybody."""
    return [address for address in addresses() if is_file(address) and not address.admits("anonymous")]


def holders(address: Address) -> Iterator[str]:
    """Those who may have it."""
    yield from (actor for actor in ACTORS if actor not in NOBODY and address.admits(actor))


def holds(text: str, side: Side) -> bool:
    """Whether a text says anything of a side's people."""
    return any(side.mark(kind) in text for kind in MARKED)


def test_files_are_listed() -> None:
    assert {"roster-export", "agreements-paper", "referral-print"} <= {one.name for one in files()}


@pytest.mark.parametrize("thief", ["another", "signed out", "expired", "nobody"])
def test_a_file_is_worth_nothing_to_anybody_else(thief: str, sides: Sides, measured: Measured) -> None:
    ours, asked, found = sides["own"], 0, []
    for address in files():
        actor = next(holders(address))
        url = address.on(ours, actor)
        client = _browser(thief, sides, actor)
        answer = client.get(url)
        asked += 1
        text = body(answer)
        is_open = answer.status_code == 200 and (thief != "another" or bool(address.kinds))
        if is_open or holds(text, ours) or (thief == "another" and ours.house in text):
            found.append(f"{thief}: {url} → {answer.status_code}")

    assert not found, "\n".join(("", *found))
    measured(f"{thief}: {asked} files, 0 opened")


def _browser(thief: str, sides: Sides, actor: str) -> Client:
    if thief == "nobody":
        return Client(raise_request_exception=False)
    client = signed_in(sides["stranger" if thief == "another" else "own"], actor)
    if thief == "signed out":
        kept = client.cookies.copy()
        client.post("/sign-out/")
        client.cookies = kept  # type: ignore[assignment]
    if thief == "expired":
        StoredSession.objects.all().delete()
    return client


def test_an_altered_address_gives_nothing(sides: Sides, measured: Measured) -> None:
    ours, asked, found = sides["own"], 0, []
    for address in [one for one in files() if one.kinds]:
        actor = next(holders(address))
        client = signed_in(ours, actor)
        number = str(ours.row(address.kinds[0], actor).pk)
        url = address.on(ours, actor)
        for other in ("999999999", f"{number}%00", f"-{number}", f"{number}.0", f"..%2f{number}", "9" * 30):
            answer = client.get(url.replace(f"/{number}", f"/{other}", 1))
            asked += 1
            if answer.status_code not in (400, 404) or holds(body(answer), ours):
                found.append(f"{url} with {other} → {answer.status_code}")

    assert not found, "\n".join(("", *found))
    measured(f"{asked} altered addresses, 0 opened")


def test_a_list_that_is_not_published_has_no_public_file(sides: Sides) -> None:
    draft, out = sides["own"].publication, sides["own"].published
    names = ("/public/{}/", "/public/{}.json", "/public/{}.xlsx")

    hidden = {name: Client().get(name.format(draft.pk)).status_code for name in names}
    shown = {name: Client().get(name.format(out.pk)).status_code for name in names}

    assert set(hidden.values()) == {404}
    assert set(shown.values()) == {200}


def test_a_sheet_of_a_list_holds_what_the_page_holds(sides: Sides, measured: Measured) -> None:
    """Whoever may open a list has a button for its sheet, and the sheet says nothing that the page does not."""
    asked, found = 0, []
    for address in (one for one in addresses() if getattr(one.pattern.callback, "exports", False)):
        actor = next(holders(address))
        client, url = signed_in(sides["own"], actor), address.on(sides["own"], actor)
        page = client.get(url).content.decode()
        answer = client.get(url, {"as": "xlsx"})
        words = body(answer)
        asked += 1
        marks = {side.mark(kind) for side in sides.values() for kind in MARKED}
        if not answer.headers["Content-Type"].startswith("application/vnd.openxmlformats"):
            found.append(f"{url} → {answer.status_code} {answer.headers['Content-Type']}")
        found += [f"{url}: {mark} stands in the sheet alone" for mark in marks if mark in words and mark not in page]
        if "?as=xlsx" not in page:
            found.append(f"{url} has no button for its sheet")

    assert not found, "\n".join(("", *found))
    assert asked >= 18
    measured(f"{asked} lists as sheets, 0 say more than their page")
