"""The matrix: every URL by every role, on rows of one's own and on a stranger's.

What must come back follows from the declaration on the view. Beyond it: no answer, refusals and files included, holds
a marked word of the stranger's side; no request of ours changes a stranger's row; nothing ends in an error of the
server.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core import serializers
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, path

from kangqiao.base.access import access
from kangqiao.base.checks import declared, patterns
from kangqiao.domain.accounts.models import Role
from kangqiao.pathways.chain import FOLLOWERS
from tests.access_matrix.world import SEATS, Side, two_sides

# Argument of an address → the row of a side it stands for.
ROWS = {
    "appraisal_id": "appraisal", "booking_id": "booking", "document_id": "document", "half_day_id": "half_day",
    "hospital_id": "hospital", "notice_id": "notice", "organization_id": "centre", "posting_id": "posting",
    "practitioner_id": "expert", "referral_id": "referral", "resident_id": "resident", "consent_id": "consent",
    "emergency_id": "emergency", "question_id": "question", "roster_id": "roster",
    "chain": "centre", "session_id": "session", "slot_id": "slot",
    "sign_in_id": "sign_in", "factor_id": "factor",
    "user_id": "account", "membership_id": "membership", "role_change_id": "role_change",
    "identity_id": "identity",
}  # fmt: skip
# What `pk` stands for: by the name of the address, else by its first word.
KEYS = {
    "agreements": "agreement", "appraisal": "appraisal", "finance": "settlement", "finance-line": "line",
    "finance-verify": "figure", "indicators-report": "report", "publication": "publication", "public": "publication",
}  # fmt: skip
WORDS = {"key": "duty_compliance", "clause_id": "ZH-2a", "action": "accept"}
FOLLOWED = {"agreement": "agreement", "half_day": "half_day", "referral": "referral", "line": "line"}
# Rows nobody of another side may as much as know of: the answer is a refusal.
PRIVATE = {
    "consent", "emergency", "question", "booking", "document", "referral", "resident", "notice", "agreement", "sign_in",
    "factor", "account", "membership", "role_change", "identity",
}  # fmt: skip
NOBODY = ("anonymous", "disabled", "ended")


@dataclass(frozen=True)
class Address:
    """One URL with the names of the rows its arguments stand for."""

    name: str
    route: str
    pattern: URLPattern
    arguments: tuple[tuple[str, str], ...]

    def on(self, side: Side) -> str:
        """The path, filled with rows of a side."""
        filled = "/" + self.route
        for argument, row in self.arguments:
            start = filled.index("<")
            end = filled.index(">")
            value = row.removeprefix("=") if row.startswith("=") else str(side.rows[row].pk)
            assert filled[start:end].split(":")[-1].lstrip("<") == argument
            filled = filled[:start] + value + filled[end + 1 :]
        return filled

    @property
    def rows(self) -> set[str]:
        """The rows it is about."""
        return {row for _, row in self.arguments if not row.startswith("=")}


def addresses(found: Iterator[tuple[str, URLPattern]] | None = None) -> list[Address]:
    """Every URL with samples for its arguments. Raises AssertionError for one that has none: give it a row."""
    every: list[Address] = []
    for route, pattern in found or patterns():
        name = pattern.name or route
        arguments = tuple(pattern.pattern.converters)
        if name == "chain-follow":
            for kind, row in FOLLOWED.items():
                every.append(Address(name, route, pattern, (("kind", f"={kind}"), ("pk", row))))
            continue
        samples = tuple((argument, _sample(name, argument)) for argument in arguments)
        assert all(row for _, row in samples), f"{name} /{route}: no sample row for {arguments}; add it to the matrix"
        every.append(Address(name, route, pattern, samples))
    return every


def _sample(name: str, argument: str) -> str:
    if argument in WORDS:
        return f"={WORDS[argument]}"
    if argument == "pk":
        return KEYS.get(name) or KEYS.get(name.split("-")[0], "")
    return ROWS.get(argument, "")


@dataclass(frozen=True)
class Answer:
    """What came back, with files opened."""

    status: int
    text: str
    location: str = ""
    error: str = ""


def ask(client: Client, method: str, url: str) -> Answer:
    """One request whose effects are taken back; the session stays as it was."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        response: Any = client.generic(method, url)
        error = repr(response.exc_info[1])[:200] if getattr(response, "exc_info", None) else ""
        answer = Answer(response.status_code, body(response), response.headers.get("Location", ""), error)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def body(response: HttpResponseBase) -> str:
    """The whole answer as text: headers, a stream, and every sheet of a workbook."""
    content = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined, arg-type]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            content = b"\n".join(file.read(name) for name in file.namelist())
    return content.decode("utf-8", "replace") + repr(dict(response.headers))


