"""The matrix: every URL by every method, every actor, on rows of ours, of a partner, of a former partner, of a stranger.

What must come back follows from the declaration on the view and the table of reach. Beyond it: no answer, refusals and
files included, holds a marked word of somebody out of reach; nothing ends in an error of the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.urls import path

from kangqiao.base.access import access
from kangqiao.domain.accounts.models import Role
from kangqiao.pathways.chain import FOLLOWERS
from tests.access_matrix.cells import (
    ACTORS,
    FOLLOWED,
    NOBODY,
    REFUSED,
    Address,
    Answer,
    addresses,
    ask,
    body,
    listed,
    signed_in,
)
from tests.access_matrix.world import SEATS, Side, four_sides

ANSWERED = (405, 409, 422)


def faults(address: Address, actor: str, method: str, relation: str, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer, judged by the declaration on the view and the reach of the actor."""
    said = f"{actor} {method} /{address.route} ({address.name}, {relation}) → {answer.status}"
    if answer.status >= 500 and address.name != "healthz":
        yield f"{said}: an error of the server, {answer.error}"
    elif method in ("PUT", "PATCH", "DELETE"):
        if answer.status != 405:
            yield f"{said}: nothing answers to this method"
    elif not address.admits(actor):
        yield from _refused(said, actor, answer)
    elif not address.shows(actor, relation):
        if not answer.is_refusal:
            yield f"{said}: a row out of reach must be refused"
    elif method == "GET" and answer.status >= 400 and answer.status not in ANSWERED and address.name != "gallery":
        yield f"{said}: within reach, so it must open"


def _refused(said: str, actor: str, answer: Answer) -> Iterator[str]:
    if answer.status == 405:
        return
    if actor in NOBODY and not (answer.status == 302 and answer.location.startswith("/sign-in/")):
        yield f"{said}: somebody who is not signed in goes to the sign-in page"
    elif actor not in NOBODY and answer.status != 403:
        yield f"{said}: this role is refused"


@pytest.mark.django_db
@pytest.mark.parametrize("actor", ACTORS)
def test_matrix(actor: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "django.request")
    sides = four_sides()
    client = signed_in(sides["own"], actor)
    found: list[str] = []
    count: Counter[str] = Counter()

    for address in addresses():
        for relation, side in sides.items():
            if relation != "own" and not address.kinds:
                continue
            answer = ask(client, "GET", address.on(side, actor))
            count["cells"] += 1
            found += faults(address, actor, "GET", relation, answer)
            found += [f"{actor} GET {address.on(side, actor)} ({address.name}, {relation}): holds a word of {one}" for one in foreign(sides, actor, address, relation, answer)]
    print(count)
    assert not found, "\n".join(("", *found))


def foreign(sides: dict[str, Side], actor: str, address: Address, relation: str, answer: Answer) -> list[str]:
    """The sides whose marked words stand in an answer though they are out of reach."""
    seen = []
    for name, side in sides.items():
        if name == "own" and actor not in NOBODY: continue
        if side.word in answer.text:
            seen.append(name)
    return seen
