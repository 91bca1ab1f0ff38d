"""One cell of the matrix: an address, asked with a method, by an actor, about a row of one of four sides."""

from __future__ import annotations

import copy
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern

from kangqiao.base.checks import declared, patterns
from kangqiao.pathways.reach import ALL, KINDS, OWN, RELATED, kind_of
from tests.access_matrix.work import WEEK_PLANNERS
from tests.access_matrix.world import DISTRICT, MARKS, RESIDENT, SEATS, Side, seat

NOBODY = ("anonymous", "disabled", "ended")
ACTORS = (*(role.value for role in SEATS), *DISTRICT, *NOBODY)
WORDS = {"key": "duty_compliance", "clause_id": "ZH-2a", "action": "accept", "kind": "residents"}
WORDS |= {"paper": "referral", "part": "ct"}
# Tables are other ones for those who plan a hospital's week.
OWN_WORDS = {("kind", role): "weekly_templates" for role in WEEK_PLANNERS}
FOLLOWED = {"agreement": "agreement", "half_day": "half_day", "referral": "referral", "line": "line"}
MARKED = frozenset({RESIDENT, *MARKS.values()})


@dataclass(frozen=True)
class Address:
    """One URL with the kinds of the rows its arguments stand for; `=` before a word that is no row."""

    name: str
    route: str
    pattern: URLPattern
    arguments: tuple[tuple[str, str], ...]

    def on(
        self, side: Side, actor: str = "", words: Mapping[str, str] | None = None, rows: Mapping[str, str] | None = None
    ) -> str:
        """The path, filled with rows of a side, as they stand before the actor.

        `words` replaces words by the name of their argument, `rows` kinds of rows by others.
        """
        values = iter(
            (words or {}).get(argument, _word(argument, kind, actor))
            if kind.startswith("=")
            else str(side.row((rows or {}).get(kind, kind), actor).pk)
            for argument, kind in self.arguments
        )
        return "/" + re.sub(r"<[^>]+>", lambda _found: next(values), self.route)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of rows it is about."""
        return tuple(kind for _argument, kind in self.arguments if not kind.startswith("="))

    @property
    def rows(self) -> set[str]:
        """The kinds of rows, as a set."""
        return set(self.kinds)

    def admits(self, actor: str) -> bool:
        """Whether the declaration on the view lets the actor call it."""
        rule = declared(self.pattern)
        assert rule is not None, self.route
        return rule.admits(None if actor in NOBODY else seat(actor)[0])

    def shows(self, actor: str, relation: str) -> bool:
        """Whether the rows of that side are within the actor's reach."""
        return all(reaches(kind, actor, relation) for kind in self.kinds)


def _word(argument: str, kind: str, actor: str) -> str:
    role = "" if not actor or actor in NOBODY else seat(actor)[0]
    return OWN_WORDS.get((argument, role), kind.removeprefix("=")) if kind == f"={WORDS.get(argument)}" else kind[1:]


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
        assert all(row for _, row in samples), (
            f"{name} /{route}: no sample row for {arguments}; add it to pathways.reach"
        )
        every.append(Address(name, route, pattern, samples))
    return every


def _sample(name: str, argument: str) -> str:
    return f"={WORDS[argument]}" if argument in WORDS else kind_of(name, argument)


def leaks(sides: Mapping[str, Side], actor: str, answer: Answer) -> list[str]:
    """The marks that stand in an answer though the actor does not reach what they mark."""
    return [
        f"{relation}'s {kind}"
        for relation, side in sides.items()
        for kind in MARKED
        if side.mark(kind) in answer.text and not reaches(kind, actor, relation)
    ]


@dataclass(frozen=True)
class Answer:
    """What came back, with files opened, and the tables whose rows are others than before."""

    status: int
    text: str
    location: str = ""
    error: str = ""
    changed: frozenset[str] = frozenset()

    @property
    def is_refusal(self) -> bool:
        """Refused, or sent on to a page that names no row: the same answer as for a row that is not there."""
        named = any(letter.isdigit() for letter in self.location.partition("#")[0])
        return self.status >= 400 or (self.status == 302 and not named)


def signed_in(side: Side, actor: str) -> Client:
    """A browser of that actor."""
    client = Client(raise_request_exception=False)
    if actor != "anonymous":
        client.force_login(side.users[actor])
        client.get("/notices/")  # the first page of a session writes the sign-in down
    return client


def ask(
    client: Client,
    method: str,
    url: str,
    data: Mapping[str, Any] | None = None,
    prepare: Callable[[], None] = lambda: None,
) -> Answer:
    """One request whose effects, and those of `prepare` before it, are taken back; the session stays as it was."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        prepare()
        with transaction.atomic():
            touched = _touched()
            response: Any = client.post(url, data or {}) if method == "POST" else client.generic(method, url)
            error = repr(response.exc_info[1])[:200] if getattr(response, "exc_info", None) else ""
            tables = [table for table, count in _touched().items() if count != touched.get(table)]
            after = digests(tables)
            transaction.set_rollback(True)
        before = digests(tables)
        changed = frozenset(table for table in tables if before[table] != after[table])
        location = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
        answer = Answer(response.status_code, body(response), location, error, changed)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


# Tables any request may touch: traces of who asked, the session, the one-time key of a form, and the draft of what
# somebody typed, which nobody else can read or write.
TRACES = frozenset(
    {
        "base_auditevent", "base_auditlink", "base_audithead", "base_idempotencykey", "base_draft", "django_session",
    }
)  # fmt: skip


def _touched() -> dict[str, int]:
    """How often this transaction has written to each table so far, what it took back included; traces left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return {table: count for table, count in cursor.fetchall() if table not in TRACES}


def digests(tables: Iterable[str]) -> dict[str, str]:
    """The checksum of every row of these tables."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{table}" t')
            found[table] = cursor.fetchone()[0]
    return found


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