def faults(address: Address, actor: str, method: str, answer: Answer, *, is_foreign: bool) -> Iterator[str]:
    """What is wrong with an answer, judged by the declaration on the view."""
    said = f"{actor} {method} /{address.route} ({address.name}{', foreign' if is_foreign else ''}) → {answer.status}"
    role = None if actor in NOBODY else actor
    rule = declared(address.pattern)
    assert rule is not None, said
    if answer.status >= 500 and address.name != "healthz":
        yield f"{said}: an error of the server, {answer.error}"
    elif rule.admits(role):
        # Sent on to a page that names no row is a refusal too: the answer is the same for a row that is not there.
        is_sent_on = answer.status == 302 and not any(letter.isdigit() for letter in answer.location.partition("#")[0])
        if is_foreign and address.rows & PRIVATE and answer.status < 400 and not is_sent_on:
            yield f"{said}: a stranger's row must be refused"
    elif answer.status == 405:
        return
    elif role is None and not (answer.status == 302 and answer.location.startswith("/sign-in/")):
        yield f"{said}: somebody who is not signed in goes to the sign-in page"
    elif role is not None and answer.status != 403:
        yield f"{said}: this role is refused"


def snapshot(side: Side) -> str:
    """Every row of a side, to see whether anything changed."""
    rows = [type(row)._default_manager.get(pk=row.pk) for row in side.rows.values()]
    return json.dumps(serializers.serialize("python", rows), default=str)


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [*(role.value for role in SEATS), *NOBODY])
def test_matrix(actor: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "django.request")
    ours, foreign = two_sides()
    client = Client(raise_request_exception=False)
    if actor != "anonymous":
        client.force_login(ours.users[actor], backend="django.contrib.auth.backends.ModelBackend")
    before = snapshot(foreign)
    found: list[str] = []

    for address in addresses():
        asked = (
            [("GET", ours), ("GET", foreign), ("POST", foreign)] if address.rows else [("GET", ours), ("POST", ours)]
        )
        for method, side in asked:
            answer = ask(client, method, address.on(side))
            found += faults(address, actor, method, answer, is_foreign=side is foreign)
            if foreign.word in answer.text:
                found.append(f"{actor} {method} {address.on(side)}: holds a word of the stranger's side")

    assert not found, "\n".join(("", *found))
    assert snapshot(foreign) == before


@pytest.mark.django_db
def test_marked_words_are_seen_by_those_who_may() -> None:
    ours, _ = two_sides()
    client = Client()
    client.force_login(ours.users[Role.GP])

    seen = {name: ours.word in body(client.get(url)) for name, url in _readable(ours).items()}

    assert all(seen.values()), seen


def _readable(side: Side) -> dict[str, str]:
    named = {address.name: address for address in addresses()}
    return {name: named[name].on(side) for name in ("records-resident", "records-document", "slots-booking")}


def test_every_role_has_a_seat_and_every_kind_is_followed() -> None:
    assert set(SEATS) == set(Role)
    assert set(FOLLOWED) == set(FOLLOWERS)


def test_every_address_has_its_sample() -> None:
    assert len(addresses()) > 50


def test_address_without_a_sample_fails() -> None:
    planted = path("planted/<int:planted_id>/", access("public")(lambda request: None), name="planted")  # type: ignore[arg-type, return-value]

    with pytest.raises(AssertionError, match="planted"):
        addresses(iter([("planted/<int:planted_id>/", planted)]))


@pytest.mark.parametrize(
    ("actor", "status", "location", "is_foreign", "wrong"),
    [
        ("gp", 200, "", False, False),
        ("gp", 200, "", True, True),
        ("gp", 404, "", True, False),
        ("gp", 500, "", False, True),
        ("insurer", 200, "", False, True),
        ("insurer", 404, "", False, True),
        ("insurer", 403, "", False, False),
        ("anonymous", 200, "", False, True),
        ("anonymous", 302, "/elsewhere/", False, True),
        ("anonymous", 302, "/sign-in/?next=x", False, False),
    ],
)
def test_faults_judges_by_the_declaration(
    actor: str, status: int, location: str, is_foreign: bool, wrong: bool
) -> None:
    view = access("role", roles=("gp",))(lambda request: None)  # type: ignore[arg-type, return-value]
    pattern = path("r/<int:resident_id>/", view, name="r")
    address = Address("r", "r/<int:resident_id>/", pattern, (("resident_id", "resident"),))

    found = list(faults(address, actor, "GET", Answer(status, "", location), is_foreign=is_foreign))

    assert bool(found) is wrong
