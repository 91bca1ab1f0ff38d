"""One cell of the matrix: an address, asked with a method, by an actor, about a row of one of four sides."""

from __future__ import annotations

import copy
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern

from kangqiao.base.checks import declared, patterns
from kangqiao.pathways.reach import ALL, KINDS, OWN, RELATED, kind_of
from tests.access_matrix.world import DISTRICT, SEATS, Side, seat

NOBODY = ("anonymous", "disabled", "ended")
ACTORS = (*(role.value for role in SEATS), *DISTRICT, *NOBODY)
WORDS = {"key": "duty_compliance", "clause_id": "ZH-2a", "action": "accept"}
FOLLOWED = {"agreement": "agreement", "half_day": "half_day", "referral": "referral", "line": "line"}
REFUSED = (403, 404)


@dataclass(frozen=True)
class Address:
    """One URL with the kinds of the rows its arguments stand for; `=` before a word that is no row."""

    name: str
    route: str
    pattern: URLPattern
    arguments: tuple[tuple[str, str], ...]

    def on(self, side: Side, actor: str = "") -> str:
        """The path, filled with rows of a side, as they stand before the actor."""
        values = iter(
            kind.removeprefix("=") if kind.startswith("=") else str(side.row(kind, actor).pk)
            for _argument, kind in self.arguments
        )
        return "/" + re.sub(r"<[^>]+>", lambda _found: next(values), self.route)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows it is about."""
        return tuple(kind for _argument, kind in self.arguments if not kind.startswith("="))

    def admits(self, actor: str) -> bool:
        """Whether the declaration on the view lets the actor call it."""
        rule = declared(self.pattern)
        assert rule is not None, self.route
        return rule.admits(None if actor in NOBODY else seat(actor)[0])

    def shows(self, actor: str, relation: str) -> bool:
        """Whether the rows of that side are within the actor's reach."""
        return all(reaches(kind, actor, relation) for kind in self.kinds)


def reaches(kind: str, actor: str, relation: str) -> bool:
    """Whether an actor of ours sees the row of a kind on the side of a relation, by the table of reach."""
    row = KINDS[kind]
    if row.is_public:
        return True
    level = "" if actor in NOBODY else row.of(seat(actor)[0])
    if actor in DISTRICT and level == RELATED:
        level = OWN  # a district ends at its border, whatever the city sees beyond it
    levels = {"own": (OWN, RELATED, ALL), "partner": (RELATED, ALL), "former": (ALL,), "stranger": (ALL,)}
    is_past = relation == "former" and row.is_kept and seat(actor)[1] == "hospital"
    return level in levels["partner" if is_past else relation]


@cache
def addresses() -> tuple[Address, ...]:
    """Every URL with samples for its arguments."""
    return tuple(listed(patterns()))


def listed(found: Iterator[tuple[str, URLPattern]]) -> list[Address]:
    """URLs with samples for their arguments. Raises AssertionError for one that has none: give it a row."""
    every: list[Address] = []
    for route, pattern in found:
        name = pattern.name or route
        arguments = tuple(pattern.pattern.converters)
        if name == "chain-follow":
            for kind, row in FOLLOWED.items():
                every.append(Address(name, route, pattern, (("kind", f"={kind}"), ("pk", row))))
            continue
        samples = tuple((argument, _sample(name, argument)) for argument in arguments)
        assert all(row for _, row in samples), f"{name} /{route}: no sample row for {arguments}; add it to pathways.reach"
        every.append(Address(name, route, pattern, samples))
    return every


def _sample(name: str, argument: str) -> str:
    return f"={WORDS[argument]}" if argument in WORDS else kind_of(name, argument)


@dataclass(frozen=True)
class Answer:
    """What came back, with files opened, and whether anything was written on the way."""

    status: int
    text: str
    location: str = ""
    error: str = ""
    written: Mapping[str, int] = None  # type: ignore[assignment]

    @property
    def is_refusal(self) -> bool:
        """Refused, or sent on to a page that names no row: the same answer as for a row that is not there."""
        named = any(letter.isdigit() for letter in self.location.partition("#")[0])
        return self.status >= 400 or (self.status == 302 and not named)


def signed_in(side: Side, actor: str) -> Client:
    """A browser of that actor."""
    client = Client(raise_request_exception=False)
    if actor != "anonymous":
        client.force_login(side.users[actor], backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(client: Client, method: str, url: str, data: Mapping[str, Any] | None = None) -> Answer:
    """One request whose effects are taken back; the session stays as it was."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        before = writes()
        response: Any = (
            client.post(url, data or {}) if method == "POST" else client.generic(method, url)
        )
        error = repr(response.exc_info[1])[:200] if getattr(response, "exc_info", None) else ""
        after = writes()
        written = {table: count - before.get(table, 0) for table, count in after.items() if count != before.get(table)}
        answer = Answer(response.status_code, body(response), response.headers.get("Location", ""), error, written)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


# Tables any request may touch: traces of who asked, the session, the one-time key of a form.
TRACES = frozenset(
    {"base_auditevent", "base_auditlink", "base_audithead", "base_idempotencykey", "django_session"}
)


def writes() -> dict[str, int]:
    """How many rows this transaction has written so far, by table; traces left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return {table: count for table, count in cursor.fetchall() if table not in TRACES}


def body(response: HttpResponseBase) -> str:
    """The whole answer as text: headers, a stream, every part of an office file, every stream of a PDF."""
    content = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined, arg-type]
    return text_of(content) + repr(dict(response.headers))


def text_of(content: bytes) -> str:
    """The text of a page or of a file."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            content = b"\n".join(file.read(name) for name in file.namelist())
    elif content.startswith(b"%PDF"):
        streams = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S)
        content += b"\n".join(_inflated(stream) for stream in streams)
    return content.decode("utf-8", "replace")


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream
