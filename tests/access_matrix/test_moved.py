"""Two at once: whoever presses second a step a page offers is told who was faster, when, and where the row stands now.

Every form of the matrix that moves a row through its process is sent twice, by two people where two may. The second
gets 409: for a page the page itself as it stands now, with the sentence above it; for a part the sentence, and the word
to the parts that show the row to load themselves anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from kangqiao.base.models import StatusChange
from kangqiao.edges.commands.states import tables
from tests.access_matrix.cells import signed_in
from tests.access_matrix.probes import Probe
from tests.access_matrix.test_matrix import probed
from tests.access_matrix.world import Side

# Where each of these steps is offered, and the row of that page; an empty kind where the page is a list.
PAGES = {
    "agreements-step": ("agreements-detail", "agreement"),
    "agreements-sign": ("agreements-detail", "agreement"),
    "roster-publish": ("roster-board", ""),
    "roster-step": ("roster-attendance", ""),
    "roster-posting-step": ("roster-postings", ""),
    "slots-step": ("slots-day", ""),
    "slots-displaced-of": ("slots-displaced-of", "displaced"),
    "people-decide": ("people-role-changes", ""),
    "referral-step": ("referral-detail", "referral"),
    "appraisal-close": ("appraisal-detail", "appraisal"),
    "finance-submit": ("finance-settlement", "settlement"),
    "finance-pay": ("finance-settlement", "settlement"),
    "publication-step": ("publication-detail", "publication"),
    "contracting-step": ("contracting-detail", "contract"),
    "contracting-community-step": ("contracting-community", "community"),
    "contracting-approval-grant": ("contracting-approval", "approval"),
    "contracting-approval-step": ("contracting-approval", "approval"),
    "quality-check": ("quality-item", "sampled_item"),
    "quality-step": ("quality-item", "sampled_item"),
    "contracting-one-stop-cancel": ("contracting-one-stop-day", ""),
    "contracting-visit-step": ("contracting-visits", ""),
}
# The state stays: the place or house named last holds; a renewal is a contract of its own, a second one is refused in
# words.
REPEATABLE = ("referral-step:rebook", "referral-step:redirect", "contracting-step:renew")
# Each party gives its own word and the state stays until the last: two of one party race.
OWN_WORD = ("agreements-sign",)
# Each level checks what it drew itself and sees nothing of the other's: two of one house race.
OWN_ROW = ("quality-check",)
NAMES = {table.name: table for _module, table in tables()}


@dataclass(frozen=True)
class Race:
    """One step, offered to two people on one page."""

    probe: Probe
    url: str
    page: str
    first: str
    second: str


def races(side: Side, address: str) -> Iterator[Race]:
    """The steps of an address."""
    url_name, kind = PAGES[address]
    for probe, where in probed():
        if probe.address != address or probe.name in REPEATABLE:
            continue
        first, *others = probe.writes["own"]
        if address in (*OWN_WORD, *OWN_ROW):
            others = []
        row = probe.rows.get(kind, kind)
        page = reverse(url_name, args=[side.row(row, first).pk] if row else [])
        yield Race(probe, where.on(side, first, probe.words, probe.rows), page, first, (others or [first])[0])


def lost(side: Side, race: Race, **headers: str) -> tuple[Any, list[str]]:
    """The answer to the second, and the states rows were moved to by the first; all of it is taken back."""
    with transaction.atomic():
        race.probe.prepare(side)
        seen = StatusChange.objects.count()
        one, other = signed_in(side, race.first), signed_in(side, race.second)
        won = send(one, race, race.probe.filled(side, race.first), "one")
        moved = StatusChange.objects.order_by("pk")[seen:]
        states = [NAMES[change.process].state(change.to_status).zh for change in moved]
        if race.probe.address in OWN_WORD:
            states = ["签署"]
        answer = send(other, race, race.probe.filled(side, race.second), "two", **headers)
        answer.text, answer.won = answer.content.decode(), won.status_code
        transaction.set_rollback(True)
    return answer, states


def send(client: Client, race: Race, form: dict[str, str], key: str, **headers: str) -> Any:
    return client.post(
        race.url, {**form, "idempotency_key": key}, headers={"Referer": f"http://testserver{race.page}", **headers}
    )


def faults(side: Side, race: Race) -> Iterator[str]:
    """What the second was not told."""
    page, states = lost(side, race)
    part, _same = lost(side, race, **{"HX-Request": "true", "HX-Target": "queue"})
    said, who = f"{race.probe.name} ({race.first}, {race.second})", side.users[race.first].name
    alert, _, rest = page.text.partition("</button></div>")
    if not states:
        yield f"{said}: the first moved nothing ({page.won})"
    for name, answer, told in (("page", page, alert), ("part", part, part.text)):
        if answer.status_code != 409:
            yield f"{said}: the {name} answers {answer.status_code}"
        elif not (who in told and "10:00" in told and any(state in told for state in states)):
            yield f"{said}: the {name} does not say that {who} moved it at 10:00 to {states}: {words(told)[-300:]}"
    if (part.headers.get("HX-Retarget"), part.headers.get("HX-Trigger")) != ("#problem", "moved"):
        yield f"{said}: the parts of the page are not told"
    shows = any(state in rest for state in states) or (who in rest and race.first != race.second)
    if page.status_code == 409 and PAGES[race.probe.address][1] and not shows:
        yield f"{said}: the page shows neither {states} nor {who}"


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize("address", PAGES)
def test_the_slower_of_two_is_told_who_when_and_what_now(address: str, sides: dict[str, Side]) -> None:
    side = sides["own"]
    asked = list(races(side, address))

    assert asked
    assert not (found := [fault for race in asked for fault in faults(side, race)]), "\n".join(("", *found))


def test_every_step_of_a_process_is_raced() -> None:
    """A form of the matrix that names a step is raced here, or moves nothing through a process."""
    stepped = {probe.address for probe, _address in probed() if probe.step}

    assert stepped - set(PAGES) == set()
